"""QNDF: numerical differentiation formulas of orders 1 to 5 for large stiff systems.

The formulas are those of MATLAB's ode15s. Unlike there, the past is not moved to equal steps where the step
changes ("quasi-constant"): the leading coefficient is fixed and the points are those that were computed, so
that a change of step costs no rescaling. `symde.engine.methods.bdf.QNDF(max_order=2)` is L-stable.

Source: L. F. Shampine, M. W. Reichelt, The MATLAB ODE suite, SIAM J. Sci. Comput. 18 (1997) 1-22,
doi:10.1137/S1064827594276424, table 1.
"""

from __future__ import annotations

from symde.engine.methods.bdf import QNDF

METHOD = QNDF()
