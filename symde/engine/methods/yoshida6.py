"""Yoshida6: Yoshida's symmetric composition of order 6, his solution A.

Source: H. Yoshida, Construction of higher order symplectic integrators, Physics Letters A 150 (1990) 262-268,
table 1, with more digits from E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006),
V.(3.11).
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod, composed

_kicks, _drifts = composed(
    "0.78451361047755726381949763 0.23557321335935813368479318 -1.17767998417887100694641568 "
    "1.31518632068391121888424973"
)

METHOD = SplittingMethod(
    name="Yoshida6",
    order=6,
    b=_kicks,
    a=_drifts,
    symmetric=True,
    citation=(
        "H. Yoshida, Construction of higher order symplectic integrators, Physics Letters A 150 (1990) "
        "262-268, doi:10.1016/0375-9601(90)90092-3"
    ),
    when_to_use="Comparison with the literature; KahanLi6 is more accurate at equal cost.",
    source="Hairer, Lubich & Wanner (2006), V.(3.11)",
)
