"""VCABM: Adams formulas of orders 1 to 12 with variable step, in PECE mode with local extrapolation.

The stability interval of the formula of order 5 counts as the border of stability: intervals shrink from 2.4
at order 2 over 1.04 at order 5 and 0.58 at order 7 to 0.06 at order 12, and where stability limits the steps,
the order falls so far that they are a little longer than that.

Source: L. F. Shampine, M. K. Gordon, Computer Solution of Ordinary Differential Equations: The Initial Value
Problem, Freeman (1975), chapters 5 to 8.
"""

from __future__ import annotations

from symde.engine.methods.adams import AdamsMethod

METHOD = AdamsMethod(
    name="VCABM",
    order=12,
    real_stability=1.0,
    citation=(
        "L. F. Shampine, M. K. Gordon, Computer Solution of Ordinary Differential Equations: The Initial "
        "Value Problem, Freeman, San Francisco (1975)"
    ),
    when_to_use="Equations that are not stiff and costly to evaluate, at tight tolerances.",
    source="Shampine & Gordon (1975), chapters 5 to 8",
)
