"""Whole steps of models with delays as kernels: the delayed values of all stages are looked up beforehand.

Where every delay is constant, the times at which a step reads the past are known as it begins. The engine
fills a row of `delayed` for each of them, and the step is straight code over these rows. Row 0 is the one of
single evaluations; the others follow in the order of `nodes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delays import DELAYED
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.lu import StaticLU
from symde.codegen.steps import NODE_LIMIT, STATES_LIMIT, STEP_INPUTS, Step, explicit_step, rosenbrock_step
from symde.native import load_ir


@dataclass(frozen=True, slots=True)
class DelayedKernel:
    """A kernel that reads several rows of delayed values.

    Attributes:
        address: Where it is.
        nodes: Part of the step at which each row after the first is to be looked up.
        slopes: Whether derivatives of delayed values are read.
    """

    address: int
    nodes: tuple[float, ...]
    slopes: bool


class DelayedStep(Step):
    """The graph of a step whose right-hand sides read the row of their time.

    Attributes:
        nodes: Part of the step of each row after the first, in the order in which they were met.
        slopes: Whether derivatives of delayed values are read.
    """

    def __init__(self, model: DelayGraph) -> None:
        super().__init__(model)
        self._width = 2 * len(model.delays.pairs)
        self._share: dict[int, float] = {self.t: 0.0}
        self._row: dict[int, int] = {}
        self.nodes: list[float] = []
        self.slopes = False

    def later(self, share: float) -> int:
        """t + share * h."""
        t = super().later(share)
        self._share[t] = share
        return t

    def end(self) -> int:
        """The time at which the step ends, as the engine has it: t + h but for rounding."""
        t = self.graph.input("step", 1)
        self._share[t] = 1.0
        whole = super().later(1.0)
        if whole in self._row:
            self._row[t] = self._row[whole]
        return t

    def _copied(self, node: int, done: dict[int, int], u: Sequence[int], t: int) -> int:
        source = self.source
        if source.op[node] != "input" or source.value[node][0] != DELAYED:
            return super()._copied(node, done, u, t)
        if t not in self._row:
            self.nodes.append(self._share[t])
            self._row[t] = len(self.nodes)
        index = source.value[node][1]
        self.slopes |= index % 2 == 1
        return self.graph.input(DELAYED, index + self._width * self._row[t])


FUSED_INPUTS = (*STEP_INPUTS, "low")
"""The input table of `fused_step`: `step` holds h and the time at which the step ends, `low` what the
compensated sum carries."""


def fused_step(model: DelayGraph, method: Any) -> DelayedKernel | None:
    """The step of an explicit method with all that belongs to it, None where the general step serves: the
    stages, the new state by a compensated sum, f there where that is the last stage, and the error.

    It reads `FUSED_INPUTS` and writes the new state, what its sum carries, the error, and all stages but the
    first, each to a place of its own.
    """
    if not _suits(model) or method.family != "explicit" or method.error is None:
        return None
    work = DelayedStep(model)
    n, apply = work.n, work.apply
    slopes = [[work.graph.input("first_stage", k) for k in range(n)]]
    for i in range(1, len(method.b) - (1 if method.fsal else 0)):
        if work.size > NODE_LIMIT:
            return None
        u = [work.argument(k, method.a[i][:i], [slope[k] for slope in slopes]) for k in range(n)]
        slopes.append(work.derivatives(u, work.later(float(method.c[i]))))
    new, lost = [], []
    for k in range(n):
        total = apply("mul", work.h, work.total(method.b, [slope[k] for slope in slopes]))
        y = apply("add", total, work.graph.input("low", k))
        new.append(apply("add", work.u[k], y))
        lost.append(apply("sub", y, apply("sub", new[k], work.u[k])))
    if method.fsal:
        slopes.append(work.derivatives(new, work.end()))
    error = [apply("mul", work.h, work.total(method.error, [slope[k] for slope in slopes])) for k in range(n)]
    outputs = (
        Output("u_new", tuple(new)),
        Output("low_new", tuple(lost)),
        Output("error", tuple(error)),
        *(Output(f"stage{i}", tuple(row)) for i, row in enumerate(slopes[1:], 1)),
    )
    if work.size > NODE_LIMIT:
        return None
    own = Vector("step", 2), Vector("first_stage", n), Vector("low", n)
    return _loaded(work, Kernel("fused_step", work.graph, (*model.inputs(), *own), outputs))


def delayed_step(
    model: DelayGraph, plan: Callable[[], StaticLU | None], method: Any, padded: int
) -> DelayedKernel | None:
    """The step of a method as one kernel, None where the general step serves.

    Args:
        model: The model.
        plan: Gives its factorisation.
        method: Explicit Runge-Kutta and Rosenbrock methods have such steps.
        padded: Length of a stage vector as the engine keeps it.
    """
    if not _suits(model):
        return None
    work = DelayedStep(model)
    if method.family in ("explicit", "explicit_two_estimates"):
        kernel = explicit_step(model, method, method.fsal, padded, work)
    elif method.family == "rosenbrock":
        factorisation = plan()
        if factorisation is None:
            return None
        kernel = rosenbrock_step(model, factorisation, method, padded, work)
    else:
        return None
    return _loaded(work, kernel)


def delayed_interpolant(model: DelayGraph, method: Any, numbers: Any, padded: int) -> DelayedKernel | None:
    """The interpolant of a step of an explicit method as one kernel, None where it would be too long. It
    reads all stages in the place of the first, and writes the coefficients of theta^0..degree and the extra
    stages, each to a place of its own.

    Args:
        numbers: Weights of the stages by theta * T_q, shape (degree, all stages), and the coefficients of
            theta^m in T_q, shape (degree, degree), as the engine keeps them.
    """
    if not _suits(model):
        return None
    work, known = DelayedStep(model), len(method.b)
    weights, powers = (matrix.tolist() for matrix in numbers)
    n = work.n
    slopes = [[work.graph.input("first_stage", j * padded + k) for k in range(n)] for j in range(known)]
    more: Any = getattr(method, "extra_a", ())
    for row, share in zip(more, method.extra_c, strict=False):
        if work.size > NODE_LIMIT:
            return None
        weighed = [float(weight) for weight in row[: len(slopes)]]
        u = [work.argument(k, weighed, [slope[k] for slope in slopes]) for k in range(n)]
        slopes.append(work.derivatives(u, work.later(float(share))))
    sums = [[work.total(row, [slope[k] for slope in slopes]) for k in range(n)] for row in weights]
    scaled = [[work.apply("mul", work.h, node) for node in row] for row in sums]
    rows = [[work.total(row, [one[k] for one in scaled]) for k in range(n)] for row in powers]
    if work.size > NODE_LIMIT:
        return None
    outputs = (
        *(Output(f"power{m}", tuple(row)) for m, row in enumerate((work.u, *rows))),
        *(Output(f"stage{known + i}", tuple(row)) for i, row in enumerate(slopes[known:])),
    )
    own = Vector("step", 1), Vector("first_stage", known * padded)
    kernel = Kernel("explicit_interpolant", work.graph, (*model.inputs(), *own), outputs)
    return _loaded(work, kernel)


def _suits(model: DelayGraph) -> bool:
    return len(model.lowered.states) <= STATES_LIMIT and bool((model.plan.constant == 1).all())


def _loaded(work: DelayedStep, kernel: Kernel | None) -> DelayedKernel | None:
    if kernel is None:
        return None
    address = load_ir(ir_module([kernel])).address(kernel.name)
    return DelayedKernel(address, tuple(work.nodes), work.slopes)
