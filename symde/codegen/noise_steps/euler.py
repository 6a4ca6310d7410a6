"""Steps of the methods of Euler and Maruyama, and of Milstein.

Sources: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (1992): equations
(10.2.4) and (10.3.3).
"""

from __future__ import annotations

from typing import Any

from symde.codegen.noise_steps.step import NoiseStep


def euler_maruyama(work: NoiseStep, tableau: Any) -> list[int]:
    """u + f h + g dW."""
    drift, diffusion = work.drift(work.u, work.t), work.diffusion(work.u, work.t)
    new = work.moved(work.u, [1.0], [drift])
    return work.shaken(new, [1.0], [diffusion], work.increment)


def milstein(work: NoiseStep, tableau: Any) -> list[int]:
    """The same and L_i g_j I_(i,j)."""
    new = euler_maruyama(work, tableau)
    for row, first, second, node in work.equation.products():
        (value,) = work.read([node], work.u, work.t)
        new[row] = work.apply("add", new[row], work.apply("mul", double_integral(work, first, second), value))
    return new


def double_integral(work: NoiseStep, i: int, j: int) -> int:
    """I_(i,j) = 1/2 (dW_i dW_j - h if i = j), and the Levy area where the noise does not commute."""
    if i == j:
        return work.double(i)
    half = work.times(0.5, work.apply("mul", work.increment(i), work.increment(j)))
    place = work.pairs.get((min(i, j), max(i, j)))
    if place is None:
        return half
    return work.apply("add" if i < j else "sub", half, work.graph.input("levy", place))
