"""EulerMaruyama: u + f h + g dW."""

from __future__ import annotations

from symde.engine.noise.method import NoiseMethod

METHOD = NoiseMethod(
    name="EulerMaruyama",
    module="noise_milstein",
    entry="euler_maruyama",
    noise=frozenset({"additive", "diagonal", "scalar", "commutative", "general"}),
    strong=0.5,
    weak=1.0,
    adaptive=True,
    previsible=True,
    memory=lambda states, entries: 2 * states + entries,
    along=True,
    back="noise_milstein_back",
    when_to_use="Noise of any kind, and distributions to a few per cent.",
    citation="G. Maruyama, Continuous Markov processes and stochastic equations, Rend. Circ. Mat. Palermo 4 "
    "(1955), 48-90, doi:10.1007/BF02846028",
)
