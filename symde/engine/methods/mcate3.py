"""McAte3: McLachlan and Atela's optimal method of order 3 with three stages.

Source: R. I. McLachlan, P. Atela, The accuracy of symplectic integrators, Nonlinearity 5 (1992) 541-562,
table 2.
"""

from __future__ import annotations

from fractions import Fraction

from symde.engine.methods.splitting import SplittingMethod

_first = Fraction("0.9196615230173999")
_second = 1 / (4 * _first) - _first / 2
_third = 1 - _first - _second

METHOD = SplittingMethod(
    name="McAte3",
    order=3,
    b=(_third, _second, _first),
    a=(_first, _second, _third),
    symmetric=False,
    citation=(
        "R. I. McLachlan, P. Atela, The accuracy of symplectic integrators, Nonlinearity 5 (1992) 541-562, "
        "doi:10.1088/0951-7715/5/2/011"
    ),
    when_to_use="Three forces a step, between the methods of orders 2 and 4.",
    source="McLachlan & Atela (1992), table 2",
)
