"""Ensembles: many members of one problem, with parameters and initial values of their own."""

from __future__ import annotations

import dataclasses
import importlib
import time
import warnings
from collections.abc import Mapping
from typing import Any, Never

import numpy as np

from symde.backends import DEFAULT
from symde.call_events import with_call_events
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.batch import Members, Outcome
from symde.ensemble import other_engine
from symde.ensemble.failure import retcodes_of, succeeded
from symde.ensemble.member import member_problem, member_solution
from symde.ensemble.members import Starts, starts_of
from symde.ensemble.reductions import Fold, Moments, Quantiles, Wanted, wanted_of
from symde.ensemble.result import Ensemble, Kept, observables
from symde.ensemble.work import Work, processors
from symde.lowering import solved_system
from symde.members.lanes import NONE, lanes_for
from symde.members.loops import hosted
from symde.plan import plan_for
from symde.problem import options
from symde.problem.problem import Problem
from symde.problem.values import tolerances_by_name

POINTS = 101
"""Times that are saved where none are asked for, evenly spaced."""


class EnsembleWarning(RuntimeWarning):
    """Some members did not reach the end of their span."""


def ensemble(
    problem: Problem,
    method: Any = None,
    *,
    n: int | None = None,
    p: Any = None,
    u0: Any = None,
    seed: int | None = None,
    saveat: Any = None,
    reduce: Any = None,
    events: Any = None,
    rtol: float = options.DEFAULT_RTOL,
    atol: Any = options.DEFAULT_ATOL,
    dt0: float | None = None,
    dtmax: float | None = None,
    max_steps: int = options.DEFAULT_MAX_STEPS,
    linear_solver: str = linear_solvers.AUTO,
    backend: str | None = None,
    lanes: bool = True,
    workers: int | None = 1,
    progress: bool = False,
    **unknown: Never,
) -> Ensemble:
    """Solve a problem for many parameters and initial values.

    Args:
        problem: What to solve; values that are not given below are its own, or follow them.
        method: As in `symde.solve`.
        n: How many members. Default: as many as the values below tell of.
        p: The members' parameters: a mapping from names to numbers (of all members) or arrays of shape (n,);
            an array of shape (n, m); a sequence in the model's order of numbers and arrays; or a function of
            (index, rng) that gives one member's, by order or by name. Arrays of parameters, such as `w[i,j]`,
            take values of shape (n, rows, columns) by the name `w`.
        u0: The members' initial states, likewise.
        seed: Of the generators `rng`, a whole number: what member i draws depends on the seed and on i alone.
            Default: a new one, kept as `Ensemble.seed`. Of equations with noise and of processes with jumps
            also that of their random numbers: member i is the path that `symde.noise.solve_noise`,
            `symde.jumps.solve_jumps` or `symde.piecewise.solve_piecewise` follows with trajectory=i. A
            generator is the member's until the function returns.
        saveat: Times to save, as in `symde.solve`. Default: 101 evenly spaced ones. Between steps of one
            size paths with noise are straight lines.
        reduce: Keep statistics and no paths: "mean", "var" or "quantiles" at the saved times, a function of
            (state, member) that is called with each member's `Solution` in order (first with None) and gives
            the next state, or several of these.
        events: Events of all members beside the model's own, as in `symde.solve`; refused beside jumps
            without noise.
        rtol, atol, dt0, dtmax, max_steps, linear_solver: As in `symde.solve`.
        backend: "cpu" (default), or "torch": the batched engine, which solves members side by side where the
            weights of the modules are that the model calls; methods as in `symde.solve` by that engine. Paths
            are followed by the first alone.
        lanes: Solve members side by side in vector registers, where the method and the model have steps
            for that (`symde.members.lanes`): the members are then those of single solves up to rounding, and
            without a method up to the tolerance. False: to the last bit. Paths, which are that in any case,
            do not ask.
        workers: Threads, None as many as there are processors; the result is the same to the last bit for any
            number of them.
        progress: Show a bar (needs tqdm).

    Returns:
        The members' solutions, `u` of shape (n, n_times, n_states); what a member's is depends on its own
        numbers alone, and a path on its number and the seed. `happened[i]` has the events of member i.

    Warns:
        EnsembleWarning: members failed; once, however many. `Ensemble.failures` tells of each.

    Raises:
        ValueError, TypeError: an option or a value is not what it should be, or nothing tells n.
        ImportError: progress=True without tqdm.
    """
    if unknown:
        options.refuse_unknown(unknown, ensemble)
    if not isinstance(problem, Problem):
        raise TypeError(
            f"ensemble takes a symde.Problem, found {type(problem).__name__}: write symde.Problem(model, ...)"
        )
    if events is not None:
        problem = with_call_events(_without_counting(problem), events)
    threads = processors() if workers is None else options.count(workers, "workers")
    wanted = wanted_of(reduce)
    t0, t1 = problem.tspan
    times = np.linspace(t0, t1, POINTS) if saveat is None else options.save_times(saveat, t0, t1)
    assert times is not None
    paths = problem.kind in ("jump", "sde")
    if paths:  # of their random numbers, and of what is drawn beside them
        seed = importlib.import_module("symde.noise").seed_of(seed)
    starts = starts_of(problem, n, p, u0, seed if not paths or callable(p) or callable(u0) else None)
    members = Members(starts.u0, starts.p, np.array([[t0, t1]]), np.ascontiguousarray(times)[None], starts.n)
    solving = {
        "rtol": rtol, "atol": atol, "dt0": dt0, "dtmax": dtmax, "max_steps": max_steps,
        "linear_solver": linear_solver,
    }  # fmt: skip
    if backend not in (None, DEFAULT):
        work = other_engine.work_of(problem, backend, method, members, solving, lanes, threads)
    elif paths:
        work = _work_of_paths(problem, method, members, seed, solving)
        starts = dataclasses.replace(starts, seed=seed)
    else:
        work = _work(problem, method, members, solving, options.truth(lanes, "lanes"))
    began = time.perf_counter()
    if wanted is None:
        outcome = Outcome.empty(starts.n, len(times), len(problem.u0))
        failures = work.solve(outcome, lambda block, part: None, threads, progress)
        u, codes, counters, kept, events = outcome.u, outcome.codes, outcome.counters, None, outcome.events
    else:
        reducing = _Reducing(work, starts, wanted)
        failures = work.solve(None, reducing.take, threads, progress)
        u, codes, counters, kept, events = None, reducing.codes, reducing.counters, reducing.kept(), None
    seconds = time.perf_counter() - began
    if failures:
        warnings.warn(
            f"{len(failures)} of {starts.n} members failed (see `failures`); member {failures[0].index}: "
            f"{failures[0].message}",
            EnsembleWarning,
            stacklevel=2,
        )
    return Ensemble(
        problem, times, u, starts.p, starts.u0, retcodes_of(codes), tuple(failures), counters, seconds,
        starts.seed, tuple(dict.fromkeys((*work.lanes.methods, *work.plan.methods))), kept, events,
    )  # fmt: skip


def _without_counting(problem: Problem) -> Problem:
    """The same problem.

    Raises:
        ValueError: it is a process with jumps and no noise.
    """
    if problem.kind == "jump":
        raise ValueError(
            "events beside jumps are statements of the model: write `when ...` in its text, and leave out "
            "events="
        )
    return problem


def _work(problem: Problem, method: Any, members: Members, solving: Mapping[str, Any], lanes: bool) -> Work:
    """The work of an ensemble by the compiled engine; arguments as of `ensemble`."""
    system, atol = problem.system.solved or solved_system(problem.system), solving["atol"]
    steps = (solving[name] for name in ("rtol", "dt0", "dtmax", "max_steps", "linear_solver"))
    plan = plan_for(system, method, *steps, None)
    tolerance = options.absolute_tolerance(
        atol if type(atol) is float else tolerances_by_name(atol, system),
        system.state_names,
        system.nominal,
        plan.rtol,
    )
    whole = hosted(system, plan)
    choice = lanes_for(system, plan) if lanes and not whole else NONE
    return Work(problem, system, plan, atol, tolerance, members, choice, whole)


def _work_of_paths(
    problem: Problem, method: Any, members: Members, seed: Any, solving: Mapping[str, Any]
) -> Work:
    """The same where members are paths of a random process."""
    system: Any = problem.system
    others = options.changed({name: one for name, one in solving.items() if name != "max_steps"}, ensemble)
    work_of = importlib.import_module(system.members).work_of
    return work_of(problem, method, solving["max_steps"], members, seed, others)


class _Reducing:
    """Takes blocks of members into reductions."""

    def __init__(self, work: Work, starts: Starts, wanted: Wanted) -> None:
        self.work, self.starts = work, starts
        system, members = work.problem.system, work.members
        self.times = members.times[0]
        statistics = wanted.moments or wanted.quantiles
        observed = [name for name in system.observable_names if name not in system.past_observables]
        self.names = (*system.state_names, *observed) if statistics else ()
        shape = len(self.times), len(self.names)
        self.moments = Moments(shape) if wanted.moments else None
        self.quantiles = Quantiles(shape) if wanted.quantiles else None
        self.fold = None if wanted.function is None else Fold(wanted.function)
        empty = Outcome.empty(members.count, 0, 0)
        self.codes, self.counters = empty.codes, empty.counters

    def take(self, block: range, part: Outcome) -> None:
        """Take a block in."""
        self.codes[block.start : block.stop] = part.codes
        self.counters[block.start : block.stop] = part.counters
        good = succeeded(part.codes)
        if self.names:
            values = self._quantities(block, part)[good]
            for reduction in (self.moments, self.quantiles):
                if reduction is not None:
                    reduction.add(values)
        if self.fold is not None:
            for row, member in enumerate(block):
                if good[row]:
                    self.fold.take(self._member(part, row, member))

    def _quantities(self, block: range, part: Outcome) -> np.ndarray:
        """States and observed quantities, shape (members, n_times, n_quantities)."""
        if len(self.names) == part.u.shape[2]:
            return part.u
        p = self.starts.p[block.start : block.stop]
        system = self.work.problem.system
        kept = [system.observable_names.index(name) for name in self.names[part.u.shape[2] :]]
        found = observables(self.work.problem, self.times, part.u, p)[:, :, kept]
        return np.concatenate([part.u, found], axis=2)

    def _member(self, part: Outcome, row: int, member: int) -> Any:
        starts, (retcode,) = self.starts, retcodes_of(part.codes[row : row + 1])
        problem = member_problem(self.work.problem, starts.u0[member], starts.p[member])
        methods = self.work.plan.methods
        return member_solution(
            problem,
            self.times,
            part.u[row],
            retcode,
            part.counters[row],
            methods,
            events=part.events[row],
        )

    def kept(self) -> Kept:
        """What is left of all members."""
        return Kept(self.names, self.moments, self.quantiles, None if self.fold is None else self.fold.state)
