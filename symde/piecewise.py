"""Solves of jumps beside differential equations: a path, by any method for the equations, and a seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.engine.cpu.hazard import JumpFailure
from symde.engine.cpu.jump_layout import JumpStatus
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.jumps.registry import NAMES
from symde.engine.jumps.session import signed
from symde.jumps import MORE_JUMPS, explain_count, explain_mark, listed, whole
from symde.noise import seed_of
from symde.outcome import RETCODES, explain
from symde.piecewise_system import PiecewiseSystem
from symde.plan import Plan, plan_for
from symde.problem import options
from symde.problem.dense import DenseOutput
from symde.problem.event_record import EventRecord
from symde.problem.piecewise_solution import PiecewiseSolution
from symde.problem.problem import Problem, expected_problem, with_system
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError, SolveInterrupted
from symde.sessions import borrow, give_back
from symde.solve import run_watched

Callback = Callable[[float, np.ndarray], Any]


def solve_piecewise(
    problem: Problem,
    method: Any = None,
    *,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    seed: int | None = None,
    trajectory: int = 0,
    saveat: Any = None,
    dense: bool | None = None,
    callback: Callback | None = None,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    preconditioner: Any = None,
    progress: bool = False,
    throw: bool = True,
) -> PiecewiseSolution:
    """A path of a process whose states follow differential equations between jumps.

    The sum of the rates is a state beside the others, and where it reaches an exponential random number a
    jump takes place, located as an event (M. H. A. Davis 1984).

    Args:
        problem: Of kind "jump".
        method: A method for differential equations; its tolerance is that of the times of jumps, too.
        seed: An integer of up to 64 bits; None draws one, which the solution tells.
        trajectory: Which of the independent paths of that seed.
        rtol, atol, saveat, dense, callback: As in `symde.solve`.
        dt0, dtmax, max_steps, linear_solver, preconditioner, progress, throw: Likewise; `max_steps` counts
            those that end at jumps, too.

    Returns:
        The path, whose `events` list jumps and events in their order.

    Raises:
        SolveError: the solve did not reach its end: a rate is negative or not finite, say.
        ValueError, TypeError: an option is not what it should be.
    """
    system = expected_problem(problem).system
    if not isinstance(system, PiecewiseSystem):
        raise ValueError(
            "this follows jumps beside differential equations: give it symde.Problem(model, kind='jump')"
        )
    seed, trajectory = seed_of(seed), whole(trajectory, "trajectory")
    plan = plan_of(problem, method, rtol, dt0, dtmax, max_steps, linear_solver, preconditioner)
    times = options.save_times(saveat, *problem.tspan)
    kept = times is None if dense is None else options.truth(dense, "dense")
    with a_session(system, plan) as session:
        path = Path(problem, plan, session, tolerance_of(problem, plan, atol))
        return path.follow(seed, trajectory, times, kept, True, callback, progress, throw)


def plan_of(problem: Problem, *given: Any) -> Plan:
    """The options of a solve, checked; `given` as of `symde.plan.plan_for`.

    Raises:
        ValueError, TypeError: one is not what it should be.
    """
    t0, t1 = problem.tspan
    if t1 < t0:
        raise ValueError(f"jumps come as time goes on, and the span is {t0:g} to {t1:g}")
    system: Any = problem.system
    named = getattr(given[0], "name", given[0])
    if isinstance(named, str) and named.strip().lower() in {one.lower() for one in NAMES}:
        raise ValueError(
            f"{named} draws jumps alone, and here equations, events or rates that depend on the time go on "
            "between jumps: take a method for differential equations, such as 'Tsit5', or leave it out"
        )
    return plan_for(system.inner, *given)


def tolerance_of(problem: Problem, plan: Plan, atol: Any) -> np.ndarray:
    """Absolute tolerances of the states, and that of the hazard, whose size is about 1."""
    system: Any = problem.system
    given = options.absolute_tolerance(atol, system.state_names, system.nominal, plan.rtol)
    return np.append(np.full(len(problem.u0), given, float), plan.rtol or options.DEFAULT_RTOL)


@contextmanager
def a_session(system: PiecewiseSystem, plan: Plan) -> Iterator[Session]:
    """A session of one's own, given back afterwards."""
    session = borrow(system.inner, plan)
    try:
        yield session
    finally:
        give_back(plan, session)


class Path:
    """Paths of one problem in one session.

    Args:
        problem: Of kind "jump".
        plan: How it is solved.
        session: Where.
        atol: Absolute tolerances, with that of the hazard.
    """

    def __init__(self, problem: Problem, plan: Plan, session: Session, atol: np.ndarray) -> None:
        self.problem, self.plan, self.session, self.atol = problem, plan, session, atol
        system: Any = problem.system
        self.inner = with_system(problem, system.inner, np.append(problem.u0, 1.0))

    def follow(
        self, seed: int, trajectory: int, times: np.ndarray | None, dense: bool, log: bool,
        callback: Callback | None = None, progress: bool = False, throw: bool = True,
        look_up: Callable[[], None] | None = None,
    ) -> PiecewiseSolution:  # fmt: skip
        """Follow a path to its end; arguments as of `solve_piecewise`, whether jumps are logged, and what is
        called between slices."""
        session, plan, started = self.session, self.plan, time.perf_counter()
        t0, t1 = self.problem.tspan
        session.atol[...], session.p[...] = self.atol, self.problem.p
        session.u[...] = self.inner.u0
        session.begin(
            t0, t1, rtol=plan.rtol, saveat=times, save_steps=times is None, dense=dense, dt0=plan.dt0,
            dtmax=plan.dtmax or t1 - t0, max_steps=plan.max_steps, single_step=callback is not None,
        )  # fmt: skip
        hazard = session.kept_by_model
        try:
            hazard.begin(session, signed(seed), signed(trajectory), log)
            if callback is None and not progress:
                status: Any = session.run(look_up)
            else:
                watch = None if callback is None else _without_hazard(callback)
                status = run_watched(session, self.inner, watch, progress)
        except JumpFailure:
            status = Status.BAD_RATE
        except KeyboardInterrupt as interrupt:
            message = f"interrupted at t = {session.state.t:g}"
            found = self._collected(Retcode.INTERRUPTED, message, seed, trajectory, dense, started)
            if not throw:
                return found
            raise SolveInterrupted(message, found) from interrupt
        retcode = status if isinstance(status, Retcode) else RETCODES.get(status)
        if retcode is None:
            raise session.take_error() or RuntimeError("a model kernel failed without saying why")
        message = "" if retcode.success else self._explained(retcode)
        found = self._collected(retcode, message, seed, trajectory, dense, started)
        if throw and not retcode.success:
            raise SolveError(message, found)
        return found

    def _explained(self, retcode: Retcode) -> str:
        """What happened, in the modeller's words."""
        session = self.session
        hazard, names = session.kept_by_model, self.problem.system.state_names
        state, jumps = session.state, session.kept_by_model.state.count
        if retcode is Retcode.MAX_STEPS and 2 * jumps > state.accepted:
            return (
                f"{retcode.word}: {retcode.sentence}, at t = {state.t:.6g}, after {jumps} jumps\n"
                f"  help: {MORE_JUMPS}"
            )
        if retcode is not Retcode.BAD_RATE:
            return explain(session, self.inner, retcode)
        why, j = hazard.failure
        system: Any = self.problem.system
        channel, u = system.network.channels[j], session.vector("u")[:-1]
        where = f"at t = {session.state.t:.6g}, after {hazard.state.count} jumps"
        if why == JumpStatus.CLOCK:
            return (
                f"bad_rate: jumps follow each other more closely than times near {session.state.t:.6g} can "
                f"be told apart in float64, {where}\n  states: {listed(names, u)}\n"
                f"  help: the rates come to {hazard.total:g} there: lower them, or let an event do what is "
                "to happen at once"
            )
        if why == JumpStatus.MARK:
            return explain_mark(channel, where, names, u)
        if why == JumpStatus.NEGATIVE:
            return explain_count(channel, where, names, u)
        return (
            f"bad_rate: the rate of {channel.words} is {hazard.rate(j):g}, {where}\n"
            f"  states: {listed(names, u)}\n"
            "  help: a rate must be finite and not negative for all states that are reached: "
            "`max(0, ...)` cuts it off"
        )

    def _collected(
        self, retcode: Retcode, message: str, seed: int, trajectory: int, dense: bool, started: float
    ) -> PiecewiseSolution:
        session, n = self.session, len(self.problem.u0)
        seconds = time.perf_counter() - started
        t, u = session.output.saved()
        used = session.chosen if session.state.switches else session.chosen[:1]
        counts = session.counters().as_dict() | {"jumps": session.kept_by_model.state.count}
        continuous = None
        if dense and session.state.dense_count:
            rows = session.output.interpolants()
            powers = rows[:, 2:].reshape(len(rows), -1, n + 1)[:, :, :n].reshape(len(rows), -1)
            continuous = DenseOutput(np.hstack([rows[:, :2], powers]), n, session.state.t)
        found = PiecewiseSolution(
            self.problem, t, np.ascontiguousarray(u[:, :n]), retcode, continuous, counts, seconds, used,
            message, seed, trajectory, self._happened(),
        )  # fmt: skip
        return found

    def _happened(self) -> _Happened:
        """What has happened."""
        session, n = self.session, len(self.problem.u0)
        assert session.executive is not None
        hazard = session.kept_by_model
        names, by_host = hazard.names, session.executive.log.records()
        if not hazard.state.keep_log:
            by_host = tuple(one for one in by_host if one.name not in names)
        return _Happened(by_host, hazard.log(), names, n)


@dataclass(frozen=True, slots=True, eq=False)
class _Happened:
    """What the host and the loop have carried out, of which one does all, without the hazard.

    Attributes:
        by_host: Records of the host.
        log: Of the loop: times, channels, and states before and after.
        names: Of the channels.
        n: Number of states without the hazard.
    """

    by_host: tuple[EventRecord, ...]
    log: tuple[np.ndarray, ...]
    names: tuple[str, ...]
    n: int

    def records(self) -> tuple[EventRecord, ...]:
        """Of many thousand jumps made when first asked for."""
        n, log = self.n, self.log
        found = [EventRecord(one.t, one.name, one.before[:n], one.after[:n]) for one in self.by_host]
        for t, channel, states in zip(*(one.tolist() for one in log[:2]), log[2], strict=True):
            found.append(EventRecord(t, self.names[channel], states[0, :n], states[1, :n]))
        return tuple(found)


def _without_hazard(callback: Callback) -> Callback:
    return lambda t, u: callback(t, u[:-1])


def from_solve(
    problem: Problem, method: Any, seed: int | None, saveat: Any, dense: bool | None, max_steps: int,
    progress: bool, throw: bool, others: Mapping[str, Any],
) -> PiecewiseSolution:  # fmt: skip
    """A path as `symde.solve` asks for it; `others` are options that differ from their defaults.

    Raises:
        ValueError: one is not for jumps beside equations.
    """
    if "backend" in others:
        raise ValueError("jumps are followed by the compiled engine: leave out backend")
    if "events" in others:
        raise ValueError(
            "events beside jumps are statements of the model: write `when ...` in its text, and leave "
            "out events="
        )
    return solve_piecewise(
        problem, method, seed=seed, saveat=saveat, dense=dense, max_steps=max_steps, progress=progress,
        throw=throw, **others,
    )  # fmt: skip
