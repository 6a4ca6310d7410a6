"""VelocityVerlet: half a kick, a drift, half a kick; of order 2, one force a step.

Source: L. Verlet, Computer "experiments" on classical fluids I, Physical Review 159 (1967) 98-103; in this
form W. C. Swope, H. C. Andersen, P. H. Berens, K. R. Wilson, Journal of Chemical Physics 76 (1982) 637-649,
equation (A13).
"""

from __future__ import annotations

from symde.engine.methods.splitting import SplittingMethod

METHOD = SplittingMethod(
    name="VelocityVerlet",
    order=2,
    b="1/2 1/2",
    a="1 0",
    symmetric=True,
    citation=(
        'L. Verlet, Computer "experiments" on classical fluids I, Physical Review 159 (1967) 98-103, '
        "doi:10.1103/PhysRev.159.98"
    ),
    when_to_use="Long simulations of many particles, where energy must not drift and a force costs much.",
    source="Swope, Andersen, Berens & Wilson (1982), equation (A13)",
)
