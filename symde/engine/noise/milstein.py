"""Milstein: the method of Euler and Maruyama with the double integrals of the noise, of any noise."""

from __future__ import annotations

from symde.engine.noise.method import NoiseMethod

METHOD = NoiseMethod(
    name="Milstein",
    module="noise_milstein",
    entry="milstein",
    noise=frozenset({"additive", "diagonal", "scalar", "commutative", "general"}),
    strong=1.0,
    weak=1.0,
    kernels=("milstein",),
    double=True,
    beyond=frozenset({"general"}),
    along=True,
    back="noise_milstein_back",
    when_to_use="Several Brownian motions that act on the same states, and paths that are wanted.",
    citation="G. N. Milstein, Approximate integration of stochastic differential equations, Theory Probab. "
    "Appl. 19 (1975), 557-562, doi:10.1137/1119062",
)
