"""ImplicitEulerMaruyama: the method of Euler and Maruyama with an implicit drift."""

from __future__ import annotations

from symde.engine.noise.method import NoiseMethod


def memory(states: int, entries: int) -> int:
    """Number of doubles that it keeps."""
    return 2 * states


METHOD = NoiseMethod(
    name="ImplicitEulerMaruyama",
    module="noise_implicit",
    entry="implicit_euler_maruyama",
    noise=frozenset({"additive", "diagonal", "scalar", "commutative", "general"}),
    strong=0.5,
    weak=1.0,
    kernels=("both", "drift", "linearised"),
    memory=memory,
    along=True,
    back="noise_implicit_back",
    when_to_use="Stiff drift and noise of any kind that need not be followed closely.",
    citation="P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations, Springer "
    "(1992), section 12.2, doi:10.1007/978-3-662-12616-5",
)
