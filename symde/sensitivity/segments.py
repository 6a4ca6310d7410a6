"""A solution in segments with tangents that are made orthogonal again between them.

Tangents of a chaotic solution all grow into one direction. Kept orthonormal, and orthogonal to the flow, they
span the directions that grow; the factors by which they were shortened give the Lyapunov exponents.

Source: G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Lyapunov characteristic exponents for smooth
dynamical systems, Meccanica 15 (1980); A. Ni, Q. Wang, Sensitivity analysis on chaotic dynamical systems by
Non-Intrusive Least Squares Shadowing (NILSS), Journal of Computational Physics 347 (2017), section 3.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symde.outcome import finish
from symde.plan import plan_like
from symde.problem.problem import with_system
from symde.sensitivity.augmented import augmented_system
from symde.sensitivity.model_values import ModelValues
from symde.sensitivity.run import Run
from symde.sensitivity.scales import columns_tolerance
from symde.sessions import borrow, give_back

SAMPLES = 9
"""Points of each segment at which lengths of tangents are taken: they weigh a choice among bounded tangents,
so nothing hangs on their integral's accuracy."""


LARGEST = 1e150
"""Largest slope whose square can be told."""


@dataclass(frozen=True, slots=True, eq=False)
class Tangents:
    """Where a solution stands, and its tangents, orthogonal to the flow and to each other.

    Attributes:
        t: Time.
        u: States, the integral of the averaged quantity last, shape (n + 1,).
        forced: Tangents by the parameters, shape (n, m).
        free: Orthonormal tangents, shape (n, k).
    """

    t: float
    u: np.ndarray
    forced: np.ndarray
    free: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """What is needed of a segment once it is over; products are of the parts orthogonal to the flow.

    Attributes:
        length: Its duration.
        integral: Integral of the quantity.
        by_forced, by_free: Integral of its derivative along the tangents, shapes (m,) and (k,).
        shift_forced, shift_free: How far along the flow, in time, the tangents have moved at the end.
        end: The quantity at the end.
        lengths: Integral of free' free, shape (k, k).
        mixed: Integral of free' forced, shape (k, m).
        growth: Triangular factor of the free tangents at the end, shape (k, k).
        overlap: What the forced tangents had of them, shape (k, m).
    """

    length: float
    integral: float
    by_forced: np.ndarray
    by_free: np.ndarray
    shift_forced: np.ndarray
    shift_free: np.ndarray
    end: float
    lengths: np.ndarray
    mixed: np.ndarray
    growth: np.ndarray
    overlap: np.ndarray


class Segments:
    """Solves segment after segment in the memory of one session.

    Args:
        run: What is solved; the last state of its problem is the integral of the averaged quantity.
        parameters: Indices of the parameters with a tangent.
        free: Number of tangents without one.
    """

    def __init__(self, run: Run, parameters: tuple[int, ...], free: int) -> None:
        self._run = run
        self._m, self._count = len(parameters), len(parameters) + free
        problem = run.problem
        system: Any = augmented_system(problem.system, parameters, tuple(range(free)))
        self._problem = with_system(problem, system, np.zeros(system.kernels.n))
        self._plan = plan_like(run.plan, system)
        self._width = system.kernels.width
        self._values = ModelValues(problem.system, problem.p, problem.tspan[0])
        of_parameters, none = np.array(parameters, dtype=int), np.zeros(0, dtype=int)
        self._atol, n = np.zeros(system.kernels.n), len(problem.u0)
        columns_tolerance(run, system, of_parameters, none, self._atol)
        own = self._atol[n:].reshape(n, self._width)
        own[:, len(parameters) : len(parameters) + free] = self._atol[:n, None]  # tangents are of length 1
        self._session: Any = borrow(system, self._plan)

    def close(self) -> None:
        """Give the memory back."""
        give_back(self._plan, self._session)

    def step(self, start: Tangents, length: float) -> tuple[Segment, Tangents]:
        """Solve one segment, and make its tangents orthogonal at the end.

        Raises:
            SolveError: the solve did not reach the end of the segment.
            ValueError: the solution has come to rest.
        """
        times = start.t + length * np.linspace(0.0, 1.0, SAMPLES)
        u, columns = self._solve(start, times)
        f = self._values.f(u)
        speed, slopes = f[:, :-1], f[:, -1]
        if not np.abs(f).max() < LARGEST:
            raise ValueError(
                f"the solution grows without bound, by {np.abs(f).max():g} in a unit of time at "
                f"t = {start.t:g}: it has no average"
            )
        squares = (speed**2).sum(axis=1)
        if not squares.min() > 0.0:
            raise ValueError(
                f"the solution comes to rest near t = {start.t:g}, so its average is a steady state's: see "
                "symde.steady_state"
            )
        shifts = np.einsum("si,sij->sj", speed, columns[:, :-1]) / squares[:, None]
        across = columns[:, :-1] - speed[:, :, None] * shifts[:, None]
        forced, free = across[:, :, : self._m], across[:, :, self._m :]
        q, growth = np.linalg.qr(free[-1])
        overlap = q.T @ forced[-1]
        weights = np.full(SAMPLES, length / (SAMPLES - 1))
        weights[[0, -1]] /= 2
        segment = Segment(
            length,
            float(u[-1, -1] - u[0, -1]),
            columns[-1, -1, : self._m],
            columns[-1, -1, self._m :],
            shifts[-1, : self._m],
            shifts[-1, self._m :],
            float(slopes[-1]),
            np.einsum("s,sij,sik->jk", weights, free, free, optimize=True),
            np.einsum("s,sij,sik->jk", weights, free, forced, optimize=True),
            growth,
            overlap,
        )
        return segment, Tangents(float(times[-1]), u[-1], forced[-1] - q @ overlap, q)

    def _solve(self, start: Tangents, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States (n_times, n + 1) and tangents (n_times, n + 1, m + k)."""
        session, plan, n = self._session, self._plan, len(start.u)
        first = np.zeros((n, self._width))
        first[:-1, : self._count] = np.hstack([start.forced, start.free])
        session.u[:n], session.u[n:] = start.u, first.ravel()
        session.p[:], session.atol[:] = self._run.problem.p, self._atol
        session.begin(
            times[0],
            times[-1],
            rtol=plan.rtol,
            saveat=times,
            save_steps=False,
            dense=False,
            dt0=plan.dt0,
            dtmax=plan.dtmax or times[-1] - times[0],
            max_steps=plan.max_steps,
        )
        solution = finish(session, self._problem, session.run(), time.perf_counter(), throw=True)
        columns = solution.u[:, n:].reshape(len(times), n, self._width)
        return solution.u[:, :n], columns[:, :, : self._count]

    def begin(self, t: float, u: np.ndarray) -> Tangents:
        """Random tangents at a state, orthogonal to the flow.

        Raises:
            ValueError: nothing moves there.
        """
        f = self._values.f(u)[:-1]
        free = np.random.default_rng(3).standard_normal((len(f), self._count - self._m))
        square = f @ f
        if not square > 0.0:
            raise ValueError(
                f"the solution comes to rest at t = {t:g}: start from another state, or see "
                "symde.steady_state"
            )
        free -= np.outer(f, f @ free) / square
        return Tangents(t, u, np.zeros((len(f), self._m)), np.linalg.qr(free)[0])


def without_history(tangents: Tangents) -> Tangents:
    """The same place with forced tangents and integral begun anew."""
    u = tangents.u.copy()
    u[-1] = 0.0
    return replace(tangents, u=u, forced=np.zeros_like(tangents.forced))
