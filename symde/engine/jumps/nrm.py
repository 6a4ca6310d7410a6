"""NRM: the next reaction method."""

from __future__ import annotations

from symde.engine.jumps.method import JumpMethod


def memory(reactions: int, states: int) -> tuple[int, int]:
    """Numbers of integers and of doubles that it keeps."""
    return 2 * reactions, reactions


METHOD = JumpMethod(
    name="NRM",
    module="jump_next_reaction",
    entry="next_reaction",
    memory=memory,
    when_to_use="Some hundreds of reactions, each of which changes the propensities of few others.",
    citation="M. A. Gibson, J. Bruck, Efficient exact stochastic simulation of chemical systems with many "
    "species and many channels, J. Phys. Chem. A 104 (2000), 1876-1889, doi:10.1021/jp993732q",
)
