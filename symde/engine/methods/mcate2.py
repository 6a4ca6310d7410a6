"""McAte2: McLachlan and Atela's optimal method of order 2 with two stages.

Source: R. I. McLachlan, P. Atela, The accuracy of symplectic integrators, Nonlinearity 5 (1992) 541-562,
table 2.
"""

from __future__ import annotations

from symde.engine.methods.exact import square_root
from symde.engine.methods.splitting import SplittingMethod

_half_root = square_root(2) / 2

METHOD = SplittingMethod(
    name="McAte2",
    order=2,
    b=(1 - _half_root, _half_root),
    a=(_half_root, 1 - _half_root),
    symmetric=False,
    citation=(
        "R. I. McLachlan, P. Atela, The accuracy of symplectic integrators, Nonlinearity 5 (1992) 541-562, "
        "doi:10.1088/0951-7715/5/2/011"
    ),
    when_to_use="Order 2 where a smaller error per force matters more than symmetry in time.",
    source="McLachlan & Atela (1992), table 2",
)
