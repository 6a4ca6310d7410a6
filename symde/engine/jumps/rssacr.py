"""RSSACR: rejection by bounds of propensities, candidates by composition and rejection."""

from __future__ import annotations

from symde.engine.cpu.jump_layout import GROUPS
from symde.engine.jumps.method import JumpMethod


def memory(reactions: int, states: int) -> tuple[int, int]:
    """Numbers of integers and of doubles that it keeps."""
    return 2 + GROUPS + (2 + GROUPS) * reactions, 2 * GROUPS + 2 * (states + 1) + reactions


METHOD = JumpMethod(
    name="RSSACR",
    module="jump_rejection",
    entry="rejection",
    memory=memory,
    when_to_use="Thousands of reactions whose species take part in many of them: propensities are computed "
    "again only where a population has left its interval.",
    citation="V. H. Thanh, R. Zunino, C. Priami, Efficient constant-time complexity algorithm for stochastic "
    "simulation of large reaction networks, IEEE/ACM Trans. Comput. Biol. Bioinform. 14 (2017), 657-667, "
    "doi:10.1109/TCBB.2016.2530066",
)
