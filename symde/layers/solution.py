"""`symde.solve(problem, backend="torch")`: one trajectory by the batched engine, as an ordinary solution."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from symde.engine.batched import dense as continuous
from symde.engine.batched.events.log import EventLog
from symde.engine.batched.forward import Forward
from symde.engine.batched.forward import solve as solve_batch
from symde.engine.batched.integrate import batch_of
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import Status
from symde.layers.batched import method_of
from symde.layers.explained import Counters, explain
from symde.layers.module import home_of, module_of, require_type
from symde.layers.module_events import events_of
from symde.outcome import RETCODES
from symde.problem import options
from symde.problem.dense import DenseOutput
from symde.problem.event_record import EventRecord
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution, SolveError


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
    method = method_of(method, rtol)
    times = None if saveat is None else options.save_times(saveat, t0, t1)
    keep_dense = times is None if dense is None else options.truth(dense, "dense")
    tolerance = options.absolute_tolerance(atol, system.state_names, system.nominal, rtol)
    rhs = module_of(system)
    require_type(system, torch.float64)
    u0, p = (
        torch.tensor(one, dtype=torch.float64, device=home_of(rhs)).reshape(-1, 1)
        for one in (problem.u0, problem.p)
    )
    batch = batch_of(
        rhs, u0, p, t0, t1, None if times is None else times.copy(), method, rtol, tolerance,
        (), options.step_size(dt0, "dt0"), options.step_size(dtmax, "dtmax"), options.step_limit(max_steps),
        False,
    )  # fmt: skip
    batch = replace(batch, events=events_of(system))
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


def _solution(
    problem: Problem, found: Forward, times: np.ndarray | None, keep_dense: bool, retcode: Retcode,
    seconds: float, method: Any, throw: bool,
) -> Solution:  # fmt: skip
    if times is None:
        t, u = continuous.steps(found)
    else:
        saved = found.u[:, :, 0].cpu().numpy()
        known = np.isfinite(saved).all(1)
        t, u = times[known], saved[known]
    rows = continuous.rows(found) if keep_dense else None
    end = float(found.outcome.progress.t[0])
    output = None if rows is None or not len(rows) else DenseOutput(rows, len(problem.u0), end)
    accepted, rejected = (int(one[0]) for one in (found.outcome.accepted, found.outcome.rejected))
    events: tuple[EventRecord, ...] = ()
    if found.happened is not None:
        known = events_of(problem.system)
        assert known is not None
        events = tuple(EventLog.of(found.happened, known.plans, 1).records(0))
    last = events[-1].name if events else None
    message = ""
    if not retcode.success:
        message = explain(problem, retcode, end, found.outcome.progress.u[:, 0].cpu().numpy(), accepted, last)
    counters = Counters(accepted, rejected)
    solution = Solution(problem, t, u, retcode, output, counters, seconds, (method,), message, events)
    if throw and not retcode.success:
        raise SolveError(message, solution)
    return solution
