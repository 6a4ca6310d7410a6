"""Direct: Gillespie's direct method with a dependency graph."""

from __future__ import annotations

from symde.engine.jumps.method import JumpMethod


def memory(reactions: int, states: int) -> tuple[int, int]:
    """Numbers of integers and of doubles that it keeps."""
    return reactions, 0


METHOD = JumpMethod(
    name="Direct",
    module="jump_direct",
    entry="direct",
    memory=memory,
    when_to_use="A few reactions; the reference that all others are compared with.",
    citation="D. T. Gillespie, Exact stochastic simulation of coupled chemical reactions, J. Phys. Chem. 81 "
    "(1977), 2340-2361, doi:10.1021/j100540a008",
)
