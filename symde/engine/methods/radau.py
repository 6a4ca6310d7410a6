"""Radau: Radau IIA collocation of order 5, 9 or 13, chosen step by step."""

from __future__ import annotations

from symde.engine.methods.radau_iia import STAGES_3, RadauIIA, more_stages

METHOD = RadauIIA(
    name="Radau",
    tables=(STAGES_3, *more_stages()),
    citation=(
        "E. Hairer, G. Wanner, Stiff differential equations solved by Radau methods, Journal of "
        "Computational and Applied Mathematics 111 (1999) 93-111, doi:10.1016/S0377-0427(99)00134-X"
    ),
    when_to_use="Stiff equations at the tightest tolerances.",
    source="Hairer & Wanner (1999), sections 2 and 3; numbers from the collocation conditions",
)
