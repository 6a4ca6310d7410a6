"""TauLeaping: adaptive explicit tau-leaping."""

from __future__ import annotations

from symde.engine.jumps.method import JumpMethod


def memory(reactions: int, states: int) -> tuple[int, int]:
    """Numbers of integers and of doubles that it keeps."""
    return 1 + reactions, 5 * states


METHOD = JumpMethod(
    name="TauLeaping",
    module="jump_leaping",
    entry="tau_leaping",
    exact=False,
    mass_action_only=True,
    memory=memory,
    epsilon=0.03,
    when_to_use="Large populations, where an approximate path is enough: many events in one step.",
    citation="Y. Cao, D. T. Gillespie, L. R. Petzold, Efficient step size selection for the tau-leaping "
    "simulation method, J. Chem. Phys. 124 (2006), 044109, doi:10.1063/1.2159468",
)
