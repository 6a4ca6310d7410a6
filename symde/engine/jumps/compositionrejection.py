"""CompositionRejection: groups of like propensities, and rejection within a group."""

from __future__ import annotations

from symde.engine.cpu.jump_layout import GROUPS
from symde.engine.jumps.method import JumpMethod


def memory(reactions: int, states: int) -> tuple[int, int]:
    """Numbers of integers and of doubles that it keeps."""
    return 1 + GROUPS + (2 + GROUPS) * reactions, 2 * GROUPS


METHOD = JumpMethod(
    name="CompositionRejection",
    module="jump_composition",
    entry="composition",
    memory=memory,
    when_to_use="Thousands of reactions: an event takes the same time however many there are.",
    citation="A. Slepoy, A. P. Thompson, S. J. Plimpton, A constant-time kinetic Monte Carlo algorithm for "
    "simulation of large biochemical reaction networks, J. Chem. Phys. 128 (2008), 205101, "
    "doi:10.1063/1.2919546",
)
