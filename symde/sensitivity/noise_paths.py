"""Paths with noise and their derivatives: by many directions beside the path, or back from weights.

For a seed, the number of the path and its steps a path is a function of its initial state and the parameters,
and this is differentiated, exactly. The sizes of steps are constants of the differentiation, and the noise is
the same: a path and its derivatives belong to one seed.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.noise.back import BackSession
from symde.engine.noise.lanes import LaneSession
from symde.engine.noise.lanes_back import LaneBackSession
from symde.engine.noise.session import Adaptive, NoiseSession
from symde.noise import KEPT, RETCODES, NoisePlan, explained, lanes_of, session_for
from symde.problem import options
from symde.problem.noise_solution import NoiseSolution
from symde.problem.problem import Problem
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

SMALLEST, LARGEST, BLOCKS = 32, 1024, 32
"""Least and most paths of a block, and how many blocks there are between: these depend on the number of paths
alone, and their results are added in order, so that threads change nothing."""

NOTE = 16
"""Bytes that are kept of a step of a path that jumps."""

TOGETHER = 32
"""Directions that are followed at once at most."""


@dataclass(frozen=True, slots=True, eq=False)
class PathRun:
    """Paths to follow.

    Attributes:
        problem: Of kind "sde".
        plan: Method and steps.
        seed, first: The random numbers: the paths are those of the seed from `first` on.
        u0, p: Where they start, shapes (paths, n) and (paths, m), or one row for all.
        count: How many there are.
        times: Times to save, shape (n_times,).
        memory: Bytes that the states of paths may take on the way back.
        workers: Threads.
    """

    problem: Problem
    plan: NoisePlan
    seed: int
    first: int
    u0: np.ndarray
    p: np.ndarray
    count: int
    times: np.ndarray
    memory: int = options.DEFAULT_MEMORY
    workers: int = 1

    def rows(self, block: range) -> tuple[np.ndarray, np.ndarray]:
        """Initial states and parameters of some paths."""
        some = slice(block.start, block.stop)
        return self.u0 if len(self.u0) == 1 else self.u0[some], self.p if len(self.p) == 1 else self.p[some]


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Paths that reached their ends.

    Attributes:
        u: Saved states, shape (paths, n_times, n).
        steps: Of each path.
        seconds: Wall time.
        along: Derivatives of the saved states, shape (paths, n_times, n, directions).
    """

    u: np.ndarray
    steps: np.ndarray
    seconds: float
    along: np.ndarray | None = None


def follow(run: PathRun) -> Followed:
    """The paths alone.

    Raises:
        SolveError: a path did not reach its end.
    """
    return _follow(run, 0, lambda block: (run.rows(block)[0], None))


def follow_along(run: PathRun, du0: np.ndarray, dp: np.ndarray) -> Followed:
    """The paths and their derivatives.

    Args:
        du0, dp: Directions of the initial state and of the parameters, shapes (1, directions, n) and
            (1, directions, m), or (paths, directions, ...).

    Raises:
        SolveError: a path did not reach its end, or is not finite in its derivatives.
    """
    directions = du0.shape[1]
    found: list[np.ndarray] = []
    result: Followed | None = None
    for first in range(0, directions, TOGETHER):
        part = slice(first, min(first + TOGETHER, directions))

        def start(block: range, part: slice = part) -> tuple[np.ndarray, np.ndarray]:
            u0, some = run.rows(block)[0], slice(block.start, block.stop)
            own = du0[:, part] if len(du0) == 1 else du0[some, part]
            changes = dp[:, part] if len(dp) == 1 else dp[some, part]
            count = max(len(u0), len(own))
            rows = [np.broadcast_to(one, (count, one.shape[1])) for one in (u0, own.reshape(len(own), -1))]
            return np.concatenate(rows, axis=1), changes

        result = _follow(run, part.stop - part.start, start)
        assert result.along is not None
        found.append(result.along)
    if result is None:
        result = follow(run)
        return Followed(result.u, result.steps, result.seconds, np.empty((*result.u.shape, 0)))
    along = found[0] if len(found) == 1 else np.concatenate(found, axis=3)
    if lanes(run, "step") and not lanes(run, "push"):
        # steps one by one round otherwise: the path is that of solves
        result = dataclasses.replace(path := follow(run), seconds=path.seconds + result.seconds)
    _require_finite(run, result.u, along)
    return Followed(result.u, result.steps, result.seconds, along)


def pull_back(
    run: PathRun, steps: np.ndarray, weights: np.ndarray, apart: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of sum(weights * u) by the initial state and by the parameters, with no more.

    Args:
        run: Paths that reach their ends.
        steps: Of each path.
        weights: Shape (paths, n_times, n).
        apart: Whether each path has its own, shapes (paths, n) and (paths, m), or they are added, (1, ...).
    """
    n, m = len(run.problem.u0), len(run.problem.p)
    method, system = run.plan.method, _system(run)
    adaptive, jumping = isinstance(run.plan.grid, Adaptive), system.network is not None
    memory = run.memory // run.workers
    key = ("back", method, bool(lanes(run, "pull")))

    def back(block: range, look_up: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
        rows = len(block) if apart else 1
        by_u0, by_p = np.zeros((rows, n)), np.zeros((rows, max(m, 1)))
        with _borrowed(system, key, functools.partial(_back, run)) as session:
            for part in _in_parts(block, steps, memory, adaptive, jumping):
                u0, p = run.rows(part)
                given = run.plan.grid, u0, p, run.seed, run.first + part.start, run.times
                ends = (
                    _ends_of_steps(run, session.forward, part, int(steps[part.start])) if adaptive else None
                )
                counted = {}
                if jumping:
                    _note_steps(run, session.forward, part, steps[part.start : part.stop])
                    counted["steps"] = int(steps[part.start : part.stop].max())
                place = slice(part.start - block.start, part.stop - block.start) if apart else slice(None)
                sums = weights[part.start : part.stop], by_u0[place], by_p[place]
                session.run(*given, *sums, memory, ends, on_slice=look_up, **counted)
        return by_u0, by_p[:, :m]

    parts = list(_in_blocks(run, back))
    if apart:
        return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])
    return sum(one for one, _ in parts), sum(one for _, one in parts)  # type: ignore[return-value]


def _ends_of_steps(run: PathRun, session: NoiseSession, block: range, steps: int) -> np.ndarray:
    """The steps of a path whose steps follow the error: it is followed once more."""
    u0, p = run.rows(block)
    ends = np.zeros(steps, np.int64)
    out = np.empty((1, len(run.times), len(run.problem.u0)))
    _, _, taken = session.run(
        run.plan.grid, u0, p, run.seed, run.first + block.start, run.times, out, ends_of_steps=ends
    )
    assert taken[0] == steps
    return ends


def _in_parts(block: range, steps: np.ndarray, memory: int, adaptive: bool, jumping: bool) -> list[range]:
    """A block as the way back takes it at once: one path where steps follow the error, and as many that jump
    as there is memory for notes of their steps."""
    if adaptive:
        return [range(one, one + 1) for one in block]
    if not jumping:
        return [block]
    parts, first, noted = [], block.start, 0
    for one in block:
        noted += NOTE * int(steps[one])
        if noted > memory and one > first:
            parts.append(range(first, one))
            first, noted = one, NOTE * int(steps[one])
    return [*parts, range(first, block.stop)]


def _note_steps(run: PathRun, session: NoiseSession, block: range, steps: np.ndarray) -> None:
    """The ends of the steps of paths that jump, and their jumps, kept by the session: they are followed once
    more."""
    u0, p = run.rows(block)
    noted = session.jumps.derivatives  # type: ignore[union-attr]
    assert noted is not None
    noted.record(steps)
    out = np.empty((len(block), len(run.times), len(run.problem.u0)))
    given = run.plan.grid, u0, p, run.seed, run.first + block.start, run.times, out
    _, _, taken = session.run(*given)
    noted.keep()
    assert (taken == steps).all()


def _follow(
    run: PathRun, directions: int, start: Callable[[range], tuple[np.ndarray, np.ndarray | None]]
) -> Followed:
    n, plan = len(run.problem.u0), run.plan
    width = n * (directions + 1)
    out = np.empty((run.count, len(run.times), width))
    codes, ends, taken = np.zeros(run.count, int), np.zeros(run.count), np.zeros(run.count, int)
    key = ("along", plan.method, directions, bool(lanes(run, "push" if directions else "step")))
    make = functools.partial(_ahead, run, directions)
    began = time.perf_counter()

    def ahead(block: range, look_up: Callable[[], None]) -> None:
        some = slice(block.start, block.stop)
        u0, changes = start(block)
        given = {"changes": changes} if directions else {}
        with _borrowed(_system(run), key, make) as session:
            found = session.run(
                plan.grid, u0, run.rows(block)[1], run.seed, run.first + block.start, run.times, out[some],
                look_up, **given,
            )  # fmt: skip
        codes[some], ends[some], taken[some] = found

    for _ in _in_blocks(run, ahead):
        pass
    seconds = time.perf_counter() - began
    _require_arrived(run, codes, ends, out[:, :, :n])
    if not directions:
        return Followed(out, taken, seconds)
    both = out.reshape(*out.shape[:2], directions + 1, n)
    return Followed(np.ascontiguousarray(both[:, :, 0]), taken, seconds, np.swapaxes(both[:, :, 1:], 2, 3))


def _ahead(run: PathRun, directions: int) -> NoiseSession | LaneSession:
    system, method = _system(run), run.plan.method
    if not directions:
        return session_for(system, run.plan)
    step, push, parameters = lanes(run, "step"), lanes(run, "push"), len(run.problem.p)
    if push:
        arrays = system.arrays.with_directions(directions, parameters, {})
        return LaneSession(arrays, method, step, parameters, push)
    along = {name: system.derivatives.along(name) for name in method.derived}
    arrays = system.arrays.with_directions(directions, parameters, along)
    if arrays.jumps is not None:
        arrays = replace(arrays, jumps=replace(arrays.jumps, along=system.jump_derivatives.along))
    return NoiseSession(arrays, method)


def lanes(run: PathRun, kind: str) -> int:
    """Address of a step for several paths side by side, or of a derivative of it; 0: path by path."""
    return lanes_of(_system(run), run.plan, kind)


def _back(run: PathRun) -> BackSession | LaneBackSession:
    system, method = _system(run), run.plan.method
    step, pull = lanes(run, "step"), lanes(run, "pull")
    if pull:
        return LaneBackSession(LaneSession(system.arrays, method, step, len(run.problem.p)), pull)
    products = {name: system.derivatives.back(name) for name in method.derived}
    arrays = system.arrays
    if arrays.jumps is not None:
        arrays = replace(arrays, jumps=replace(arrays.jumps, back=system.jump_derivatives.back))
    return BackSession(arrays, method, len(run.problem.p), products)


def _system(run: PathRun) -> Any:
    return run.problem.system


@contextmanager
def _borrowed(system: Any, key: Any, make: Callable[[], Any]) -> Iterator[Any]:
    """A session that no one else uses, kept for others afterwards."""
    kept = system.sessions.setdefault(key, [])
    try:
        session = kept.pop()
    except IndexError:
        session = make()
    yield session
    if len(kept) < KEPT:
        kept.append(session)


class _Stop(Exception):
    """Others have failed, or the user wants no more."""


def _in_blocks(run: PathRun, work: Callable[[range, Callable[[], None]], Any]) -> Iterator[Any]:
    """What work gives for each block of paths, in order. It is given a block, and what it is to call now and
    then, which raises where the results are not wanted any more."""
    size = min(max(-(-run.count // BLOCKS), SMALLEST), LARGEST)
    blocks = [range(first, min(first + size, run.count)) for first in range(0, run.count, size)]
    stopped = threading.Event()

    def look_up() -> None:
        if stopped.is_set():
            raise _Stop

    if run.workers == 1 or len(blocks) == 1:
        for block in blocks:
            yield work(block, look_up)
        return
    with ThreadPoolExecutor(run.workers, thread_name_prefix="symde-paths") as pool:
        try:
            yield from pool.map(work, blocks, itertools.repeat(look_up))
        finally:
            stopped.set()


def solution_of(
    run: PathRun, u: np.ndarray, steps: int, seconds: float, path: int = 0,
    retcode: Retcode = Retcode.SUCCESS, message: str = "",
) -> NoiseSolution:  # fmt: skip
    """One of the paths as a solution."""
    t = run.times[: len(u)]
    given = run.plan.methods, message, run.seed, run.first + path
    return NoiseSolution(run.problem, t, u, retcode, None, {"steps": steps}, seconds, *given)


def _require_arrived(run: PathRun, codes: np.ndarray, ends: np.ndarray, u: np.ndarray) -> None:
    failed = np.flatnonzero(codes != Status.DONE)
    if not len(failed):
        return
    path = int(failed[0])
    retcode, end = RETCODES[Status(codes[path])], float(ends[path])
    message = explained(retcode, end, _system(run).network is not None)
    if run.count > 1:
        message = f"{len(failed)} of {run.count} paths failed; path {run.first + path}: {message}"
    solution = solution_of(run, u[path, run.times <= end], 0, 0.0, path, retcode, message)
    raise SolveError(message, solution)


def _require_finite(run: PathRun, u: np.ndarray, along: np.ndarray) -> None:
    good = np.isfinite(along).all(axis=(0, 2, 3))
    if good.all():
        return
    place = int(np.argmin(good))
    path = int(np.argmin(np.isfinite(along[:, place]).all(axis=(1, 2))))
    raise SolveError(not_finite(f" at t = {run.times[place]:g}"), solution_of(run, u[path], 0, 0.0, path))


def not_finite(where: str = "") -> str:
    """What is said of derivatives that are not."""
    return (
        f"the derivative of the path is not finite{where}\n"
        "  help: coefficients such as sqrt(x) have no derivative at 0: start elsewhere, or write sqrt(x + c) "
        "with a small c; or take smaller steps (dt0)"
    )
