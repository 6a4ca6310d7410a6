"""What went wrong in solves of the batched engine, in the modeller's words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from symde.engine.batched.result import Integrated
from symde.engine.cpu.layout import Status
from symde.layers.bridge.specification import Point, problem_at
from symde.layers.failures import BatchSolveError
from symde.outcome import RETCODES
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution, SolveError


class Counters:
    """Counts of one member's work."""

    def __init__(self, accepted: int, rejected: int) -> None:
        self._counts = {"accepted": accepted, "rejected": rejected}

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return self._counts


class Made(NamedTuple):
    """What a batch was solved from: u0, p, span and times as `symde.layers.batched.solve` has them, and the
    method."""

    u0: Tensor
    p: Tensor | None
    span: Tensor
    times: Tensor | None
    method: Any


NO_END = {
    Retcode.ZENO: "the times of event `{}` accumulate here: end the solve, or set what moves to rest, once "
    "it moves less than matters",
    Retcode.CHATTERING: "event `{}` and those that it triggers follow each other without end at this time: "
    "leave a gap between their conditions (hysteresis)",
}
"""Why there is no end to events, by the name of the last."""


def explain(
    problem: Problem, retcode: Retcode, t: float, u: np.ndarray, accepted: int, event: str | None = None
) -> str:
    """What happened, in the modeller's words: time, largest state, its equation and line, and a remedy;
    `event` is the last one."""
    index = int(np.argmax(np.abs(u)))
    equation = problem.system.equation(index)
    where = f"{equation.file}, line {equation.line}" if equation.line else "no model text"
    return "\n".join(
        [
            f"{retcode.word}: {retcode.sentence}, at t = {t:.6g} (after {accepted} steps)",
            f"  worst state: {equation.state} = {u[index]:.6g}",
            f"  equation:    {equation.text}    ({where})",
            f"  help: {NO_END[retcode].format(event) if event and retcode in NO_END else retcode.remedy}",
        ]
    )


def failure(problem: Problem, found: Integrated, made: Made, count: int | None) -> SolveError:
    """The error of the only solve, or of the members that failed."""
    fine = int(Status.DONE), int(Status.TERMINATED)
    failed = [k for k, one in enumerate(found.status.tolist()) if one not in fine]
    errors = {k: _of_member(problem, found, made, k) for k in failed}
    return errors[0] if count is None else BatchSolveError(errors, count)


def _of_member(problem: Problem, found: Integrated, made: Made, k: int) -> SolveError:
    u0, p, span, times = (_row(one, k) for one in made[:4])
    assert u0 is not None and span is not None
    p, times = np.zeros(0) if p is None else p, span[1:] if times is None else times
    retcode, u = RETCODES[Status(int(found.status[k]))], _numbers(found.u[:, :, k])
    accepted = int(found.accepted[k])
    happened = [] if found.events is None else found.events.records(k)
    event = happened[-1].name if happened else None
    message = explain(problem, retcode, float(found.t[k]), _numbers(found.state[:, k]), accepted, event)
    known = np.isfinite(u).all(1)
    counters = Counters(accepted, int(found.rejected[k]))
    solution = Solution(
        problem_at(problem, Point(u0, p, span, times)), times[known], u[known], retcode, None, counters, 0.0,
        (made.method,), message,
    )  # fmt: skip
    return SolveError(message, solution)


def _row(x: Tensor | None, k: int) -> np.ndarray | None:
    return None if x is None else _numbers(x if x.ndim == 1 else x[k])


def _numbers(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy().astype(float)
