"""Whole steps for several members side by side: each lane has its own state, parameters, time and step size.

A lane step does what the engine does for one member, up to the decision: stages, the new state by a
compensated sum, the norm of the error, and the size of the next step. The engine decides for each lane, so
that no lane's numbers depend on another's.

Kernels are of the width `LANES`; their inputs are those of a model and more: `LANE_INPUTS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symde.codegen.graph import ARITY, Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm_operations import vector
from symde.codegen.lu import StaticLU
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.steps import NODE_LIMIT, Step, rosenbrock_stages

LANE_INPUTS = (
    *INPUTS,
    "time",
    "time_new",  # where the step ends: exactly the end of the span in its last step
    "step",
    "first_stage",  # of methods whose last stage is the first of the next step
    "low",  # what the compensated sum carries
    "atol",
    "rtol",
    "control",  # exponents of the present error, the previous and a rejected one; least error, safety
    "log_old",  # the logarithm of the previous error
    "stages",  # of the interpolant alone
)
"""The input table of lane kernels."""

LANE_OUTPUTS = ("u_new", "low_new", "stages", "norm", "log_error", "factor", "refused", "stiffness")
"""The output table of a lane step: the new state and its compensation, the stages, the mean square of the
error in units of its tolerance, its logarithm, the factor of the step size before its limits, whether the
linear solves fail their test, and |h| times an estimate of the spectral radius (0: none)."""

LANES = vector(8)
"""Lanes of these kernels: one register of AVX-512, two of AVX2 (`symde.engine.cpu.lanes_layout`)."""

TINY = 1e-300
"""Keeps 0/0 out where a state and its tolerance are zero."""

COARSE_WEIGHT = 0.01
"""Of the coarse of two error estimates: Hairer, Norsett & Wanner I, II.10."""


class LaneStep(Step):
    """The graph of one step of a lane."""

    def __init__(self, model: ModelGraph) -> None:
        super().__init__(model)
        self.t = self.graph.input("time", 0)

    def read(self, name: str, count: int) -> list[int]:
        """The elements of an input."""
        return [self.graph.input(name, k) for k in range(count)]

    def square(self, node: int) -> int:
        """x * x."""
        return self.apply("mul", node, node)

    def sum(self, nodes: Sequence[int]) -> int:
        """Their sum."""
        total = nodes[0]
        for node in nodes[1:]:
            total = self.apply("add", total, node)
        return total

    def mean_square(self, error: Sequence[int], new: Sequence[int]) -> int:
        """The mean square of error / (atol + rtol max(|u|, |new|)); NaN where `new` is not finite.

        Source: Hairer, Norsett & Wanner I, II.4, equation (4.11).
        """
        apply, (rtol,), atol = self.apply, self.read("rtol", 1), self.read("atol", self.n)
        terms = []
        for k in range(self.n):
            old, size = apply("abs", self.u[k]), apply("abs", new[k])
            largest = apply("select", apply("lt", size, old), old, size)
            scale = apply("add", apply("add", atol[k], apply("mul", rtol, largest)), self.number(TINY))
            ratio = apply("div", error[k], scale)
            # 0 * inf is NaN: a state that overflowed must not pass for one with a small relative error
            terms.append(apply("add", self.square(ratio), apply("mul", self.zero, size)))
        return apply("mul", self.sum(terms), self.number(1.0 / self.n))

    def added(self, increment: Sequence[int]) -> tuple[list[int], list[int]]:
        """u + increment and what rounding has lost of it (Kahan 1965)."""
        apply, low = self.apply, self.read("low", self.n)
        new, lost = [], []
        for k in range(self.n):
            y = apply("add", increment[k], low[k])
            total = apply("add", self.u[k], y)
            new.append(total)
            lost.append(apply("sub", y, apply("sub", total, self.u[k])))
        return new, lost

    def controlled(self, norm: int) -> tuple[int, int]:
        """The logarithm of the error, and the factor of the step size: by the PI law where it is accepted.

        Source: K. Gustafsson, Control theoretic techniques for stepsize selection in explicit Runge-Kutta
        methods, ACM TOMS 17 (1991).
        """
        apply, (present, previous, rejected, least, safety) = self.apply, self.read("control", 5)
        (old,) = self.read("log_old", 1)
        kept = apply("select", apply("lt", least, norm), norm, least)
        log_error = apply("mul", self.number(0.5), apply("log", kept))
        accepted = apply("sub", apply("mul", previous, old), apply("mul", present, log_error))
        cut = apply("neg", apply("mul", rejected, log_error))
        exponent = apply("select", apply("le", norm, self.number(1.0)), accepted, cut)
        return log_error, apply("mul", safety, apply("exp", exponent))

    def finished(
        self,
        name: str,
        new: tuple[Sequence[int], Sequence[int]],
        stages: Sequence[Sequence[int]],
        norm: int,
        refused: int,
        stiffness: int,
    ) -> Kernel | None:
        """The kernel, None where it would be too long."""
        log_error, factor = self.controlled(norm)
        if self.size > NODE_LIMIT:
            return None
        laid_out = tuple(node for stage in stages for node in stage)
        values = (*new, laid_out, (norm,), (log_error,), (factor,), (refused,), (stiffness,))
        outputs = tuple(Output(name, tuple(nodes)) for name, nodes in zip(LANE_OUTPUTS, values, strict=True))
        return Kernel(name, self.graph, lane_inputs(self.model, len(laid_out)), outputs)


def lane_inputs(model: ModelGraph, stages: int) -> tuple[Vector, ...]:
    """The inputs of lane kernels; `stages` numbers of all stages."""
    n = len(model.lowered.states)
    lengths = {"first_stage": n, "low": n, "atol": n, "control": 5, "stages": stages}
    own = (Vector(name, lengths.get(name, 1)) for name in LANE_INPUTS[len(INPUTS) :])
    return (*model.inputs(), *own)


def lane_kernels(
    model: ModelGraph, plan: Callable[[], StaticLU | None], method: Any, numbers: Any
) -> tuple[Kernel, Kernel, Kernel] | None:
    """The step of a method, its interpolant, both of lanes, and the value of one lane's interpolant.

    Args:
        model: The model.
        plan: Gives its factorisation.
        method: Explicit Runge-Kutta and Rosenbrock methods with error estimates have steps.
        numbers: Its interpolant, as `lane_interpolant` takes it.

    Returns:
        None for other methods, and where a kernel would be too long.
    """
    if not can_have_lanes(model):
        return None
    if method.family in ("explicit", "explicit_two_estimates") and method.adaptive:
        step = explicit_lane_step(model, method)
    elif method.family == "rosenbrock":
        factorisation = plan()
        step = None if factorisation is None else rosenbrock_lane_step(model, factorisation, method)
    else:
        return None
    interpolant = lane_interpolant(model, method, numbers)
    if step is None or interpolant is None:
        return None
    n = len(model.lowered.states)
    return step, interpolant, lane_value(n, len(interpolant.outputs[0].nodes) // n - 1)


def can_have_lanes(model: ModelGraph) -> bool:
    """Whether every operation of the right-hand side is known for lanes: all but calls of functions from
    outside."""
    graph = model.lowered.graph
    return all(graph.op[node] in ARITY or not graph.args[node] for node in graph.reachable(model.lowered.rhs))


def explicit_lane_step(model: ModelGraph, method: Any) -> Kernel | None:
    """The step of an explicit Runge-Kutta method with one error estimate or two."""
    work = LaneStep(model)
    n, h = work.n, work.h
    slopes = [work.read("first_stage", n) if method.fsal else work.derivatives(work.u, work.t)]
    arguments: list[list[int]] = [work.u]
    for i in range(1, len(method.b) - (1 if method.fsal else 0)):
        if work.size > NODE_LIMIT:
            return None
        u = [work.argument(k, method.a[i][:i], [slope[k] for slope in slopes]) for k in range(n)]
        arguments.append(u)
        slopes.append(work.derivatives(u, work.later(float(method.c[i]))))
    sums = [work.total(method.b, [slope[k] for slope in slopes]) for k in range(n)]
    increment = [work.apply("mul", h, node) for node in sums]
    new = work.added(increment)
    if method.fsal:
        arguments.append(new[0])
        slopes.append(work.derivatives(new[0], work.graph.input("time_new", 0)))
    norm = _norm(work, method.error, slopes, new[0])
    coarse = getattr(method, "coarse_error", None)
    if coarse is not None:
        other = _norm(work, coarse, slopes, new[0])
        weighed = work.apply("add", norm, work.apply("mul", work.number(COARSE_WEIGHT), other))
        share = work.apply("div", norm, work.apply("add", weighed, work.number(TINY)))
        norm = work.apply("mul", norm, share)
    stiffness = _stiffness(work, method, arguments, slopes)
    return work.finished("explicit_lanes", new, slopes, norm, work.zero, stiffness)


def _norm(work: LaneStep, weights: Any, slopes: Sequence[Sequence[int]], new: Sequence[int]) -> int:
    sums = [work.total(weights, [slope[k] for slope in slopes]) for k in range(work.n)]
    return work.mean_square([work.apply("mul", work.h, node) for node in sums], new)


def _stiffness(
    work: LaneStep, method: Any, arguments: Sequence[Sequence[int]], slopes: Sequence[Sequence[int]]
) -> int:
    """|h| rho from the two last stages at the end of the step; 0 for methods that have not two.

    Source: Hairer & Wanner II, IV.2, equation (2.24).
    """
    ends = [i for i, c in enumerate(method.c) if float(c) == 1.0]
    if len(ends) < 2:
        return work.zero
    one, other = ends[-2:]
    apply = work.apply
    top = work.sum([work.square(apply("sub", a, b)) for a, b in zip(slopes[other], slopes[one], strict=True)])
    low = work.sum(
        [work.square(apply("sub", a, b)) for a, b in zip(arguments[other], arguments[one], strict=True)]
    )
    ratio = apply("div", top, apply("add", low, work.number(TINY)))
    return apply("mul", apply("abs", work.h), apply("sqrt", ratio))


def rosenbrock_lane_step(model: ModelGraph, plan: StaticLU, method: Any) -> Kernel | None:
    """The step of a Rosenbrock method with the model's own factorisation."""
    work = LaneStep(model)
    stages = rosenbrock_stages(work, plan, method)
    if stages is None:
        return None
    new = work.added(stages.increment)
    norm = work.mean_square(stages.error, new[0])
    # where a stage is not finite, its error is not either, and the step is too long
    finite = work.apply("lt", norm, work.number(math.inf))
    refused = work.apply("and", stages.refused, finite)
    return work.finished("rosenbrock_lanes", new, stages.solutions, norm, refused, work.zero)


def lane_interpolant(model: ModelGraph, method: Any, numbers: Any) -> Kernel | None:
    """Coefficients of theta**0..degree over a step, from its start and its stages.

    Args:
        model: The model.
        method: The method.
        numbers: The interpolant of an explicit method as the engine has it: weights of theta times Chebyshev
            polynomials (degree x stages), and the powers of theta in these. None: `method.interpolant` has
            the weights of powers.
    """
    work = LaneStep(model)
    n, stages = work.n, len(method.m if numbers is None else method.b)
    kept = work.read("stages", n * stages)
    slopes = [kept[n * i : n * (i + 1)] for i in range(stages)]
    for i, row in enumerate(getattr(method, "extra_a", ())):
        u = [work.argument(k, row[: stages + i], [slope[k] for slope in slopes]) for k in range(n)]
        slopes.append(work.derivatives(u, work.later(float(method.extra_c[i]))))
        if work.size > NODE_LIMIT:
            return None
    weights = np.asarray(method.interpolant, dtype=float).T if numbers is None else numbers[0]
    sums = [[work.total(row, [slope[k] for slope in slopes]) for k in range(n)] for row in weights]
    if numbers is not None:
        scaled = [[work.apply("mul", work.h, node) for node in row] for row in sums]
        sums = [[work.total(powers, [row[k] for row in scaled]) for k in range(n)] for powers in numbers[1]]
    coefficients = tuple(node for row in (work.u, *sums) for node in row)
    output = (Output("coefficients", coefficients),)
    return Kernel("lane_interpolant", work.graph, lane_inputs(model, len(kept)), output)


def lane_value(n: int, degree: int) -> Kernel:
    """The state of one lane at theta, the argument t, by Horner's rule: reads its coefficients where they lie
    among those of the others."""
    graph, lanes = Graph(), LANES.lanes
    theta, values = graph.time(), []
    for i in range(n):
        value = graph.input("coefficients", lanes * (degree * n + i))
        for m in reversed(range(degree)):
            term = graph.apply("mul", value, theta)
            value = graph.apply("add", term, graph.input("coefficients", lanes * (m * n + i)))
        values.append(value)
    vector = Vector("coefficients", lanes * n * (degree + 1))
    return Kernel("lane_value", graph, (vector,), (Output("u", tuple(values)),))
