"""Whole steps of methods for positions and momenta, as `symde.codegen.steps` has them for others.

Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), II.5; E. Hairer, S. P.
Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.14.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Protocol

from symde.codegen.kernel import Kernel
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.partition import accelerations
from symde.codegen.steps import NODE_LIMIT, Step


class SplittingNumbers(Protocol):
    """What a splitting step needs of a method."""

    a: Any
    b: Any

    @property
    def fsal(self) -> bool: ...


class NystromNumbers(Protocol):
    """What a Runge-Kutta-Nystrom step needs of a method."""

    a: Any
    b: Any
    b_velocity: Any
    c: Any
    error: Any
    error_velocity: Any


def splitting_step(model: ModelGraph, method: SplittingNumbers, padded: int) -> Kernel | None:
    """The step of a splitting method for a model, None where it would be too long.

    Where the last force is the next step's first, the first is read and the last is given as the only stage.
    """
    work = Step(model)
    flows = _Flows(work)
    halves = model.partition
    drift_time = 0.0
    force: dict[int, int] | None = None
    if method.fsal:
        force = {k: work.graph.input("first_stage", k) for k in halves.momenta}
    for kick, drift, kick_time in zip(method.b, method.a, accumulate(method.b), strict=True):
        if work.size > NODE_LIMIT:
            return None
        if kick:
            if force is None:
                force = flows.rates(halves.momenta, work.later(drift_time))
            flows.move(float(kick), force)
        if drift:
            flows.move(float(drift), flows.rates(halves.positions, work.later(float(kick_time))))
            force = None
        drift_time += float(drift)
    stages = [[(force or {}).get(k, work.zero) for k in range(work.n)]] if method.fsal else []
    return work.kernel("splitting_step", flows.increment, [], stages, padded, None)


class _Flows:
    """The state on its way through a step."""

    def __init__(self, work: Step) -> None:
        self.work, self.stage, self.increment = work, list(work.u), [work.zero] * work.n

    def rates(self, members: tuple[int, ...], t: int) -> dict[int, int]:
        """The derivatives of some states."""
        return {k: self.work.copy(self.work.model.lowered.rhs[k], self.stage, t) for k in members}

    def move(self, share: float, rates: dict[int, int]) -> None:
        """Move by share * h * rates."""
        work = self.work
        duration = work.apply("mul", work.number(share), work.h)
        for k, rate in rates.items():
            moved = work.apply("mul", duration, rate)
            if self.increment[k] != work.zero:
                moved = work.apply("add", self.increment[k], moved)
            self.increment[k] = moved
            self.stage[k] = work.apply("add", work.u[k], moved)


def nystrom_step(model: ModelGraph, method: NystromNumbers, padded: int) -> Kernel | None:
    """The step of a Runge-Kutta-Nystrom method for a model, None where it would be too long; the first stage
    is read."""
    work, lowered, halves = Step(model), model.lowered, model.partition
    n, square = work.n, work.apply("mul", work.h, work.h)
    nodes = accelerations(lowered.graph, lowered.rhs, lowered.states, halves)
    rates = {k: work.copy(lowered.rhs[k], work.u, work.t) for k in halves.positions}
    stages = [[work.graph.input("first_stage", k) for k in range(n)]]

    def moved(k: int, reach: float, weights: Any) -> int:
        """reach * h * q' + h^2 * weighted sum of the stages."""
        linear = work.apply("mul", work.apply("mul", work.number(reach), work.h), rates[k])
        sums = work.weighted(weights, [stage[k] for stage in stages])
        return linear if sums is None else work.apply("add", linear, work.apply("mul", square, sums))

    for i in range(1, len(method.b)):
        if work.size > NODE_LIMIT:
            return None
        u = list(work.u)
        for k in halves.positions:
            u[k] = work.apply("add", work.u[k], moved(k, float(method.c[i]), method.a[i]))
        t = work.later(float(method.c[i]))
        stages.append([work.copy(node, u, t) for node in nodes])
    increment, error = [work.zero] * n, [work.zero] * n
    for k in halves.positions:
        increment[k] = moved(k, 1.0, method.b)
        error[k] = work.apply("mul", square, work.total(method.error, [stage[k] for stage in stages]))
    for k in halves.momenta:
        column = [stage[k] for stage in stages]
        increment[k] = work.apply("mul", work.h, work.total(method.b_velocity, column))
        error[k] = work.apply("mul", work.h, work.total(method.error_velocity, column))
    return work.kernel("nystrom_step", increment, error, stages, padded, None)
