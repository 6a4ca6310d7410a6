"""`symde.value_and_grad` and `symde.sensitivities` of problems with noise."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symde.engine.noise import registry as noise_methods
from symde.engine.noise.session import Adaptive
from symde.noise import lanes_of, limit_of, plan_of, refuse_others, saved_times, seed_of
from symde.problem import options
from symde.problem.noise_solution import NoiseSolution, NoiseStats
from symde.problem.problem import Problem
from symde.problem.solution import SolveError
from symde.sensitivity import registry
from symde.sensitivity.fixed_jumps import moves_switches, refuse_moving_jumps
from symde.sensitivity.loss import FunctionLoss, LossValue, Part, evaluate_loss, parts_of
from symde.sensitivity.moving_jump import warn_of_jumps
from symde.sensitivity.noise_leaps import refuse_chance_leaps, refuse_met_conditions, refuse_moving_times
from symde.sensitivity.noise_paths import (
    Followed,
    PathRun,
    follow,
    follow_along,
    not_finite,
    pull_back,
    solution_of,
)
from symde.sensitivity.noise_start import refuse_vanishing_rates
from symde.sensitivity.observation import observation
from symde.sensitivity.start import Start, start_of
from symde.sensitivity.wrt import PathGradient, Wrt, wrt_of

STRATEGIES = ("forward", "discrete")
"""Those that differentiate the steps of a path."""

TWICE = "second derivatives of paths with noise are not known: take differences of gradients with one seed"

STEP = 60
"""Operations that a step takes beside what it reads of the equation, for a state and a Brownian motion."""

NUMBER = 100
"""Operations of a whole step of several paths in the time of drawing their random numbers again, for each of
one path, and of keeping the states: of ten equations and methods, from 2 to 20 states, 60 to 165."""


def value_and_grad(
    loss: Any, problem: Problem, method: Any, wrt: Any, saveat: Any, of: Any, sensealg: str, n: Any,
    seed: Any, workers: Any, dt0: Any, max_steps: Any, memory: Any, others: Mapping[str, Any],
) -> tuple[float, PathGradient]:  # fmt: skip
    """A loss of paths and its gradient; arguments as of `symde.value_and_grad`, and options that belong to
    ordinary equations where they differ from their defaults.

    Raises:
        SolveError: a path did not reach its end, or has no derivative.
        ValueError, TypeError: an option is not what it should be.
    """
    refuse_moving_span(problem)
    wanted = wrt_of(wrt, problem.system)
    _warn_of_switches(problem, wanted)
    seed, count = seed_of(seed), 1 if n is None else n
    solving = dict(
        method=method, seed=seed, n=count, dt0=dt0, max_steps=max_steps, memory=memory, workers=workers,
        **tolerances_of(others),
    )  # fmt: skip
    totals, value, names, steps, seconds, first = [], 0.0, [], 0, 0.0, 0
    for part in parts_of(loss, problem, saveat, of):
        own = part.problem
        run = path_run(own, saveat=part.loss.times(own), first=first, **solving)
        first += run.count  # other noise than that of the part before
        chosen = strategy_of(sensealg, run, wanted)
        share, derivatives, followed = _differentiated(part, run, wanted, chosen, n is not None)
        value += share
        totals.append(derivatives)
        names.append(chosen)
        steps, seconds = steps + int(followed.steps.sum()), seconds + followed.seconds
    u0, p = (functools.reduce(operator.add, parts) for parts in zip(*totals, strict=True))
    values = dict(wanted.gradient(u0, p))
    work = functools.partial(NoiseStats, steps, seconds=seconds)
    return value, PathGradient(values, ", ".join(dict.fromkeys(names)), work, seed, count)


def _warn_of_switches(problem: Problem, wanted: Wrt) -> None:
    """Tell that drift and diffusion jump where what is differentiated by decides. States that jump at times
    of their own switch them rightly."""
    if _system(problem).network is None or moves_switches(problem, wanted):
        warn_of_jumps(problem, wanted, 4, kernels=_system(problem).noise)


def path_run(
    problem: Problem,
    method: Any = None,
    *,
    saveat: Any = None,
    seed: Any = None,
    n: Any = 1,
    first: int = 0,
    dt0: Any = None,
    rtol: Any = None,
    atol: Any = None,
    max_steps: Any = options.DEFAULT_MAX_STEPS,
    memory: Any = options.DEFAULT_MEMORY,
    workers: Any = 1,
) -> PathRun:
    """Paths from one start; options as of `symde.value_and_grad`, and the number of the first path.

    Raises:
        ValueError, TypeError: an option is not what it should be.
    """
    refuse_met_conditions(problem)
    plan = plan_of(problem, method, dt0, limit_of(max_steps), rtol, atol)
    return PathRun(
        problem, plan, seed_of(seed), first, problem.u0[None], problem.p[None], options.count(n, "n"),
        saved_times(plan, problem.tspan, saveat), options.memory_bound(memory),
        options.count(workers, "workers"),
    )  # fmt: skip


def tolerances_of(
    others: Mapping[str, Any],
) -> dict[str, Any]:
    """The tolerances among options that were given.

    Raises:
        ValueError: others are given, which mean nothing here.
    """
    tolerances = {name: others[name] for name in ("rtol", "atol") if name in others}
    refuse_others({name: one for name, one in others.items() if name not in tolerances})
    return tolerances


def refuse_moving_span(problem: Problem) -> None:
    """Refuse a time span that follows the parameters.

    Raises:
        ValueError: it does.
    """
    given = problem.given_tspan
    if callable(given) or (given is None and not _system(problem).span_is_fixed):
        raise ValueError(
            "the time span follows the parameters, and the noise of another span is another one, so that "
            "paths have no derivative: give the problem tspan=(t0, t1) as numbers"
        )


def strategy_of(sensealg: Any, run: PathRun, wanted: Wrt) -> str:
    """The name of a strategy.

    Raises:
        ValueError: there is none, or it does not differentiate paths, or the method has no way back, or what
            is wanted moves jumps.
    """
    method, system = run.plan.method, _system(run.problem)
    able = dict(zip(STRATEGIES, (method.along, bool(method.back)), strict=True))
    if system.events is not None:
        if sensealg == "discrete":
            raise ValueError(
                "sensealg='discrete' goes back over the steps of a path, and not over events: use 'forward'"
            )
        able["discrete"] = False
    if system.network is not None:
        refuse_moving_jumps(run.problem, wanted)
        if system.moving_rates or isinstance(run.plan.grid, Adaptive):
            if sensealg == "discrete":
                raise ValueError(
                    "sensealg='discrete' goes back over jumps at constant rates, in steps of one size: use "
                    "'forward' where the time or states move the rates, and where steps follow the error"
                )
            able["discrete"] = False
    if sensealg == registry.AUTO and all(able.values()):
        directions = len(wanted.parameters) + len(wanted.states)
        fits = 8 * run.count * len(run.times) * run.u0.shape[1] * (directions + 1) <= run.memory
        return _cheaper(run, directions) if fits else "discrete"
    if sensealg == registry.AUTO:
        sensealg = next((name for name in reversed(STRATEGIES) if able[name]), STRATEGIES[0])
    if sensealg not in STRATEGIES:
        registry.get(sensealg)
        raise ValueError(
            f"sensealg={sensealg!r} solves equations of its own, and derivatives of paths are those of their "
            "steps: use 'forward', 'discrete' or 'auto'"
        )
    if not able[sensealg]:
        known = _others_able(sensealg, _system(run.problem).noise.kind)
        other = next((f"sensealg={name!r} or " for name in STRATEGIES if able[name]), "")
        raise ValueError(
            f"{method.name} has no derivatives by sensealg={sensealg!r}: use {other}method={known}"
        )
    return sensealg


def _others_able(sensealg: str, noise: str) -> str:
    """Names of methods for such noise that have derivatives by a strategy."""
    attribute = "along" if sensealg == "forward" else "back"
    return " or ".join(
        repr(one.name) for one in noise_methods.methods() if noise in one.noise and getattr(one, attribute)
    )


def _cheaper(run: PathRun, directions: int) -> str:
    """The strategy with fewer operations in a step: derivatives along each direction, or the path twice more
    and a way back. Paths side by side go back over kernels that are counted themselves, and what has no
    derivatives along directions there is some times slower that way."""
    system, method = _system(run.problem), run.plan.method
    if lanes_of(system, run.plan):
        push, pull, ahead = (system.noise.lane_work(kind, method) for kind in ("push", "pull", "step"))
        if pull:
            back = pull + ahead + NUMBER * system.arrays.motions * method.per_motion
            return "forward" if push and directions * push <= back else "discrete"
    step = STEP * (system.arrays.n + system.arrays.motions)
    ahead = directions * (step // 3 + sum(system.derivatives.work("along", name) for name in method.derived))
    again = (3 if isinstance(run.plan.grid, Adaptive) else 1 if lanes_of(system, run.plan) else 2) * step
    back = again + step + sum(system.derivatives.work("back", name) for name in method.derived)
    return "forward" if ahead <= back else "discrete"


def directions_of(run: PathRun, start: Start, wanted: Wrt) -> tuple[np.ndarray, np.ndarray]:
    """The changes of the initial state (k, n) and of the parameters (k, m) with each thing asked for, the
    initial values first."""
    n, m = len(run.problem.u0), len(run.problem.p)
    states, parameters = list(wanted.states), list(wanted.parameters)
    changes = start.parameters[:, parameters].T
    du0 = np.concatenate([np.eye(n)[states], (start.u0 @ changes.T).T])
    return du0, np.concatenate([np.zeros((len(states), m)), changes])


def along(run: PathRun, start: Start, wanted: Wrt) -> tuple[Followed, np.ndarray, np.ndarray]:
    """Paths with their derivatives by the initial values and by the parameters asked for, shapes
    (paths, n_times, n, ...).

    Raises:
        SolveError: a path did not reach its end, or has no derivative.
        ValueError: the method has none along directions.
    """
    strategy_of("forward", run, wanted)
    du0, dp = directions_of(run, start, wanted)
    refuse_vanishing_rates(run.problem, du0, dp)
    refuse_moving_times(run.problem, dp)
    refuse_chance_leaps(run.problem, wanted)
    found = follow_along(run, du0[None], dp[None])
    assert found.along is not None
    return found, found.along[..., : len(wanted.states)], found.along[..., len(wanted.states) :]


def _differentiated(
    part: Part, run: PathRun, wanted: Wrt, sensealg: str, ensemble: bool
) -> tuple[float, tuple[np.ndarray, np.ndarray], Followed]:
    """The share of one part in the loss, its derivatives by the common initial values and parameters, and the
    paths."""
    start = start_of(run.problem)
    n, m = len(run.problem.u0), len(run.problem.p)
    by_u0, by_p = np.zeros(n), np.zeros(m)
    states, parameters = list(wanted.states), list(wanted.parameters)
    if sensealg == "forward":
        found, du0, dp = along(run, start, wanted)
        loss = _evaluated(part, run, found.u, ensemble)
        by_u0[states] = np.tensordot(loss.states, du0, axes=3)
        by_p[parameters] = np.tensordot(loss.states, dp, axes=3)
    else:
        refuse_vanishing_rates(run.problem, *directions_of(run, start, wanted))
        found = follow(run)
        loss = _evaluated(part, run, found.u, ensemble)
        back_u0, back_p = pull_back(run, found.steps, loss.states)
        by_u0, by_p = back_u0[0], back_p[0] + (back_u0[0] @ start.u0 if start.moves else 0.0)
        by_p = by_p @ start.parameters if start.follows else by_p
        _require_finite(run, found, loss, by_u0[states], by_p[parameters])
    if loss.parameters is not None and loss.parameters.any():
        by_p = by_p + loss.parameters @ start.parameters
    system = run.problem.system
    if part.fixed_states:
        by_u0 = np.where([name in part.fixed_states for name in system.state_names], 0.0, by_u0)
    if part.fixed_parameters:
        by_p = np.where([name in part.fixed_parameters for name in system.parameter_names], 0.0, by_p)
    return loss.value, (by_u0, by_p), found


def _require_finite(run: PathRun, found: Followed, loss: LossValue, *derivatives: np.ndarray) -> None:
    if np.isfinite(loss.states).all() and not all(np.isfinite(one).all() for one in derivatives):
        raise SolveError(not_finite(), solution_of(run, found.u[0], int(found.steps[0]), found.seconds))


def _evaluated(part: Part, run: PathRun, u: np.ndarray, ensemble: bool) -> LossValue:
    """The loss of all paths, with its derivative by their states, shape (paths, n_times, n)."""
    loss, problem = part.loss, run.problem
    t, copied = run.times.copy(), u.copy()
    if isinstance(loss, FunctionLoss):
        return _of_function(loss, problem, run.times, copied, ensemble)
    if not ensemble:
        value = loss.evaluate(problem, t, copied[0])
        return LossValue(value.value, value.states[None], value.parameters)
    of_paths: Callable[..., LossValue] | None = getattr(loss, "of_paths", None)
    if of_paths is not None:
        return of_paths(problem, t, copied)
    each = [loss.evaluate(problem, t, one) for one in copied]
    own = [one.parameters for one in each if one.parameters is not None]
    return LossValue(
        sum(one.value for one in each) / len(each),
        np.stack([one.states for one in each]) / len(each),
        sum(own[1:], own[0]) / len(each) if own else None,
    )


def _of_function(
    loss: FunctionLoss, problem: Problem, t: np.ndarray, u: np.ndarray, ensemble: bool
) -> LossValue:
    """A function of the states or quantities of one path, (n_times, k), or of all, (paths, n_times, k)."""
    if loss.of is None:
        value, weights = evaluate_loss(loss.function, u if ensemble else u[0])
        return LossValue(value, weights.reshape(u.shape))
    rows = u.reshape(-1, u.shape[-1])
    observed = observation(problem.system, loss.of)(np.tile(t, len(u)), rows, problem.p)
    shape = (*u.shape[:2], len(loss.of)) if ensemble else (u.shape[1], len(loss.of))
    value, weights = evaluate_loss(loss.function, observed.values.reshape(shape), "quantities")
    states, parameters = observed.pull_back(weights.reshape(len(rows), -1))
    return LossValue(value, states.reshape(u.shape), parameters)


def sensitivities(
    problem: Problem, method: Any, wrt: Any, saveat: Any, seed: Any, dt0: Any, max_steps: Any,
    others: Mapping[str, Any],
) -> tuple[NoiseSolution, np.ndarray, np.ndarray, Wrt]:  # fmt: skip
    """A path and its derivatives at the saved times by the initial values and the parameters asked for;
    arguments as of `symde.sensitivities`."""
    refuse_moving_span(problem)
    wanted = wrt_of(wrt, problem.system)
    _warn_of_switches(problem, wanted)
    given = dict(method=method, saveat=saveat, seed=seed, dt0=dt0, max_steps=max_steps)
    run = path_run(problem, **given, **tolerances_of(others))
    found, du0, dp = along(run, start_of(problem), wanted)
    return solution_of(run, found.u[0], int(found.steps[0]), found.seconds), du0[0], dp[0], wanted


def _system(problem: Problem) -> Any:
    return problem.system
