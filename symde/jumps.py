"""Solves of jump processes: a path, from the problem and a seed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symde.derive.jump_network import Channel
from symde.engine.cpu.jump_layout import JumpStatus
from symde.engine.jumps.choice import method_for
from symde.engine.jumps.method import JumpMethod
from symde.engine.jumps.session import JumpSession
from symde.jump_system import JumpSystem
from symde.problem import options
from symde.problem.jump_solution import JumpSolution, Steps
from symde.problem.problem import Problem, expected_problem
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError, SolveInterrupted

Callback = Callable[[float, np.ndarray], Any]

KEPT = 4
"""Sessions kept for each network and method."""

MORE_JUMPS = (
    "raise max_steps, which counts steps that jumps end as well, or lower the rates: such as grow by each "
    "jump may come to infinitely many in a finite time"
)
"""What is said where a path has taken all the steps that it may."""

_FAILED = {
    JumpStatus.MAX_EVENTS: Retcode.MAX_STEPS,
    JumpStatus.PROPENSITY: Retcode.BAD_RATE,
    JumpStatus.NEGATIVE: Retcode.BAD_RATE,
    JumpStatus.TOTAL: Retcode.BAD_RATE,
    JumpStatus.COUNT: Retcode.BAD_RATE,
    JumpStatus.CLOCK: Retcode.BAD_RATE,
    JumpStatus.MARK: Retcode.BAD_RATE,
}


def solve_jumps(
    problem: Problem,
    method: str | JumpMethod | None = None,
    *,
    seed: int | None = None,
    trajectory: int = 0,
    saveat: Any = None,
    dense: bool | None = None,
    callback: Callback | None = None,
    max_events: int | None = None,
    progress: bool = False,
    throw: bool = True,
) -> JumpSolution:
    """A path of a jump process.

    Args:
        problem: Of kind "jump".
        method: A name or method object of `symde.engine.jumps`; default: by the number of reactions.
        seed: An integer of up to 64 bits; None draws one, which the solution tells.
        trajectory: Which of the independent paths of that seed.
        saveat: Times to save, at which a path is continuous from the right; None: every event.
        dense: Keep the path between events; only without `saveat`, and then by default.
        callback: Called as callback(t, u) after every event; a true result ends the path.
        max_events: Limit on the events; None: none.
        progress, throw: As in `symde.solve`.

    Raises:
        SolveError: a propensity is negative or not finite, a population would become negative, or there are
            more events than allowed.
        ValueError, TypeError: an option is not what it should be.
    """
    system = expected_problem(problem).system
    if not isinstance(system, JumpSystem):
        raise ValueError("this follows paths of jump processes: give it symde.Problem(model, kind='jump')")
    chosen = method_for(method, system.arrays.m, system.has_laws)
    check_problem(problem, chosen)
    kept_between = dense is None or options.truth(dense, "dense")
    limit = None if max_events is None else options.count(max_events, "max_events")
    if dense and saveat is not None:
        raise ValueError("the path between events is kept where every event is saved: leave out saveat")
    seed = secrets.randbits(63) if seed is None else whole(seed, "seed")
    trajectory = whole(trajectory, "trajectory")
    times = options.save_times(saveat, *problem.tspan)
    kept = system.sessions.setdefault((chosen.module, chosen.entry), [])
    session = kept.pop() if kept else JumpSession(system.arrays, chosen)
    path = JumpPath(problem, chosen, session, limit)
    found = path.follow(seed, trajectory, times, kept_between, callback, progress, throw)
    if found.success and len(kept) < KEPT:
        session.release()
        kept.append(session)
    return found


class JumpPath:
    """Paths of one problem in one session.

    Args:
        problem: Of kind "jump", of jumps alone.
        method: How they are drawn.
        session: Where.
        max_events: Limit on the events; None: none.
    """

    def __init__(
        self, problem: Problem, method: JumpMethod, session: JumpSession, max_events: int | None
    ) -> None:
        self.problem, self.method, self.session, self.max_events = problem, method, session, max_events

    def follow(
        self, seed: int, trajectory: int, times: np.ndarray | None, dense: bool,
        callback: Callback | None = None, progress: bool = False, throw: bool = True,
        look_up: Callable[[], None] | None = None,
    ) -> JumpSolution:  # fmt: skip
        """Follow a path to its end; arguments as of `solve_jumps`, and what is called between slices."""
        problem, session = self.problem, self.session
        system: Any = problem.system
        session.begin(
            problem.u0, problem.p, system.rates(problem.p), problem.tspan, seed, trajectory, times,
            self.max_events, self.method.epsilon,
        )  # fmt: skip
        started = time.perf_counter()

        def solution(retcode: Retcode, message: str = "") -> JumpSolution:
            seconds = time.perf_counter() - started
            t, u = session.saved()
            if times is None and t[-1] < session.state.t:  # ended early: up to here nothing happened
                t, u = np.append(t, session.state.t), np.vstack([u, session.u])
            steps = Steps(t, u) if times is None and dense else None
            counts = session.counters()
            return JumpSolution(
                problem, t, u, retcode, steps, counts, seconds, (self.method,), message, seed, trajectory
            )

        try:
            status = _run(session, problem, callback, progress, look_up)
        except KeyboardInterrupt as interrupt:
            message = f"interrupted at t = {session.state.t:g}"
            if not throw:
                return solution(Retcode.INTERRUPTED, message)
            raise SolveInterrupted(message, solution(Retcode.INTERRUPTED, message)) from interrupt
        if status == JumpStatus.DONE or isinstance(status, Retcode):
            return solution(status if isinstance(status, Retcode) else Retcode.SUCCESS)
        message = _explain(session, problem, status)
        found = solution(_FAILED[status], message)
        if throw:
            raise SolveError(message, found)
        return found


def _run(
    session: JumpSession,
    problem: Problem,
    callback: Callback | None,
    progress: bool,
    look_up: Callable[[], None] | None,
) -> JumpStatus | Retcode:
    if callback is None and not progress:
        return session.run(None, look_up)
    from contextlib import nullcontext

    from symde.progress import bar

    with bar(problem.tspan, session.state) if progress else nullcontext() as on_slice:
        if callback is None:
            return session.run(None, on_slice)
        while True:
            seen = session.state.events
            status = session.run(1, on_slice)
            if session.state.events > seen and callback(session.state.t, session.u):
                return Retcode.STOPPED
            if status != JumpStatus.BUDGET:
                return status


def refuse_others(others: Mapping[str, Any]) -> None:
    """Refuse options that mean something to differential equations alone.

    Raises:
        ValueError: there are any.
    """
    for name, value in others.items():
        raise ValueError(f"{name}={value!r} belongs to differential equations, and this is a jump process")


def check_problem(problem: Problem, method: JumpMethod) -> None:
    """Refuse a problem that a method does not solve.

    Raises:
        ValueError: it runs backwards, or the method needs mass action.
    """
    t0, t1 = problem.tspan
    if t1 < t0:
        raise ValueError(f"a jump process runs forwards in time, and the span is {t0:g} to {t1:g}")
    if method.mass_action_only:
        system: JumpSystem = problem.system  # type: ignore[assignment]
        for channel, one in zip(system.network.channels, system.propensities.table, strict=True):
            if one.reactants is None:
                raise ValueError(
                    f"{method.name} needs mass action with rate constants that no state changes, and "
                    f"{channel.words} has a rate law: use an exact method such as 'SortingDirect'"
                )


def limit_of(max_steps: int) -> int | None:
    """The limit on events: none where it was not given."""
    return None if max_steps == options.DEFAULT_MAX_STEPS else options.step_limit(max_steps)


def whole(value: Any, what: str) -> int:
    """An integer of up to 64 bits, not negative."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{what} must be an integer, found {value!r}")
    if not 0 <= value < 2**64:
        raise ValueError(f"{what} = {value}: it must lie between 0 and 2**64 - 1")
    return int(value)


def _explain(session: JumpSession, problem: Problem, status: JumpStatus) -> str:
    """What happened, in the modeller's words: time, reaction and line, and a remedy."""
    state = session.state
    system: JumpSystem = problem.system  # type: ignore[assignment]
    where = f"at t = {state.t:.6g}, after {state.events} events"
    if status == JumpStatus.MAX_EVENTS:
        return (
            f"max_steps: the limit of {state.max_events} events was reached, {where}\n  help: raise max_steps"
        )
    if status == JumpStatus.TOTAL:
        return f"bad_rate: the sum of the propensities is not finite, or nearly so, {where}"
    if status == JumpStatus.COUNT:
        name = system.state_names[int(np.argmax(abs(session.u)))]
        return (
            f"bad_rate: `{name}` has reached 2**53, beyond which not every whole number is one of float64, "
            f"{where}\n  help: count in a larger unit, or solve it as differential equations, kind='ode'"
        )
    if status == JumpStatus.CLOCK:
        return (
            f"bad_rate: events follow each other more closely than times near {state.t:.6g} can be told "
            f"apart in float64, {where}\n  help: begin at 0, as rates of a jump process do not read the time"
        )
    channel = system.channel(state.failed)
    if status == JumpStatus.MARK:
        return explain_mark(channel, where, system.state_names, session.u)
    values = ", ".join(
        f"{name} = {value:g}" for name, value in zip(system.state_names, session.u, strict=True)
    )
    if status == JumpStatus.NEGATIVE:
        if channel.effects:
            return explain_count(channel, where, system.state_names, session.u)
        gone = min(channel.changes, key=lambda one: session.u[one[0]] + one[1])[0]
        name = system.state_names[gone]
        return (
            f"bad_rate: {channel.words} would leave {session.u[gone] + dict(channel.changes)[gone]:g} of "
            f"`{name}`, {where}\n  populations: {values}\n"
            f"  help: its rate must be 0 where there is not enough of `{name}`"
        )
    value = system.propensities.value(state.failed, session.u, problem.p)
    return (
        f"bad_rate: the rate of {channel.words} is {value:g}, {where}\n  populations: {values}\n"
        "  help: a rate must be finite and not negative for all populations that are reached"
    )


def explain_mark(channel: Channel, where: str, names: Sequence[str], u: np.ndarray) -> str:
    """What happened where a jump draws from no distribution, or sets what is no finite number."""
    return (
        f"bad_rate: {channel.words} sets what is no finite number, or draws from no distribution, {where}\n"
        f"  states: {listed(names, u)}\n"
        "  help: normal(m, s) needs s >= 0, uniform(a, b) a <= b, exponential(r) r > 0"
    )


def explain_count(channel: Channel, where: str, names: Sequence[str], u: np.ndarray) -> str:
    """What happened where a jump sets a species to no number of molecules."""
    return (
        f"bad_rate: {channel.words} would leave no whole number of molecules, or less than none, {where}\n"
        f"  states: {listed(names, u)}\n"
        "  help: species take part in reactions and are counted: change them by whole numbers"
    )


def listed(names: Sequence[str], u: np.ndarray) -> str:
    """States with their names."""
    return ", ".join(f"{name} = {value:g}" for name, value in zip(names, u, strict=True))


def from_solve(
    problem: Problem, method: Any, seed: int | None, saveat: Any, dense: bool | None, max_steps: int,
    progress: bool, throw: bool, others: Mapping[str, Any],
) -> JumpSolution:  # fmt: skip
    """A path as `symde.solve` asks for it; `others` are options that differ from their defaults.

    Raises:
        ValueError: one means something to differential equations alone.
    """
    callback = others.get("callback")
    refuse_others({name: value for name, value in others.items() if name != "callback"})
    return solve_jumps(
        problem, method, seed=seed, saveat=saveat, dense=dense, callback=callback,
        max_events=limit_of(max_steps), progress=progress, throw=throw,
    )  # fmt: skip
