"""What the steps of all methods for noise are written with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from symde.codegen.graph import Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.steps import StepGraph

NOISE_STEP_INPUTS = (
    *INPUTS,
    "time",
    "step",  # powers of the step size: `SIZES`
    "first",  # of each pair of normal numbers of the step
    "second",
    "levy",  # areas of the pairs of motions of `NoiseEquation.pairs`
    "changes",  # of derivatives: the direction of the parameters
)
"""The input table of a step."""

SIZES = ("h", "sqrt(h)", "1/h", "1/sqrt(h)", "sqrt(h/3)")
H, ROOT, INVERSE, INVERSE_ROOT, ROOT_OF_THIRD = range(len(SIZES))


class TooLong(Exception):
    """A step has more operations than it may."""


@dataclass(frozen=True, slots=True)
class NoiseEquation:
    """Drift and diffusion as nodes, and how they belong together.

    Attributes:
        graph: Holds all nodes, which read the inputs `INPUTS` and the time.
        parameters: Their number.
        drift: Of each state.
        diffusion, rows, columns: Entries of the diffusion matrix, with their state and Brownian motion.
        motions: Number of Brownian motions.
        domains: Ends of the domain of each state, infinite where there are none.
        together: Whether no motion changes the coefficients of another.
        products: Gives the terms of Milstein's method: state, two motions and node of each.
        pairs: Gives the pairs of motions whose Levy areas these need.
    """

    graph: Graph
    parameters: int
    drift: tuple[int, ...]
    diffusion: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    motions: int
    domains: tuple[tuple[float, float], ...]
    together: bool
    products: Callable[[], Iterable[tuple[int, int, int, int]]]
    pairs: Callable[[], Sequence[tuple[int, int]]]


class NoiseStep(StepGraph):
    """The graph of one step.

    Args:
        equation: Drift and diffusion.
        per_motion: Normal numbers of each Brownian motion and step.
        limit: Most operations.
    """

    def __init__(self, equation: NoiseEquation, per_motion: int, limit: int) -> None:
        super().__init__(equation.graph, len(equation.drift))
        self.equation, self.per_motion, self.limit = equation, per_motion, limit
        self.t = self.graph.input("time", 0)
        self.entries = range(len(equation.diffusion))

    def size_of_step(self, which: int) -> int:
        """A power of the step size: a place in `SIZES`."""
        return self.graph.input("step", which)

    def normal(self, motion: int, which: int) -> int:
        """A normal number of a Brownian motion."""
        place = motion * self.per_motion + which
        return self.graph.input("second" if place % 2 else "first", place // 2)

    def increment(self, motion: int) -> int:
        """W(t + h) - W(t)."""
        return self.apply("mul", self.size_of_step(ROOT), self.normal(motion, 0))

    def mean(self, motion: int) -> int:
        """The mean of W - W(t) over the step: half of the increment and sqrt(h/3) Z."""
        spread = self.apply("mul", self.size_of_step(ROOT_OF_THIRD), self.normal(motion, 1))
        return self.times(0.5, self.apply("add", self.increment(motion), spread))

    def times(self, factor: float, node: int) -> int:
        """factor * node."""
        return node if factor == 1.0 else self.apply("mul", self.number(factor), node)

    def inside(self, u: Sequence[int]) -> tuple[int, ...]:
        """A state inside of its domains; NaN stays NaN."""
        found = []
        for node, (low, high) in zip(u, self.equation.domains, strict=True):
            if math.isfinite(low):
                end = self.number(low)
                node = self.apply("select", self.apply("lt", node, end), end, node)
            if math.isfinite(high):
                end = self.number(high)
                node = self.apply("select", self.apply("lt", end, node), end, node)
            found.append(node)
        return tuple(found)

    def read(self, roots: Sequence[int], u: Sequence[int], t: int) -> list[int]:
        """Nodes of the equation at a state.

        Raises:
            TooLong: there are too many operations.
        """
        inside = self.inside(u)
        values = [self.copy(node, inside, t) for node in roots]
        if self.size > self.limit:
            raise TooLong
        return values

    def drift(self, u: Sequence[int], t: int) -> list[int]:
        """f(t, u)."""
        return self.read(self.equation.drift, u, t)

    def diffusion(self, u: Sequence[int], t: int) -> list[int]:
        """The entries of g(t, u)."""
        return self.read(self.equation.diffusion, u, t)

    def moved(self, u: Sequence[int], weights: Sequence[float], drifts: Sequence[Sequence[int]]) -> list[int]:
        """u + h sum_j weights_j f_j."""
        sums = [self.weighted(weights, [one[k] for one in drifts]) for k in range(self.n)]
        return [self._with_product(u[k], self.h, sums[k]) for k in range(self.n)]

    def shaken(
        self,
        u: Sequence[int],
        weights: Sequence[float],
        diffusions: Sequence[Sequence[int]],
        factor: Callable[[int], int],
        entries: Iterable[int] | None = None,
    ) -> list[int]:
        """u + factor(motion) sum_j weights_j g_j in the rows of some entries of the diffusion; all where none
        are given."""
        new = list(u)
        for e in self.entries if entries is None else entries:
            row, column = self.equation.rows[e], self.equation.columns[e]
            total = self.weighted(weights, [one[e] for one in diffusions])
            new[row] = self._with_product(new[row], factor(column), total)
        return new

    def added(self, u: Sequence[int], entry: int, factor: int, value: int) -> list[int]:
        """u + factor * value in the row of an entry."""
        new, row = list(u), self.equation.rows[entry]
        new[row] = self._with_product(new[row], factor, value)
        return new

    def combined(self, terms: Iterable[tuple[float, int]]) -> int | None:
        """The sum of numbers times nodes, without those of 0; None where none is left."""
        total: int | None = None
        for weight, node in terms:
            total = self.accumulate(total, weight, node)
        return total

    def double(self, motion: int) -> int:
        """The double integral of a motion with itself, (dW^2 - h)/2."""
        dw = self.increment(motion)
        return self.times(0.5, self.apply("sub", self.apply("mul", dw, dw), self.h))

    def _with_product(self, node: int, factor: int, value: int | None) -> int:
        return node if value is None else self.apply("add", node, self.apply("mul", factor, value))

    @cached_property
    def pairs(self) -> dict[tuple[int, int], int]:
        """The place of each pair of motions among those whose Levy areas are wanted."""
        return {(first, second): place for place, (first, second) in enumerate(self.equation.pairs())}

    def kernel(self, name: str, new: Sequence[int]) -> Kernel | None:
        """The finished kernel; None where it is too long."""
        if self.size > self.limit:
            return None
        numbers = -(-self.equation.motions * self.per_motion // 2)
        lengths = {
            "u": self.n, "p": self.equation.parameters, "time": 1, "step": len(SIZES), "first": numbers,
            "second": numbers, "levy": len(self.equation.pairs()),
        }  # fmt: skip
        inputs = tuple(Vector(one, lengths.get(one, 0)) for one in NOISE_STEP_INPUTS)
        return Kernel(name, self.graph, inputs, (Output("u_new", tuple(new)),))
