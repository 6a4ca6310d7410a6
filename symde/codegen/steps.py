"""A whole step as one kernel: stage sums, right-hand sides, Jacobian, factorisation and error, straight-line.

For a few states the general step spends most of its time between the pieces: calls, short loops, loads of
coefficients. Here a method's coefficients are constants of the code and every intermediate value stays in a
register. The numbers are those of the general step up to rounding.

A step kernel reads the model's inputs and `step` (the step size) and writes `increment`, `error` (absent for
methods without an estimate) and `stages`, padded as the engine keeps them. It returns 1 where its linear
solves fail the test of the backward error; the general step then takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from symde.codegen.graph import LEAVES, Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.lu import StaticLU
from symde.codegen.lu_kernels import SUSPICION, acceptance, eliminate, matrix_of, substitute
from symde.codegen.model_kernels import ModelGraph

STEP_INPUTS = (*INPUTS, "step", "first_stage")
"""The input table of a step kernel: the model's own, the step size, and f(t, u) for explicit methods."""

NODE_LIMIT, STATES_LIMIT = 4000, 16
"""Operations and states above which the general step is as fast: at 20 states (POLLU, 5100 operations) both
take the same time, and the kernel takes 0.2 s to compile."""


class RosenbrockNumbers(Protocol):
    """What a Rosenbrock step needs of a method."""

    gamma: float
    a: Any
    c_matrix: Any
    alpha: Any
    d: Any
    m: Any
    error: Any


class ExplicitNumbers(Protocol):
    """What an explicit step needs of a method."""

    a: Any
    b: Any
    c: Any
    error: Any


def rosenbrock_step(
    model: ModelGraph, plan: StaticLU, method: RosenbrockNumbers, padded: int, work: Step | None = None
) -> Kernel | None:
    """The step of a Rosenbrock method for a model, None where it would be too long; `work` is an empty graph
    for it, where another than the usual one is to be filled.

    Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.7, equation (7.25).
    """
    work = Step(model) if work is None else work
    stages = rosenbrock_stages(work, plan, method)
    if stages is None:
        return None
    return work.kernel(
        "rosenbrock_step", stages.increment, stages.error, stages.solutions, padded, stages.refused
    )


@dataclass(frozen=True, slots=True)
class RosenbrockStages:
    """Nodes of a Rosenbrock step: what it adds to the state, its error, the stages U_i, and whether its
    linear solves fail their test."""

    increment: list[int]
    error: list[int]
    solutions: list[list[int]]
    refused: int


def rosenbrock_stages(work: Step, plan: StaticLU, method: RosenbrockNumbers) -> RosenbrockStages | None:
    """The stages of a Rosenbrock method, None where there are too many operations."""
    n, stages = work.n, len(method.m)
    f = work.derivatives(work.u, work.t)
    entries = [work.copy(node, work.u, work.t) for node in work.model.jacobian.nodes]
    gradient = [work.copy(node, work.u, work.t) for node in work.model.time_gradient]
    inverse_h = work.apply("div", work.number(1.0), work.h)
    shift = work.apply("mul", inverse_h, work.number(1.0 / float(method.gamma)))
    mass = None if work.model.mass is None else [work.copy(node, work.u, work.t) for node in work.model.mass]
    matrix = matrix_of(plan, work.graph, shift, entries, mass)
    lu = eliminate(plan, work.graph, matrix)
    solutions: list[list[int]] = []
    combined: list[int | None] = [None] * n
    for i in range(stages):
        if work.size > NODE_LIMIT:
            return None
        if i:
            u = [
                work.plus(work.u[k], work.weighted(method.a[i], [s[k] for s in solutions])) for k in range(n)
            ]
            f = work.derivatives(u, work.later(float(method.alpha[i])))
        rhs = list(f)
        for k in range(n):
            sums = work.mass_times(k, partial(work.component_sum, method.c_matrix[i], solutions))
            if sums is not None:
                rhs[k] = work.plus(rhs[k], work.apply("mul", inverse_h, sums))
            rhs[k] = work.plus(rhs[k], work.time_term(float(method.d[i]), gradient[k]))
            combined[k] = work.accumulate(combined[k], float(method.m[i]), rhs[k])
        solutions.append(substitute(plan, work.graph, lu, rhs))
    increment = [work.total(method.m, [s[k] for s in solutions]) for k in range(n)]
    error = [work.total(method.error, [s[k] for s in solutions]) for k in range(n)]
    right = [work.zero if node is None else node for node in combined]
    refused = work.apply("not", acceptance(work.graph, matrix, increment, right, SUSPICION))
    return RosenbrockStages(increment, error, solutions, refused)


def explicit_step(
    model: ModelGraph, method: ExplicitNumbers, fsal: bool, padded: int, work: Step | None = None
) -> Kernel | None:
    """The step of an explicit Runge-Kutta method for a model, None where it would be too long; `work` as
    above.

    The first stage is read, as the engine keeps it from step to step. With `fsal` the last stage is f at the
    new state, which is known only after the compensated sum: it is left to the engine, and so is the error.
    """
    work = Step(model) if work is None else work
    n, stages = work.n, len(method.b) - (1 if fsal else 0)
    slopes = [[work.graph.input("first_stage", k) for k in range(n)]]
    for i in range(1, stages):
        if work.size > NODE_LIMIT:
            return None
        u = [work.argument(k, method.a[i][:i], [slope[k] for slope in slopes]) for k in range(n)]
        slopes.append(work.derivatives(u, work.later(float(method.c[i]))))
    sums = [work.total(method.b, [slope[k] for slope in slopes]) for k in range(n)]
    increment = [work.apply("mul", work.h, node) for node in sums]
    error: list[int] = []
    if method.error is not None and not fsal:
        sums = [work.total(method.error, [slope[k] for slope in slopes]) for k in range(n)]
        error = [work.apply("mul", work.h, node) for node in sums]
    return work.kernel("explicit_step", increment, error, slopes, padded, None)


class StepGraph:
    """The graph of one step, and expressions of a model copied into it at the arguments of each stage.

    Args:
        source: The model's graph.
        n: Number of states.
    """

    def __init__(self, source: Graph, n: int) -> None:
        self.source, self.n, self.graph = source, n, Graph()
        self.u = [self.graph.input("u", k) for k in range(n)]
        self.t, self.h = self.graph.time(), self.graph.input("step", 0)
        self.zero = self.graph.constant(0.0)
        self.apply: Callable[..., int] = self.graph.apply
        self._copies: dict[tuple[tuple[int, ...], int], dict[int, int]] = {}

    @property
    def size(self) -> int:
        """Nodes so far."""
        return len(self.graph)

    def number(self, value: float) -> int:
        """A constant."""
        return self.graph.constant(value)

    def copy(self, root: int, u: Sequence[int], t: int) -> int:
        """A node of the model with the states and the time replaced."""
        done = self._copies.setdefault((tuple(u), t), {})
        for node in self.source.reachable([root]):
            if node not in done:
                done[node] = self._copied(node, done, u, t)
        return done[root]

    def _copied(self, node: int, done: dict[int, int], u: Sequence[int], t: int) -> int:
        op, source = self.source.op[node], self.source
        if op not in LEAVES:
            return self.apply(op, *(done[argument] for argument in source.args[node]))
        if op == "const":
            return self.graph.constant(source.value[node])
        if op == "time":
            return t
        vector, index = source.value[node]
        return u[index] if vector == "u" else self.graph.input(vector, index)

    def later(self, share: float) -> int:
        """t + share * h."""
        if share == 0.0:
            return self.t
        return self.apply(
            "add", self.t, self.h if share == 1.0 else self.apply("mul", self.number(share), self.h)
        )

    def weighted(self, weights: Sequence[float], nodes: Sequence[int]) -> int | None:
        """sum_j weights[j] * nodes[j], without the terms of weight zero; None where none is left."""
        total: int | None = None
        for weight, node in zip(weights, nodes, strict=False):
            total = self.accumulate(total, float(weight), node)
        return total

    def component_sum(self, weights: Sequence[float], vectors: Sequence[Sequence[int]], k: int) -> int | None:
        """The same of a component of vectors."""
        return self.weighted(weights, [vector[k] for vector in vectors])

    def argument(self, k: int, weights: Sequence[float], slopes: Sequence[int]) -> int:
        """u_k + h sum_j weights[j] * slopes[j].

        The newest slope comes last and with its own h, so that one fused operation follows it and the rest is
        ready before: 2 to 8 per cent of a step against u + h * sum (Lorenz, Lotka-Volterra; Tsit5, Vern7,
        Vern9).
        """
        node, older = self.u[k], self.weighted(weights[:-1], slopes[:-1])
        if older is not None:
            node = self.apply("add", node, self.apply("mul", self.h, older))
        newest = self.apply("mul", self.h, self.number(float(weights[-1])))
        return self.apply("add", node, self.apply("mul", newest, slopes[-1]))

    def total(self, weights: Sequence[float], nodes: Sequence[int]) -> int:
        """The same, with zero for none."""
        total = self.weighted(weights, nodes)
        return self.zero if total is None else total

    def accumulate(self, total: int | None, weight: float, node: int) -> int | None:
        """total + weight * node."""
        if weight == 0.0:
            return total
        term = node if weight == 1.0 else self.apply("mul", self.number(weight), node)
        return term if total is None else self.apply("add", total, term)

    def plus(self, node: int, term: int | None) -> int:
        """node + term, where there is one."""
        return node if term is None else self.apply("add", node, term)

    def time_term(self, weight: float, gradient: int) -> int | None:
        """weight * h * f_t, where it is not structurally zero."""
        if weight == 0.0 or self.graph.is_constant(gradient, 0.0):
            return None
        return self.apply("mul", self.apply("mul", self.number(weight), self.h), gradient)


class Step(StepGraph):
    """The graph of one step of an ordinary differential equation."""

    def __init__(self, model: ModelGraph) -> None:
        super().__init__(model.lowered.graph, len(model.lowered.states))
        self.model = model

    def derivatives(self, u: Sequence[int], t: int) -> list[int]:
        """f(u, t)."""
        return [self.copy(node, u, t) for node in self.model.lowered.rhs]

    def mass_times(self, row: int, vector: Callable[[int], int | None]) -> int | None:
        """A row of M times a vector whose components a function gives, None for a structural zero."""
        rows = self.model.lowered.mass
        if rows is None:
            return vector(row)
        total: int | None = None
        for j, entry in rows[row]:
            node, mass = vector(j), self.copy(entry, self.u, self.t)
            if node is not None:
                term = node if self.graph.is_constant(mass, 1.0) else self.apply("mul", mass, node)
                total = term if total is None else self.apply("add", total, term)
        return total

    def kernel(
        self,
        name: str,
        increment: list[int],
        error: list[int],
        stages: list[list[int]],
        padded: int,
        code: int | None,
    ) -> Kernel | None:
        """The finished kernel."""
        if self.size > NODE_LIMIT:
            return None
        padding = [self.zero] * (padded - self.n)
        laid_out = [node for stage in stages for node in (*stage, *padding)]
        outputs = (
            Output("increment", tuple(increment)),
            Output("error", tuple(error)),
            Output("stages", tuple(laid_out)),
        )
        own = (Vector("step", 1), Vector("first_stage", self.n))
        return Kernel(name, self.graph, (*self.model.inputs(), *own), outputs, code=code)
