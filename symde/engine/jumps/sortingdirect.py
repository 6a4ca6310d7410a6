"""SortingDirect: the direct method, reactions searched in the order in which they fire most."""

from __future__ import annotations

from symde.engine.jumps.method import JumpMethod


def memory(reactions: int, states: int) -> tuple[int, int]:
    """Numbers of integers and of doubles that it keeps."""
    return reactions, 0


METHOD = JumpMethod(
    name="SortingDirect",
    module="jump_direct",
    entry="sorting",
    memory=memory,
    when_to_use="Up to some dozens of reactions.",
    citation="J. M. McCollum, G. D. Peterson, C. D. Cox, M. L. Simpson, N. F. Samatova, The sorting direct "
    "method for stochastic simulation of biochemical systems with varying reaction execution behavior, "
    "Comput. Biol. Chem. 30 (2006), 39-49, doi:10.1016/j.compbiolchem.2005.10.007",
)
