"""A path of steps that follow the error at any time: taken again from the last time that was saved."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.session import Adaptive, NoiseSession
from symde.problem.path_solution import refuse_outside


class Between:
    """Values between times that were saved, on the Brownian motion of the path, to its tolerances. Each is a
    function of its time alone, whatever is asked for beside it.

    Args:
        problem: What was solved.
        method, grid: How.
        seed, trajectory: Which path.
        t, u: Times that were saved, and the states there.
    """

    __slots__ = ("_grid", "_method", "_path", "_problem", "_t", "_u")

    def __init__(
        self, problem: Any, method: NoiseMethod, grid: Adaptive, seed: int, trajectory: int, t: np.ndarray,
        u: np.ndarray,
    ) -> None:  # fmt: skip
        self._problem, self._method, self._grid, self._path = problem, method, grid, (seed, trajectory)
        begun = len(t) and t[0] == grid.t0
        self._t = t if begun else np.append(grid.t0, t)
        self._u = u if begun else np.concatenate([np.asarray(problem.u0)[None], u])

    def __call__(self, t: np.ndarray, side: str = "right") -> np.ndarray:
        """States at the times t, shape (len(t), n); both sides are the same.

        Raises:
            ValueError: a time is outside of what was reached, or there is no such side.
            ArithmeticError: the steps from the last time saved failed.
        """
        refuse_outside(t, self._t[0], self._t[-1], side)
        known = np.searchsorted(self._t, t, side="right") - 1
        found = np.ascontiguousarray(self._u[known])
        session = NoiseSession(self._problem.system.arrays, self._method)
        for i in np.flatnonzero(self._t[known] != t).tolist():
            begin, end = float(self._t[known[i]]), float(t[i])
            codes, ends, _ = session.run(
                dataclasses.replace(self._grid, begin=begin, end=end), self._u[known[i]][None],
                self._problem.p[None], *self._path, t[i : i + 1], found[None, i : i + 1],
            )  # fmt: skip
            if codes[0] != Status.DONE:
                raise ArithmeticError(
                    f"the path could not be followed beyond t = {ends[0]:g}, to t = {end:g}"
                )
        return found
