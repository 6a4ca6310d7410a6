"""The choice of a strategy: those that can differentiate a solve do so over its first steps, and the one that
took the least time is remembered for the system, the methods, the tolerance and what is differentiated by.

No count foretells the fastest: what a column costs depends on the method and the pattern of the Jacobian, how
many steps it costs on the problem. A trial knows all of that. A strategy whose arithmetic alone would take
longer than another's whole trial is not tried: its kernels would be compiled for nothing. One that is far
behind over the very first steps is not tried over more.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.engine.choice import methods_for
from symde.engine.cpu.pullback import PullBackError
from symde.plan import with_methods
from symde.problem.problem import ended_at
from symde.problem.solution import SolveError
from symde.problem.traits import Traits
from symde.sensitivity import hybrid, registry
from symde.sensitivity.run import Run
from symde.sensitivity.strategy import Strategy
from symde.sensitivity.wrt import Wrt
from symde.sessions import borrow, give_back

FIRST_STEPS, LEAST_SECONDS = 64, 5e-2
"""A trial covers so many first steps of the solve, four or sixteen times as many and so on, until they take
this long without derivatives, or all of it. Small first steps hold few of the saved points: with 2 ms the
Brusselator with 242 states and 100 points was tried on steps without them, and took the continuous adjoint,
187 ms, where the discrete one takes 20."""

BEGINNING = 8
"""First steps over which kernels are compiled and a strategy far behind is left out. Forward sensitivities of
the Brusselator with 162 states and 324 parameters take 330 ms for the 90 steps of a trial and were run three
times; the gradient then chosen takes 7."""

HOPELESS = 3.0
"""Times the best that a strategy's runs may take for it to be timed again; its square for the first few runs,
of which one that the machine disturbed took eleven times the next."""

SECOND_CHANCE = 0.1
"""Seconds that a first run may take for the strategy to be timed again, however much faster another was: a
collection of garbage takes as long."""

FEW, AGAIN_SECONDS = 3, 4e-2
"""Trials near each other run at least this often, and for about this long; the fastest run of each counts."""

MULTIPLY_ADDS = 4e9
"""Multiplications with additions that one core does in a second, at most, on columns that lie in memory."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy's name and the methods it is to use."""

    sensealg: str
    methods: tuple[Any, ...]


@dataclass(slots=True)
class Trial:
    """A choice that is tried: what it records, and the seconds of its fastest run by now."""

    choice: Choice
    strategy: Strategy
    run: Run
    wrt: Wrt
    seconds: float = math.inf


REMEMBERED = 64
"""Choices kept for each system; the oldest give way to new ones."""

KEEPS_NOTHING = "forward"
"""The strategy that keeps nothing of the solution."""

_remembered: weakref.WeakKeyDictionary[Any, dict[Any, Choice]] = weakref.WeakKeyDictionary()


def choose(run: Run, wrt: Wrt, free: bool) -> tuple[str, Run]:
    """The fastest strategy's name, and the run it is to record.

    Args:
        run: What is to be solved.
        wrt: What is to be differentiated by.
        free: Whether the methods are a default, which gives way to another for a strategy that cannot use it.

    Raises:
        ValueError: no strategy can, with the reason of each.
    """
    if hybrid.has_events(run) and run.problem.system.kernels.invariants:
        return "forward", run  # the one that knows projections
    whole, key = run, _key(run, wrt, free)
    known = _remembered.setdefault(run.problem.system, {})
    choice = known.get(key)
    if choice is None:
        if hybrid.has_events(run):  # what has no derivative is told as it is, and what slides is known then
            run = hybrid.solve(run).run
        choice = _fastest(run, wrt, free)
        _remember(known, key, choice)
    return choice.sensealg, _with(whole, choice.methods)


def keep_nothing(run: Run, wrt: Wrt, free: bool) -> tuple[str, Run]:
    """The strategy that keeps nothing of the solution, from now on: what the others keep of it is too much.
    Arguments and result as `choose`."""
    known = _remembered.setdefault(run.problem.system, {})
    _remember(known, _key(run, wrt, free), Choice(KEEPS_NOTHING, run.plan.methods))
    return KEEPS_NOTHING, run


def _key(run: Run, wrt: Wrt, free: bool) -> tuple[Any, ...]:
    """What a choice holds for."""
    plan = run.plan
    decade = math.floor(math.log10(plan.rtol)) if plan.rtol else -math.inf
    many = 0 if run.times is None else len(run.times).bit_length()
    return plan.methods, plan.linear_solver, free, decade, many, wrt.parameters, wrt.states


def _remember(known: dict[Any, Choice], key: tuple[Any, ...], choice: Choice) -> None:
    for oldest in list(known)[: 1 - REMEMBERED]:
        known.pop(oldest, None)
    known[key] = choice


def _with(run: Run, methods: tuple[Any, ...]) -> Run:
    if methods == run.plan.methods:
        return run
    return replace(run, plan=with_methods(run.plan, run.problem.system, methods))


def _fastest(run: Run, wrt: Wrt, free: bool) -> Choice:
    first, evaluations = first_steps(run)
    beginning, _ = _first(run, BEGINNING, 0.0)
    trials: list[Trial] = []
    least = math.inf
    refusals: dict[str, None] = {}
    for name in registry.AUTOMATIC:
        strategy = registry.get(name, hybrid.has_events(run))
        best = min((trial.seconds for trial in trials), default=math.inf)
        work = getattr(strategy, "least_work", None)
        if work is not None and work(run, wrt) * evaluations / MULTIPLY_ADDS > best:
            continue
        for methods in _methods(run, free):
            begun = Trial(Choice(name, methods), strategy, _with(beginning, methods), wrt)
            try:
                _gradient(begun)  # compiles
                if not _far_behind(begun, least):
                    trial = replace(begun, run=_with(first, methods))
                    trial.seconds = _gradient(trial)
                    trials.append(trial)
                    least = min(least, begun.seconds)
            except ValueError as error:
                refusals[f"{name}: {error}"] = None
                continue
            break
    if not trials:
        raise ValueError("no strategy can differentiate this solve. " + "; ".join(refusals))
    return _shortest(trials).choice


def _far_behind(trial: Trial, least: float) -> bool:
    """Whether two runs in a row take far longer than the least that another strategy took."""
    for _ in range(2):
        trial.seconds = min(trial.seconds, _gradient(trial))
        if not trial.seconds > HOPELESS**2 * least:
            return False
    return True


def _shortest(trials: list[Trial]) -> Trial:
    """The fastest of trials that have run once: they run again in turns, those far behind no more than a few
    times."""
    spent, rounds = 0.0, 1
    while True:
        best = min(trials, key=lambda trial: trial.seconds)
        near = HOPELESS if rounds >= FEW or best.seconds > AGAIN_SECONDS else HOPELESS**2
        least = SECOND_CHANCE if rounds == 1 else 0.0
        trials = [trial for trial in trials if trial.seconds <= max(near * best.seconds, least)]
        if len(trials) == 1 or spent > AGAIN_SECONDS and rounds >= FEW or best.seconds == math.inf:
            return best
        for trial in trials:
            seconds = _gradient(trial)
            trial.seconds = min(trial.seconds, seconds)
            spent += seconds
        rounds += 1


def _methods(run: Run, free: bool) -> Iterator[tuple[Any, ...]]:
    """The methods asked for; where they are a default, those of a small model too, which more strategies
    take."""
    yield run.plan.methods
    if free:
        others = methods_for(None, run.plan.rtol, Traits(1, mass=run.problem.system.kernels.mass))
        if others != run.plan.methods:
            yield others


def first_steps(run: Run) -> tuple[Run, int]:
    """The first steps of a run, and how often they evaluate the right-hand side."""
    return _first(run, FIRST_STEPS, LEAST_SECONDS)


def _first(run: Run, steps: int, least: float) -> tuple[Run, int]:
    """So many first steps of a run, or four times as many and so on until they take the least seconds; and
    their evaluations."""
    problem, plan = run.problem, run.plan
    t0, t1 = problem.tspan
    session = borrow(problem.system, plan)
    try:
        seconds, reached = -1.0, t0
        while seconds < least and reached != t1:
            session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, run.atol
            session.begin(
                t0, t1, rtol=plan.rtol, saveat=None, save_steps=False, dense=False, dt0=plan.dt0,
                dtmax=plan.dtmax or abs(t1 - t0), max_steps=min(steps, plan.max_steps),
            )  # fmt: skip
            passed = stopwatch()
            session.run()
            seconds, reached = passed(), session.state.t
            if steps >= plan.max_steps:
                break
            steps *= 4
        evaluations = session.counters().evaluations
    finally:
        give_back(plan, session)
    if reached in (t0, t1):
        return run, evaluations
    times = run.times
    if times is not None:
        times = np.append(times[(times - reached) * (t1 - t0) < 0.0], reached)
    return replace(run, problem=ended_at(problem, reached), times=times), evaluations


def _gradient(trial: Trial) -> float:
    """Seconds of a gradient; infinite where the solve fails, which the solve itself is to tell the user."""
    passed = stopwatch()
    try:
        record = trial.strategy.record(trial.run, trial.wrt)
        record.pull_back(np.ones_like(record.solution.u))
    except (SolveError, PullBackError):
        return math.inf
    return passed()


def stopwatch() -> Callable[[], float]:
    """Tells the seconds since this call without those in which another process had the core.

    On two busy cores gradients of 0.4 ms took 57 to 77 ms of the clock on the wall in every second trial.
    What several threads do together counts as the wall's time, and so does what is too short for a coarse
    clock of the process.
    """
    wall, process = time.perf_counter(), time.process_time()

    def passed() -> float:
        on_wall, in_process = time.perf_counter() - wall, time.process_time() - process
        return min(on_wall, in_process) if in_process > 0.0 else on_wall

    return passed
