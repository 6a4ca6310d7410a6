"""Solves of stochastic differential equations: a path, from the problem, a step size and a seed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.call_events import with_call_events
from symde.engine.cpu.jump_layout import JumpStatus
from symde.engine.cpu.layout import Status
from symde.engine.noise.between import Between
from symde.engine.noise.grid import equal_steps
from symde.engine.noise.lanes import LaneSession
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.registry import method_for
from symde.engine.noise.session import Adaptive, Grid, NoiseSession
from symde.jumps import MORE_JUMPS, explain_mark, whole
from symde.noise_log import ended_by, explain_events, happened_in, raise_of_events, with_limits
from symde.noise_system import NoiseSystem
from symde.problem import options
from symde.problem.noise_solution import Lines, NoiseSolution
from symde.problem.problem import Problem, expected_problem
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

KEPT = 4
"""Sessions kept for each equation and method."""

RETCODES = {
    Status.DONE: Retcode.SUCCESS,
    Status.TERMINATED: Retcode.TERMINATED,
    Status.ZENO: Retcode.ZENO,
    Status.CHATTERING: Retcode.CHATTERING,
    Status.NON_FINITE: Retcode.NON_FINITE,
    Status.MAX_STEPS: Retcode.MAX_STEPS,
    Status.STEP_TOO_SMALL: Retcode.STEP_TOO_SMALL,
    Status.DIVERGED: Retcode.DIVERGED,
    Status.BAD_RATE: Retcode.BAD_RATE,
}

TOLERANCE = 0.01
"""Of a step, where only one tolerance is given: what paths are usually wanted to."""

UNLIMITED = 2**53
"""Limit on steps where none is given."""

POINTS = 101
"""Times that are saved of adaptive steps where none are asked for."""


@dataclass(frozen=True, slots=True)
class NoisePlan:
    """A method and its steps, checked."""

    method: NoiseMethod
    grid: Grid | Adaptive

    @property
    def methods(self) -> tuple[NoiseMethod]:
        """The method, as plans of other solves tell theirs."""
        return (self.method,)


def plan_of(
    problem: Problem, method: Any, dt0: Any, max_steps: int, rtol: Any = None, atol: Any = None
) -> NoisePlan:
    """How the paths of a problem are followed.

    Raises:
        ValueError, TypeError: an option is not what it should be, or the method is not for such noise.
    """
    system, (t0, t1) = expected_problem(problem).system, problem.tspan
    if not isinstance(system, NoiseSystem):
        raise ValueError(
            "this follows paths of equations with noise: give it symde.Problem(model, kind='sde')"
        )
    adaptive = rtol is not None or atol is not None
    chosen = chosen_method(system, method, adaptive)
    if t1 < t0:
        raise ValueError(f"noise comes as time goes on, and the span is {t0:g} to {t1:g}")
    step = options.step_size(dt0, "dt0")
    if adaptive:
        known = system.cuts, system.state_names, system.nominal
        leaping = system.leaps and max_steps >= UNLIMITED
        most = options.DEFAULT_MAX_STEPS if leaping else max_steps
        return NoisePlan(chosen, adaptive_steps(chosen, *known, (t0, t1), step, most, rtol, atol))
    grid = equal_steps(t0, t1, step, max_steps, chosen, halved=bool(system.cut))
    limit = max_steps if max_steps < UNLIMITED else grid.steps + options.DEFAULT_MAX_STEPS
    return NoisePlan(chosen, replace(grid, limit=limit))


def chosen_method(system: NoiseSystem, method: Any, adaptive: bool) -> NoiseMethod:
    """The method asked for, or the one for the noise of a model and for steps that follow the error or not.

    Raises:
        ValueError, TypeError: it is none, or not for such noise.
    """
    chosen = method_for(method, system.noise.kind, not system.cuts, system.cut, adaptive)
    if chosen.smooth and system.cuts:
        raise ValueError(
            f"{system.cuts[0]}, and {chosen.name} follows Stratonovich's equation, whose drift supposes "
            "coefficients with derivatives: its paths come to a wrong limit there; use 'EulerMaruyama', or "
            "give no method"
        )
    return chosen


def adaptive_steps(
    method: NoiseMethod, cuts: tuple[str, ...], names: tuple[str, ...], nominal: np.ndarray | None,
    span: tuple[float, float], step: float | None, max_steps: int, rtol: Any, atol: Any,
) -> Adaptive:  # fmt: skip
    """Steps that follow the error.

    Args:
        method: Whose steps.
        cuts: Where coefficients are not smooth, in words.
        names, nominal: Of the states, and the scales of their tolerances; None: all 1.
        span: From where to where.
        step: The first that is tried; None: a thousandth of the span.
        max_steps: Limit on the steps.
        rtol, atol: Tolerances; None: 0.01.

    Raises:
        ValueError: there is no estimate of the error, with which the steps would come to the right limit; or
            coefficients are not smooth, as the estimate supposes them to be.
    """
    if not method.adaptive:
        raise ValueError(
            f"{method.name} does not estimate its error: leave out method for one that does, or give dt0=... "
            "and no tolerances"
        )
    if cuts and not method.previsible:  # they would come to means that are wrong by some per cent
        raise ValueError(
            f"{cuts[0]}, and {method.name} rejects steps when their noise is known, which changes "
            "their mean where coefficients are not smooth: use 'EulerMaruyama', or give dt0=... and no "
            "tolerances"
        )
    rtol = options.relative_tolerance(TOLERANCE if rtol is None else rtol)
    given = options.absolute_tolerance(TOLERANCE if atol is None else atol, names, nominal, rtol)
    length = span[1] - span[0]
    first = length / 1000 if step is None else min(step, length)
    return Adaptive(*span, first, rtol, np.full(len(names), given, float), min(max_steps, UNLIMITED))


def solve_noise(
    problem: Problem,
    method: str | NoiseMethod | None = None,
    *,
    dt0: float | None = None,
    rtol: float | None = None,
    atol: Any = None,
    seed: int | None = None,
    trajectory: int = 0,
    saveat: Any = None,
    dense: bool | None = None,
    max_steps: int = UNLIMITED,
    throw: bool = True,
) -> NoiseSolution:
    """A path of a stochastic differential equation, with its jumps or events where the model has such.

    Its random numbers follow from the seed, the number of the path and that of the step (Philox; J. Salmon
    and others 2011); those of steps that follow the error are of a virtual Brownian tree (A. Jelincic,
    J. Foster, P. Kidger 2024). The sources of methods stand in their files.

    Args:
        problem: Of kind "sde".
        method: A name or method object of `symde.engine.noise`; default: by the kind of the noise and of the
            steps (`symde.engine.noise.registry.method_for`).
        dt0: Step size; where the span is no multiple of it, the largest smaller one of which it is. Where
            states or the time decide when a path jumps or meets an event: the span over a power of 2.
        rtol, atol: Tolerances of steps that follow the error, of methods that estimate it; dt0 is then the
            first step. The one that is not given is 0.01. Steps end at the times to save.
        seed: An integer of up to 64 bits; None draws one, which the solution tells.
        trajectory: Which of the independent paths of that seed.
        saveat: Times to save; None: every step, or 101 times of adaptive ones. Between steps of one size the
            path is a straight line.
        dense: Offer the path between the times that are saved, by default where it can be: of steps of one
            size without `saveat`, and of steps that follow the error, which are then taken again; the latter
            not of paths that jump or have events.
        max_steps: Limit on the steps, with those that jumps or events end. Where it is not given these are a
            million at most, beside a grid's own: rates that grow by jumps may come to infinitely many.
        throw: As in `symde.solve`.

    Returns:
        The path at the saved times, u of shape (n_times, n), and, where it is known, between them; with every
        step of one size saved, both limits at jumps and events, which `events` lists. Its `seed` and
        `trajectory` give it again, to the last bit.

    Raises:
        SolveError: the path is not finite, a stage of an implicit method has no solution, a rate of jumps is
            negative, steps become too small or too many, or events are without end.
        ValueError, TypeError: an option is not what it should be, or the method is not for such noise.
    """
    plan = plan_of(problem, method, dt0, max_steps, rtol, atol)
    system: Any = problem.system
    dense = dense if dense is None else options.truth(dense, "dense")
    if dense and system.leaps and isinstance(plan.grid, Adaptive):
        raise ValueError(
            "between the times that are saved, steps that follow the error are taken again, and "
            f"{'jumps' if system.network is not None else 'events'} are not: leave out dense and give the "
            "times in saveat, or give dt0 and no tolerances"
        )
    if dense and saveat is not None and isinstance(plan.grid, Grid):
        raise ValueError("the path between steps is kept where every step is saved: leave out saveat")
    seed = seed_of(seed)
    trajectory = whole(trajectory, "trajectory")
    times = saved_times(plan, problem.tspan, saveat)
    every_step = saveat is None and isinstance(plan.grid, Grid)
    out = np.empty((1, len(times), len(problem.u0)))
    started = time.perf_counter()
    session = borrow(system, plan)
    codes, ends, taken = session.run(
        plan.grid, problem.u0[None], problem.p[None], seed, trajectory, times, out, log=True
    )
    raise_of_events(session, codes)
    retcode = RETCODES[Status(codes[0])]
    happened = happened_in(system, session)
    seconds = time.perf_counter() - started
    t, u = times, out[0]
    message = ""
    if int(codes[0]) != Status.DONE:
        reached = ~np.isnan(u).any(axis=1)
        t, u = t[reached], u[reached]
    if retcode in (Retcode.ZENO, Retcode.CHATTERING):
        message = explain_events(retcode, ended_by(session), float(ends[0]))
    elif retcode is Retcode.BAD_RATE:
        message = _explained_rate(system, session, float(ends[0]), len(happened))
    elif not retcode.success:
        message = explained(retcode, float(ends[0]), system.network is not None)
    give_back(system, session)  # now that what it tells of the path is known: other threads may take it
    if every_step and happened and isinstance(plan.grid, Grid):
        t, u = with_limits(t, u, happened, plan.grid.h)
    between: Any = None
    if isinstance(plan.grid, Adaptive):
        if dense is not False and not system.leaps:
            between = Between(problem, plan.method, plan.grid, seed, trajectory, t, u)
    elif every_step and dense is not False and len(t) > 1:
        between = Lines(t, u)
    jumps = 0 if system.network is None else len(happened)
    counts = {"steps": int(taken[0]), "jumps": jumps}
    solution = NoiseSolution(
        problem, t, u, retcode, between, counts, seconds, (plan.method,), message, seed, trajectory, happened
    )
    if throw and not retcode.success:
        raise SolveError(message, solution)
    return solution


def _explained_rate(system: NoiseSystem, session: NoiseSession | LaneSession, t: float, jumps: int) -> str:
    """What happened to a path whose jumps cannot be."""
    assert isinstance(session, NoiseSession)
    assert session.jumps is not None and system.network is not None
    why, j, rate = session.jumps.failure
    channel, where = system.network.channels[j], f"at t = {t:.6g}, after {jumps} jumps"
    if why == JumpStatus.MARK:
        return explain_mark(channel, where, system.state_names, session.u[: len(system.state_names)])
    return (
        f"bad_rate: the rate of {channel.words} is {rate:g}, {where}\n"
        "  help: a rate must be finite and not negative for all states that are reached: `max(0, ...)` cuts "
        "it off, and so does `dom x >= 0`"
    )


def seed_of(given: Any) -> int:
    """A seed of up to 64 bits; a new one where none is given.

    Raises:
        ValueError, TypeError: it is none.
    """
    return secrets.randbits(63) if given is None else whole(given, "seed")


def saved_times(plan: NoisePlan, span: tuple[float, float], saveat: Any) -> np.ndarray:
    """The times to save.

    Raises:
        ValueError, TypeError: `saveat` is not what it should be, or the steps are too many to save each.
    """
    times = options.save_times(saveat, *span)
    if times is not None:
        return np.ascontiguousarray(times)
    if isinstance(plan.grid, Adaptive):
        return np.linspace(*span, POINTS)
    if plan.grid.steps > options.MOST_POINTS:
        raise ValueError(f"each of {plan.grid.steps:.6g} steps would be saved: give the times in saveat")
    times = plan.grid.t0 + plan.grid.h * np.arange(plan.grid.steps + 1)
    times[-1] = span[1]
    return times


def explained(retcode: Retcode, t: float, jumps: bool = False) -> str:
    """What happened to a path, which may have jumps, that did not reach its end."""
    if jumps and retcode is Retcode.MAX_STEPS:
        return f"{retcode.word}: {retcode.sentence}, at t = {t:.6g}\n  help: {MORE_JUMPS}"
    if jumps and retcode is Retcode.BAD_RATE:
        return (
            "bad_rate: a rate is negative or not finite, or a jump draws from no distribution or sets what "
            f"is no finite number, at t = {t:.6g}\n"
            "  help: follow this path alone, by symde.noise.solve_noise(problem, seed=..., trajectory=...), "
            "which names the jump"
        )
    if retcode is Retcode.MAX_STEPS:
        help_ = "raise max_steps, which counts steps that events end too, loosen rtol and atol, or give dt0"
        return f"{retcode.word}: {retcode.sentence}, at t = {t:.6g}\n  help: {help_}"
    if retcode in (Retcode.DIVERGED, Retcode.ZENO, Retcode.CHATTERING):
        return f"{retcode.word}: {retcode.sentence}, at t = {t:.6g}\n  help: {retcode.remedy}"
    if retcode is Retcode.BAD_RATE:
        return f"bad_rate: {retcode.sentence}, at t = {t:.6g}\n  help: {retcode.remedy}"
    if retcode is not Retcode.NON_FINITE:
        return (
            f"{retcode.word}: {retcode.sentence}, at t = {t:.6g}\n  help: loosen rtol and atol, or give dt0"
        )
    return (
        f"non_finite: the path is not finite, in the step from t = {t:.6g}\n"
        "  help: take smaller steps (dt0), or keep states where the equations hold by `dom x >= 0`"
    )


def lanes_of(system: Any, plan: NoisePlan, kind: str = "step") -> int:
    """Address of a whole step for several paths side by side, or of a derivative of it
    (`NoiseSystem.side_by_side`); 0 where this goes path by path."""
    return system.side_by_side(kind, plan.method) if isinstance(plan.grid, Grid) else 0


def session_for(system: Any, plan: NoisePlan) -> NoiseSession | LaneSession:
    """What follows paths of a plan. Whether it does so side by side is a matter of the equation, the method
    and the kind of steps, so that a path is the same alone and beside others."""
    kernel = lanes_of(system, plan)
    if kernel:
        return LaneSession(system.arrays, plan.method, kernel, len(system.parameter_names))
    return NoiseSession(system.arrays, plan.method)


def borrow(system: Any, plan: NoisePlan) -> NoiseSession | LaneSession:
    """A session that no one else uses."""
    kept = system.sessions.setdefault((plan.method, lanes_of(system, plan) != 0), [])
    try:
        return kept.pop()
    except IndexError:
        return session_for(system, plan)


def give_back(system: Any, session: NoiseSession | LaneSession) -> None:
    """Keep a session for other solves."""
    kept = system.sessions[session.method, isinstance(session, LaneSession)]
    if len(kept) < KEPT:
        kept.append(session)


def from_solve(
    problem: Problem, method: Any, seed: int | None, saveat: Any, dense: bool | None, max_steps: int,
    progress: bool, throw: bool, others: Mapping[str, Any],
) -> NoiseSolution:  # fmt: skip
    """A path as `symde.solve` asks for it; `others` are options that differ from their defaults.

    Raises:
        ValueError: one means something to ordinary equations alone.
    """
    own = {name: others[name] for name in ("dt0", "rtol", "atol") if name in others}
    refuse_others({name: one for name, one in others.items() if name not in (*own, "events")})
    if "events" in others:
        problem = with_call_events(problem, others["events"])
    if progress:
        raise ValueError("progress is shown of ensembles, not of one path with noise: leave it out")
    return solve_noise(
        problem, method, **own, seed=seed, saveat=saveat, dense=dense,
        max_steps=limit_of(max_steps), throw=throw,
    )  # fmt: skip


def refuse_others(others: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing here.

    Raises:
        ValueError: there are any.
    """
    for name, value in others.items():
        raise ValueError(
            f"{name}={value!r} belongs to ordinary differential equations, and this one has noise"
        )


def limit_of(max_steps: int) -> int:
    """The limit on steps: none where it was not given."""
    return UNLIMITED if max_steps == options.DEFAULT_MAX_STEPS else options.step_limit(max_steps)
