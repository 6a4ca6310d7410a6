"""RadauIIA5: the three-stage Radau IIA collocation method of order 5 for stiff equations."""

from __future__ import annotations

from symde.engine.methods.radau_iia import STAGES_3, RadauIIA

METHOD = RadauIIA(
    name="RadauIIA5",
    tables=(STAGES_3,),
    citation=(
        "E. Hairer, G. Wanner, Stiff differential equations solved by Radau methods, Journal of "
        "Computational and Applied Mathematics 111 (1999) 93-111, doi:10.1016/S0377-0427(99)00134-X"
    ),
    when_to_use="Very stiff equations at ordinary and tight tolerances.",
    source="Hairer & Wanner II (1996), IV.5 and IV.8; numbers from the collocation conditions",
)
