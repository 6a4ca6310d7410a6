"""McAte4: McLachlan and Atela's optimal method of order 4 with four stages, for quadratic kinetic energies.

Source: R. I. McLachlan, P. Atela, The accuracy of symplectic integrators, Nonlinearity 5 (1992) 541-562,
table 2.
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod

METHOD = SplittingMethod(
    name="McAte4",
    order=4,
    b="0.134496199277431089 -0.224819803079420806 0.756320000515668291 0.334003603286321425",
    a="0.515352837431122936 -0.085782019412973646 0.441583023616466524 0.128846158365384185",
    symmetric=False,
    nystrom=True,
    citation=(
        "R. I. McLachlan, P. Atela, The accuracy of symplectic integrators, Nonlinearity 5 (1992) 541-562, "
        "doi:10.1088/0951-7715/5/2/011"
    ),
    when_to_use="Long simulations of second-order equations at moderate accuracy.",
    source="McLachlan & Atela (1992), table 2",
)
