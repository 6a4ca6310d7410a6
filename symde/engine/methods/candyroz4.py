"""CandyRoz4: Candy and Rozmus' method of order 4, which Forest and Ruth found too.

Source: J. Candy, W. Rozmus, A symplectic integration algorithm for separable Hamiltonian functions, Journal
of Computational Physics 92 (1991) 230-256; E. Forest, R. D. Ruth, Physica D 43 (1990) 105-117.
"""

from __future__ import annotations

from fractions import Fraction

from symde.engine.methods.exact import root
from symde.engine.methods.splitting import SplittingMethod

_cube_root = root(2, 3)
_outer = 1 / (2 - _cube_root)
_inner = -_cube_root * _outer

METHOD = SplittingMethod(
    name="CandyRoz4",
    order=4,
    b=(Fraction(0), _outer, _inner, _outer),
    a=(_outer / 2, (_outer + _inner) / 2, (_outer + _inner) / 2, _outer / 2),
    symmetric=True,
    citation=(
        "J. Candy, W. Rozmus, A symplectic integration algorithm for separable Hamiltonian functions, "
        "Journal of Computational Physics 92 (1991) 230-256, doi:10.1016/0021-9991(91)90299-Z"
    ),
    when_to_use="Symmetric in time with three forces a step, of order 4.",
    source="Candy & Rozmus (1991), equation (2.21); Forest & Ruth (1990), equation (4.8)",
)
