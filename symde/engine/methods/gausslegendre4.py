"""GaussLegendre4: Gauss' method with two stages, of order 4.

Source: P. C. Hammer, J. W. Hollingsworth, Trapezoidal methods of approximating solutions of differential
equations, Mathematical Tables and Other Aids to Computation 9 (1955) 92-96.
"""

from __future__ import annotations

from fractions import Fraction

from symde.engine.methods.exact import square_root
from symde.engine.methods.gauss import GaussMethod

_r = square_root(3) / 6
_half, _quarter = Fraction(1, 2), Fraction(1, 4)

METHOD = GaussMethod(
    name="GaussLegendre4",
    order=4,
    a=((_quarter, _quarter - _r), (_quarter + _r, _quarter)),
    b="1/2 1/2",
    c=(_half - _r, _half + _r),
    citation=(
        "P. C. Hammer, J. W. Hollingsworth, Trapezoidal methods of approximating solutions of differential "
        "equations, Mathematical Tables and Other Aids to Computation 9 (1955) 92-96, doi:10.2307/2002064"
    ),
    when_to_use="Hamiltonian systems that do not separate, at moderate accuracy.",
    source="Hairer, Lubich & Wanner (2006), II.(1.14)",
)
