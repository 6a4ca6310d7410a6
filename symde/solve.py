"""The pipeline on one page: a problem goes in, a solution comes out.

model    --lowering-->  System: names, values, kernels (compiled on first use, cached)
options  --plan------>  one method's numbers, or two and a switch between them, and checked tolerances
both     --session--->  the compiled loop runs over buffers that are kept for the next solve
status   --outcome--->  Solution, or an error that says where, why and what to try
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any, Never

import numpy as np

from symde.backends import backend as named_backend
from symde.call_events import with_call_events
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.lowering import let_slide, lower_model, solved_system
from symde.outcome import finish, interrupted
from symde.plan import Plan, plan_for
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import Solution
from symde.problem.system import System, register_lowering, register_reading
from symde.problem.values import tolerances_by_name
from symde.sessions import borrow, give_back

register_lowering(lower_model)


def _read_as_jumps(system: System, model: Any) -> System:
    return importlib.import_module("symde.jump_system").read_as_jumps(system, model)  # few models have jumps


register_reading("jump", _read_as_jumps)


def _read_as_noise(system: System, model: Any) -> System:
    return importlib.import_module("symde.noise_system").read_as_noise(system, model)


register_reading("sde", _read_as_noise)

Callback = Callable[[float, np.ndarray], Any]


def solve(
    problem: Problem,
    method: Any = None,
    *,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    saveat: Any = None,
    dense: bool | None = None,
    backend: str | None = None,
    events: Any = None,
    callback: Callback | None = None,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    preconditioner: Any = None,
    seed: int | None = None,
    progress: bool = False,
    throw: bool = True,
    **unknown: Never,
) -> Solution:
    """Solve an initial value problem, or follow one path of a jump process (`kind="jump"`) or of a
    stochastic differential equation (`kind="sde"`).

    What counts molecules alone has methods of its own (`symde.engine.jumps`), saves every event without
    `saveat`, and takes `max_steps`, where it is given, as a limit on its events (`symde.jumps.solve_jumps`).
    Jumps beside differential equations go by the methods and options of these
    (`symde.piecewise.solve_piecewise`), but for `events` and `backend`.

    Noise has methods of its own as well (`symde.engine.noise`), which take steps of the size `dt0`, or, where
    `rtol` or `atol` is given, steps that follow the error, to 0.01 of what is not given, and save 101 times
    without `saveat` (`symde.noise.solve_noise`). Of the other options it takes `saveat`, `dense`, `events`,
    `max_steps`, `seed` and `throw`. What means nothing to a path is refused.

    Args:
        problem: What to solve.
        method: Name of a method in any case, or a method object. Default: an explicit method that gives way
            to a stiff one when stiffness shows, and comes back when it has gone; which ones, follows from the
            tolerance and from what the model is (`symde.engine.choice`).
        rtol: Relative tolerance of a step.
        atol: Absolute tolerance: a number (scaled by the states' `nominal`), or values by order or by name.
        saveat: Times to save: a list means exactly those; a number d means t0, t0 + d, ... and the end.
            Default: every step.
        dense: Keep the continuous solution. Default: only without `saveat`.
        backend: "cpu" (default), or "torch": the batched engine, whose methods are explicit Runge-Kutta,
            Rosenbrock and ESDIRK ones.
        events: Events for this solve beside the model's own, a list of `symde.Event`; `solution.events` tells
            which have happened.
        callback: Called as callback(t, u) after every accepted step, u a copy of shape (n,); a true result
            ends the solve with the return code "stopped".
        dt0: First step size, positive in either direction of time; needed by methods without error estimate,
            and by noise without tolerances, which keep it.
        dtmax: Largest step size.
        max_steps: Limit on the number of attempted steps.
        linear_solver: How implicit methods solve their linear systems: "generated" (straight-line code of the
            model), "dense", "lapack" (dense, by LAPACK), "banded", "sparse", "klu" (sparse, by KLU; needs
            `symde[klu]`) or "krylov" (GMRES with products J*v). Default: "auto", the fastest expected for the
            pattern of the Jacobian, never the last two. Refused with methods that solve none.
        preconditioner: For "krylov": "jacobi", "ilu0", or a function make(t, u, shift) that returns a
            function apply(r), which gives about (shift*I - J)^-1 r. Default: none.
        seed: For a jump process, or for noise: the same integer gives the same path; None draws one, which
            the solution tells.
        progress: Show a bar in simulated time (needs tqdm).
        throw: Raise `SolveError` on failure; otherwise return what was computed, with its return code.

    Returns:
        The solution, at the saved times and, where kept, anywhere between. That of a path tells its `seed`.

    Raises:
        SolveError: the solve did not reach its end.
        SolveInterrupted: Ctrl-C; the part that was computed is kept on the exception.
        ValueError, TypeError: an option is not what it should be, or the method cannot solve such a model.
        ImportError: progress=True without tqdm, linear_solver="klu" without KLU, or backend="torch" without
            torch.
    """
    if unknown:
        options.refuse_unknown(unknown, solve)
    if not isinstance(problem, Problem):
        raise TypeError(
            f"solve takes a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
        )
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of (t, u), found {callback!r}")
    if problem.kind in ("jump", "sde"):
        given = {
            "rtol": rtol, "atol": atol, "backend": backend, "events": events, "callback": callback,
            "dt0": dt0, "dtmax": dtmax, "linear_solver": linear_solver, "preconditioner": preconditioner,
        }  # fmt: skip
        system: Any = problem.system
        return importlib.import_module(system.solver).from_solve(
            problem, method, seed, saveat, dense, max_steps, progress, throw, options.changed(given, solve)
        )
    if seed is not None:
        raise ValueError(
            "seed belongs to jump processes and noise: symde.Problem(model, kind='jump' or 'sde')"
        )
    if events is not None:
        problem = with_call_events(problem, events)
    run = solve_on_cpu if backend is None else named_backend(backend)
    return run(
        problem, method, rtol, atol, saveat, dense, callback, dt0, dtmax, max_steps, linear_solver,
        preconditioner, progress, throw,
    )  # fmt: skip


def solve_on_cpu(
    problem: Problem, method: Any, rtol: float, atol: Any, saveat: Any, dense: bool | None,
    callback: Callback | None, dt0: float | None, dtmax: float | None, max_steps: int, linear_solver: str,
    preconditioner: Any, progress: bool, throw: bool,
) -> Solution:  # fmt: skip
    """A solve by the compiled engine; arguments as of `solve`."""
    if callback is not None:
        callback = _Told(callback, problem.tspan)
    while True:
        system = problem.system.solved or solved_system(problem.system)
        plan = plan_for(system, method, rtol, dt0, dtmax, max_steps, linear_solver, preconditioner)
        session = borrow(system, plan)
        try:
            begin(session, problem, plan, atol, saveat, dense, callback is not None)
            if session.executive is not None:
                session.executive.memory.data.asking = getattr(system, "asks", False)
            started = time.perf_counter()
            try:
                if callback is None and not progress:
                    status = session.run()
                else:
                    status = run_watched(session, problem, callback, progress)
            except KeyboardInterrupt as interrupt:
                return interrupted(session, problem, interrupt, started, throw)
            if status != Status.SLIDING:
                return finish(session, problem, status, started, throw)
            executive: Any = session.executive
            let_slide(problem.system, executive.memory.data.found)
        finally:
            give_back(plan, session)


class _Told:
    """A callback that is not told again what it has seen, where a solve begins anew.

    Args:
        callback: The user's.
        tspan: The solve's span.
    """

    def __init__(self, callback: Callback, tspan: tuple[float, float]) -> None:
        self._callback, self._direction = callback, 1.0 if tspan[1] >= tspan[0] else -1.0
        self._last = tspan[0]

    def __call__(self, t: float, u: np.ndarray) -> Any:
        if (t - self._last) * self._direction <= 0.0:
            return False
        self._last = t
        return self._callback(t, u)


def begin(
    session: Session,
    problem: Problem,
    plan: Plan,
    atol: Any,
    saveat: Any,
    dense: bool | None,
    single_step: bool,
) -> None:
    """Ready a session with a problem's numbers; check the options that depend on them."""
    system = problem.system
    t0, t1 = problem.tspan
    session.atol[...] = options.absolute_tolerance(
        atol if type(atol) is float else tolerances_by_name(atol, system),
        system.state_names,
        system.nominal,
        plan.rtol,
    )
    session.u[...], session.p[...] = problem.u0, problem.p
    times = None if saveat is None else options.save_times(saveat, t0, t1)
    session.begin(
        t0,
        t1,
        rtol=plan.rtol,
        saveat=times,
        save_steps=times is None,
        dense=times is None if dense is None else options.truth(dense, "dense"),
        dt0=plan.dt0,
        dtmax=plan.dtmax or abs(t1 - t0),
        max_steps=plan.max_steps,
        single_step=single_step,
    )


def run_watched(
    session: Session, problem: Problem, callback: Callback | None, progress: bool
) -> Status | Retcode:
    """Run a session to its end; callback and progress bar have their say in between."""
    from symde.progress import bar

    with bar(problem.tspan, session.state) if progress else _silent() as on_slice:
        while True:
            status = session.run(on_slice)
            if status != Status.STEPPED or callback is None:
                return status
            if callback(session.state.t, session.vector("u")):
                return Retcode.STOPPED


def _silent() -> Any:
    from contextlib import nullcontext

    return nullcontext()
