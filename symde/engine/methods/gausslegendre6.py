"""GaussLegendre6: Gauss' method with three stages, of order 6.

Source: J. C. Butcher, Implicit Runge-Kutta processes, Mathematics of Computation 18 (1964) 50-64, table 1.
"""

from __future__ import annotations

from fractions import Fraction

from symde.engine.methods.exact import square_root
from symde.engine.methods.gauss import GaussMethod

_r = square_root(15)
_fifth = Fraction(5, 36)

METHOD = GaussMethod(
    name="GaussLegendre6",
    order=6,
    a=(
        (_fifth, Fraction(2, 9) - _r / 15, _fifth - _r / 30),
        (_fifth + _r / 24, Fraction(2, 9), _fifth - _r / 24),
        (_fifth + _r / 30, Fraction(2, 9) + _r / 15, _fifth),
    ),
    b="5/18 4/9 5/18",
    c=(Fraction(1, 2) - _r / 10, Fraction(1, 2), Fraction(1, 2) + _r / 10),
    citation=(
        "J. C. Butcher, Implicit Runge-Kutta processes, Mathematics of Computation 18 (1964) 50-64, "
        "doi:10.1090/S0025-5718-1964-0159424-9"
    ),
    when_to_use="Hamiltonian systems that do not separate, at high accuracy.",
    source="Butcher (1964), table 1; Hairer, Lubich & Wanner (2006), II.(1.14)",
)
