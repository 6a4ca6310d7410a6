"""KahanLi8: Kahan and Li's symmetric composition of order 8 with seventeen stages.

Source: W. Kahan, R.-C. Li, Composition constants for raising the orders of unconventional schemes for
ordinary differential equations, Mathematics of Computation 66 (1997) 1089-1099, table 2 (s17odr8a).
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod, composed

_kicks, _drifts = composed(
    "0.13020248308889008087881763 0.56116298177510838456196441 -0.38947496264484728640807860 "
    "0.15884190655515560089621075 -0.39590389413323757733623154 0.18453964097831570709183254 "
    "0.25837438768632204729397911 0.29501172360931029887096624 -0.60550853383003451169892108"
)

METHOD = SplittingMethod(
    name="KahanLi8",
    order=8,
    b=_kicks,
    a=_drifts,
    symmetric=True,
    citation=(
        "W. Kahan, R.-C. Li, Composition constants for raising the orders of unconventional schemes for "
        "ordinary differential equations, Mathematics of Computation 66 (1997) 1089-1099, "
        "doi:10.1090/S0025-5718-97-00873-9"
    ),
    when_to_use="Long simulations near rounding: symmetric, of order 8, seventeen forces a step.",
    source="Kahan & Li (1997), s17odr8a; Hairer, Lubich & Wanner (2006), V.(3.14)",
)
