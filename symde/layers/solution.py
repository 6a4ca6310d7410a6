"""`symde.solve(problem, backend="torch")`: one trajectory by the batched engine, as an ordinary solution."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from symde.engine.batched import dense as continuous
from symde.engine.batched.forward import Forward
from symde.engine.batched.forward import solve as solve_batch
from symde.engine.batched.integrate import batch_of
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import Status
from symde.engine.methods import registry
from symde.layers.module import module_of
from symde.outcome import RETCODES
from symde.problem import options
from symde.problem.dense import DenseOutput
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution, SolveError

TIGHT = 1e-5
"""Relative tolerance below which the method of a solve that names none is of order 7."""


def solve_by_torch(
    problem: Problem, method: Any, rtol: float, atol: Any, saveat: Any, dense: bool | None, callback: Any,
    dt0: float | None, dtmax: float | None, max_steps: int, linear_solver: str, preconditioner: Any,
    progress: bool, throw: bool,
) -> Solution:  # fmt: skip
    """A solve by the batched engine; arguments as of `symde.solve`.

    Without a method it is Tsit5, or Vern7 below rtol 1e-5: this engine does not look for stiffness.

    Raises:
        ValueError: an option has no meaning here.
    """
    _refuse(callback, linear_solver, preconditioner, progress)
    system, (t0, t1) = problem.system, problem.tspan
    rtol = options.relative_tolerance(rtol)
    method = registry.get(method if method is not None else "Tsit5" if rtol >= TIGHT else "Vern7")
    times = None if saveat is None else options.save_times(saveat, t0, t1)
    keep_dense = times is None if dense is None else options.truth(dense, "dense")
    tolerance = options.absolute_tolerance(atol, system.state_names, system.nominal, rtol)
    u0 = torch.from_numpy(np.array(problem.u0, dtype=float)).reshape(-1, 1)
    p = torch.from_numpy(np.array(problem.p, dtype=float)).reshape(-1, 1)
    batch = batch_of(
        module_of(system), u0, p, t0, t1, None if times is None else times.copy(), method, rtol, tolerance,
        (), options.step_size(dt0, "dt0"), options.step_size(dtmax, "dtmax"), options.step_limit(max_steps),
        False,
    )  # fmt: skip
    started = time.perf_counter()
    found = solve_batch(batch, keep=times is None or keep_dense)
    retcode = RETCODES[Status(int(found.outcome.status[0]))]
    return _solution(problem, found, times, keep_dense, retcode, time.perf_counter() - started, method, throw)


def _refuse(callback: Any, linear_solver: str, preconditioner: Any, progress: bool) -> None:
    for what, given in (
        ("callback", callback is not None),
        ("progress", progress),
        ("preconditioner", preconditioner is not None),
        ("linear_solver", linear_solver != linear_solvers.AUTO),
    ):
        if given:
            raise ValueError(f"{what} belongs to backend='cpu': leave it out with backend='torch'")


class Counters:
    """Counts of one member's work."""

    def __init__(self, found: Forward) -> None:
        self._counts = {
            "accepted": int(found.outcome.accepted[0]),
            "rejected": int(found.outcome.rejected[0]),
        }

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return self._counts


def _solution(
    problem: Problem, found: Forward, times: np.ndarray | None, keep_dense: bool, retcode: Retcode,
    seconds: float, method: Any, throw: bool,
) -> Solution:  # fmt: skip
    if times is None:
        t, u = continuous.steps(found)
    else:
        known = torch.isfinite(found.u[:, :, 0]).all(1).numpy()
        t, u = times[known], found.u[:, :, 0].numpy()[known]
    rows = continuous.rows(found) if keep_dense else None
    end = float(found.outcome.progress.t[0])
    output = None if rows is None or not len(rows) else DenseOutput(rows, len(problem.u0), end)
    message = (
        ""
        if retcode.success
        else f"{retcode.word}: {retcode.sentence}, at t = {end:.6g}\n  help: {retcode.remedy}"
    )
    solution = Solution(problem, t, u, retcode, output, Counters(found), seconds, (method,), message)
    if throw and not retcode.success:
        raise SolveError(message, solution)
    return solution
