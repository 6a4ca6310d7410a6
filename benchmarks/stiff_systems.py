"""Random stiff systems: closed reaction networks with rates over nine decades, and oregonators."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

OREGONATOR = """model Oregonator
  param s = 77.27, w = 0.161, q = 8.375e-6
  state x = 1, y = 2, z = 3
  time 0 .. 360
  x' = s*(x - x*y + y - q*x^2)
  y' = (z - y - x*y)/s
  z' = w*(x - z)
end"""


def stiff_network(seed: int) -> str:
    """A closed network of 3 to 12 species: first order, second order, catalysed and saturated reactions."""
    chance = random.Random(seed)
    n = chance.randint(3, 12)
    terms: list[list[str]] = [[] for _ in range(n)]
    reactions = chance.randint(n, 3 * n)
    for k in range(reactions):
        source, target, other = chance.sample(range(n), 2) + [chance.randrange(n)]
        rate = chance.choice((
            f"k{k}*x{source}",
            f"k{k}*x{source}*x{other}",
            f"k{k}*x{source}^2",
            f"k{k}*x{source}*x{target}",
            f"k{k}*x{source}/(0.1 + x{source})",
        ))  # fmt: skip
        terms[source].append(f"- {rate}")
        terms[target].append(f"+ {rate}")
    lines = [f"  param k{k} = 1" for k in range(reactions)]
    lines += [f"  state x{i} = 1" for i in range(n)]
    lines += [f"  x{i}' = " + (" ".join(terms[i]).removeprefix("+ ") or "0") for i in range(n)]
    return "\n".join([f"model Network{seed}", *lines, "  time 0 .. 1", "end"])


@dataclass(frozen=True)
class Draw:
    """Numbers of one system."""

    u0: np.ndarray
    p: np.ndarray
    end: float

    def neighbour(self, numbers: np.random.Generator, absolute: bool = False) -> Draw:
        """The same with each number moved by at most one unit in its last place, where zeros stay zeros; with
        `absolute`, the states by at most one in the last place of the largest."""
        p, u0 = _moved(self.p, np.abs(self.p), numbers), np.abs(self.u0)
        return Draw(_moved(self.u0, u0.max() if absolute else u0, numbers), p, self.end)


def _moved(x: np.ndarray, size: np.ndarray | float, numbers: np.random.Generator) -> np.ndarray:
    return x + size * 2.0**-52 * numbers.integers(-1, 1, len(x), endpoint=True)


def draw_network(n: int, m: int, numbers: np.random.Generator) -> Draw:
    """Rates over nine decades, states over six, some of them zero; a span over six decades."""
    u0 = 10.0 ** numbers.uniform(-6, 0, n) * (numbers.random(n) < 0.7)
    u0[numbers.integers(n)] = 1.0
    return Draw(u0, 10.0 ** numbers.uniform(-3, 6, m), 10.0 ** numbers.uniform(-2, 4))


def draw_oregonator(n: int, m: int, numbers: np.random.Generator) -> Draw:
    """The classical parameters, each moved by up to a factor of ten."""
    factors = 10.0 ** numbers.uniform(-1, 1, 3)
    return Draw(10.0 ** numbers.uniform(-1, 2, 3), np.array([77.27, 0.161, 8.375e-6]) * factors, 360.0)


def structure(number: int) -> tuple[str, Callable[[int, int, np.random.Generator], Draw]]:
    """The text of a structure and what draws its numbers; every tenth is an oregonator."""
    if number % 10 == 9:
        return OREGONATOR, draw_oregonator
    return stiff_network(number), draw_network


def draws(number: int, n: int, m: int, count: int) -> list[Draw]:
    """The first systems of a structure with n states and m parameters, always the same."""
    draw = functools.partial(structure(number)[1], n, m, np.random.default_rng(number))
    return [draw() for _ in range(count)]
