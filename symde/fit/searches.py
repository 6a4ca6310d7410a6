"""The searches of a fit from all their starts, one after another or several at a time.

A search depends on nothing but its start, so that neither the number of workers nor their order changes a
result. Workers are threads: a solve runs without Python's lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from symde.fit.objective import Objective, Point
from symde.fit.scoring import Found, SearchInterrupted, minimise

Tell = Callable[[Objective, np.ndarray, float, bool], object]
"""Told the vector and the loss after every step and at the end of a search; ends all searches by returning
something true."""

FAILED = "the loss is not finite at the start"


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """One of the searches of a fit.

    Attributes:
        number: Its place: 0 is the search from the given start.
        values: Parameters it started from, shape (k,).
        end: Parameters it ended at, shape (k,); NaN where it failed.
        value: Loss at its end; infinite where it failed.
        converged: Whether its end is an optimum.
        message: Why it ended.
    """

    number: int
    values: np.ndarray
    end: np.ndarray
    value: float
    converged: bool
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What came of a start; `stopped` is what ended it before its own end, and all others with it."""

    start: Start
    found: Found | None
    stopped: SearchInterrupted | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What came of all starts, in their order.

    Attributes:
        done: Those that ended, and those that were stopped on their way.
        stopped: What stopped them; None: they all ended by themselves.
    """

    done: list[Search]
    stopped: KeyboardInterrupt | None


def search_all(objective: Objective, thetas: np.ndarray, limit: int, workers: int, tell: Tell) -> Searches:
    """Search from each of some vectors.

    Args:
        objective: The loss.
        thetas: The vectors, shape (n_starts, k).
        limit: Most steps of a search.
        workers: Most searches at a time.
        tell: Told of steps and ends; called by one thread at a time.
    """
    if workers == 1 or len(thetas) == 1:
        return _one_by_one(objective, thetas, limit, tell)
    return _at_once(objective, thetas, limit, workers, tell)


def _one_by_one(objective: Objective, thetas: np.ndarray, limit: int, tell: Tell) -> Searches:
    done: list[Search] = []
    try:
        for number, theta in enumerate(thetas):
            done.append(_search(objective, theta, number, limit, tell))
            if done[-1].stopped is not None:
                return Searches(done, done[-1].stopped)
    except KeyboardInterrupt as interrupt:  # between two searches, or at the first point of one
        return Searches(done, interrupt)
    return Searches(done, None)


def _at_once(objective: Objective, thetas: np.ndarray, limit: int, workers: int, tell: Tell) -> Searches:
    stop, lock = threading.Event(), threading.Lock()

    def told(own: Objective, theta: np.ndarray, value: float, ended: bool) -> object:
        with lock:
            return tell(own, theta, value, ended)

    def work(number: int) -> Search | None:
        try:
            return _search(objective.alike(), thetas[number], number, limit, told, stop)
        except KeyboardInterrupt:  # at its first point
            return None

    stopped: KeyboardInterrupt | None = None
    running: list[Future[Search | None]] = []
    with ThreadPoolExecutor(min(workers, len(thetas)), thread_name_prefix="symde fit") as pool:
        try:
            objective.point(thetas[0])  # what is compiled is compiled once; the first search finds it kept
            running = [pool.submit(work, number) for number in range(len(thetas))]
            left = set(running)
            while left and stopped is None:
                ended, left = wait(left, return_when=FIRST_COMPLETED)
                stopped = next((s.stopped for s in _results(ended) if s.stopped is not None), None)
        except KeyboardInterrupt as interrupt:
            stopped = interrupt
        finally:  # what runs ends at its next point
            stop.set()
            for one in running:
                one.cancel()
    done = sorted(_results(one for one in running if not one.cancelled()), key=lambda one: one.start.number)
    return Searches(done, stopped)


def _results(futures: Iterable[Future[Search | None]]) -> list[Search]:
    found = [one.result() for one in futures]
    return [one for one in found if one is not None]


def _search(
    objective: Objective,
    theta: np.ndarray,
    number: int,
    limit: int,
    tell: Tell,
    stop: threading.Event | None = None,
) -> Search:
    objective.failure = None

    def evaluate(at: np.ndarray) -> Point | None:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        return objective.point(at)

    stopped = None
    try:
        found = minimise(
            evaluate,
            theta,
            objective.bounds,
            logs=objective.parameters.logs,
            sum_of_squares=objective.noise != "estimated",
            max_iterations=limit,
            on_step=lambda at, value: tell(objective, at, value, False),
        )
    except SearchInterrupted as interrupt:
        stopped, found = interrupt, interrupt.found
    values = objective.parameters.values(theta)
    if found is None:
        tell(objective, theta, np.inf, True)
        message = str(objective.failure or FAILED).splitlines()[0]
        return Search(Start(number, values, np.full(len(theta), np.nan), np.inf, False, message), None)
    if stopped is None:
        tell(objective, found.theta, found.point.value, True)
    end = objective.parameters.values(found.theta)
    start = Start(number, values, end, found.point.value, found.converged, found.message)
    return Search(start, found, stopped)
