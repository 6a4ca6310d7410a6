"""SRIW1: Roessler's stochastic Runge-Kutta method for diagonal and for scalar noise."""

from __future__ import annotations

from symde.engine.noise.method import NoiseMethod


def memory(states: int, entries: int) -> int:
    """Number of doubles that it keeps."""
    return 3 * states + 3 * entries


METHOD = NoiseMethod(
    name="SRIW1",
    module="noise_roessler",
    entry="sriw1",
    noise=frozenset({"diagonal", "scalar"}),
    strong=1.5,
    weak=2.0,
    per_motion=2,
    adaptive=True,
    memory=memory,
    when_to_use="A Brownian motion for each state that reads that state alone, or one for all.",
    citation="A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic "
    "differential equations, SIAM J. Numer. Anal. 48 (2010), 922-952, doi:10.1137/09076636X",
)
