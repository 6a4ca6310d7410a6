"""SRA1: Roessler's stochastic Runge-Kutta method for additive noise."""

from __future__ import annotations

from symde.engine.noise.method import NoiseMethod


def memory(states: int, entries: int) -> int:
    """Number of doubles that it keeps."""
    return states + entries


METHOD = NoiseMethod(
    name="SRA1",
    module="noise_roessler",
    entry="sra1",
    noise=frozenset({"additive"}),
    strong=1.5,
    weak=2.0,
    per_motion=2,
    adaptive=True,
    memory=memory,
    when_to_use="Noise that no state changes.",
    citation="A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic "
    "differential equations, SIAM J. Numer. Anal. 48 (2010), 922-952, doi:10.1137/09076636X",
)
