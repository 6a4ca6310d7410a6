"""FBDF: backward differentiation formulas of orders 1 to 5 with a fixed leading coefficient.

QNDF with kappa = 0, in the same step and with the same control: less accurate a step at orders 1 to 4, and
stable in wider sectors at orders 3 and 4.

Source: K. R. Jackson, R. Sacks-Davis, An alternative implementation of variable step-size multistep formulas
for stiff ODEs, ACM TOMS 6 (1980) 295-318, doi:10.1145/355900.355903; L. F. Shampine, Solving 0 = F(t, y(t),
y'(t)) in Matlab, Journal of Numerical Mathematics 10 (2002) 291-310, doi:10.1515/JNMA.2002.291, 2, for the
same formulas with a choice of order.
"""

from __future__ import annotations

from symde.engine.methods.bdf import FBDF

METHOD = FBDF()
