"""KahanLi6: Kahan and Li's symmetric composition of order 6 with nine stages.

Source: W. Kahan, R.-C. Li, Composition constants for raising the orders of unconventional schemes for
ordinary differential equations, Mathematics of Computation 66 (1997) 1089-1099, table 2 (s9odr6a).
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod, composed

_kicks, _drifts = composed(
    "0.39216144400731413927925056 0.33259913678935943859974864 -0.70624617255763935980996482 "
    "0.08221359629355080023149045 0.79854399093482996339895035"
)

METHOD = SplittingMethod(
    name="KahanLi6",
    order=6,
    b=_kicks,
    a=_drifts,
    symmetric=True,
    citation=(
        "W. Kahan, R.-C. Li, Composition constants for raising the orders of unconventional schemes for "
        "ordinary differential equations, Mathematics of Computation 66 (1997) 1089-1099, "
        "doi:10.1090/S0025-5718-97-00873-9"
    ),
    when_to_use="Long simulations at high accuracy: symmetric, of order 6, nine forces a step.",
    source="Kahan & Li (1997), s9odr6a; Hairer, Lubich & Wanner (2006), V.(3.12)",
)
