"""Milstein: the method of Euler and Maruyama with the double integrals of the noise."""

from __future__ import annotations

from symde.engine.noise.method import NoiseMethod

METHOD = NoiseMethod(
    name="Milstein",
    module="noise_milstein",
    entry="milstein",
    noise=frozenset({"additive", "diagonal", "scalar", "commutative"}),
    strong=1.0,
    weak=1.0,
    reads=("milstein",),
    along=True,
    back="noise_milstein_back",
    when_to_use="Commutative noise: several Brownian motions whose order does not matter.",
    citation="G. N. Milstein, Approximate integration of stochastic differential equations, Theory Probab. "
    "Appl. 19 (1975), 557-562, doi:10.1137/1119062",
)
