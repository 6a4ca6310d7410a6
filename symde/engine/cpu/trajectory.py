"""The forward solution of a solve as its adjoint reads it: the interpolants of its steps, in bounded memory.

They are kept whole as long as they fit. Where they do not, only the states at the ends of stretches are kept
and the last stretch's interpolants; going back, each stretch is solved forward again when it is reached, so
that the forward work is at most doubled.

Source: A. C. Hindmarsh, R. Serban, User Documentation for CVODES, section 2.7, on checkpoints.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status, double, int64, structure

Trajectory = structure(
    "Trajectory",
    "Interpolants of consecutive steps, and the state and slope at the time looked up last.",
    n=int64,
    steps=int64,
    rows=int64,  # for each step start, signed length, and n coefficients of each power of theta
    width=int64,  # doubles in a row
    degree=int64,
    direction=double,
    hint=int64,  # the step looked up last
    at=int64,  # the state
    slope=int64,
)


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Where a stretch begins: time, state, and the size of the step taken there, None where unknown."""

    t: float
    u: np.ndarray
    h: float | None


class Stretches:
    """Decides how many interpolants are kept, and keeps the states at the starts of stretches.

    Args:
        bound: Bytes that the interpolants may take.
        start: The start of the solve.

    Attributes:
        checkpoints: Starts of the stretches so far.
    """

    def __init__(self, bound: int, start: Checkpoint) -> None:
        self.bound, self.checkpoints = bound, [start]

    def room(self, session: Any) -> int:
        """Interpolants that the full memory is to hold; where it may not grow, a new stretch begins."""
        capacity, state = session.output.row_capacity, session.state
        if 2 * session.output.rows.nbytes <= self.bound:
            return 2 * capacity
        # the step that finds no room has been accepted: its start is the state before
        self.checkpoints.append(Checkpoint(state.t_old, session.vector("u_new"), abs(state.h_old)))
        state.dense_count = 0
        return capacity


class ForwardSolution:
    """The solution of a session's run, stretch by stretch.

    Args:
        session: Did the solve, with interpolants kept; it belongs to this object from then on.
        stretches: What was kept of the solve.
        end: Time at which the solve ended.
        options: Arguments of `Session.begin` for solving a stretch again.

    Attributes:
        data: The `Trajectory` of the stretch in memory.
        repeated: Steps that were taken again.
    """

    def __init__(self, session: Any, stretches: Stretches, end: float, options: dict[str, Any]) -> None:
        self._session, self._checkpoints = session, stretches.checkpoints
        self._ends = [*(checkpoint.t for checkpoint in self._checkpoints[1:]), end]
        self._options, self.repeated = options, 0
        self._present = len(self._checkpoints) - 1
        n = session.n
        self._vectors = np.zeros(n + 8), np.zeros(n + 8)
        at, slope = (vector.ctypes.data for vector in self._vectors)
        self.data = Trajectory(n=n, direction=session.state.direction, at=at, slope=slope)
        self._announce()

    def _announce(self) -> None:
        state, data = self._session.state, self.data
        data.steps, data.hint = state.dense_count, state.dense_count - 1
        data.rows, data.width = state.dense_rows, state.dense_width
        data.degree = (data.width - 2) // data.n - 1
        data.hint = max(data.hint, 0)  # a run of one point has no interpolant

    @property
    def address(self) -> int:
        """The address of the trajectory in memory."""
        return ctypes.addressof(self.data)

    @property
    def boundaries(self) -> list[float]:
        """Times between stretches, in the order of integration."""
        return self._ends[:-1]

    def largest(self) -> np.ndarray:
        """The largest size of each state at the starts of the steps in memory and of the stretches, (n,)."""
        session = self._session
        n, count = session.n, session.state.dense_count
        sizes = np.abs(session.output.rows[:count, 2 : n + 2]).max(axis=0, initial=0.0)
        for checkpoint in self._checkpoints:
            sizes = np.maximum(sizes, np.abs(checkpoint.u))
        return sizes

    def load(self, t: float) -> None:
        """Have the stretch in memory that ends at t or contains it, solved again where it is another one.

        Raises:
            ArithmeticError: it could not be solved again.
        """
        direction = self.data.direction
        wanted = 0
        while (t - self._ends[wanted]) * direction > 0.0:
            wanted += 1
        if wanted == self._present:
            return
        checkpoint, session = self._checkpoints[wanted], self._session
        session.u[:] = checkpoint.u
        session.begin(
            checkpoint.t,
            self._ends[wanted],
            saveat=None,
            save_steps=False,
            dense=True,
            dt0=checkpoint.h,
            stretches=_OneStretch(),
            **self._options,
        )
        status = session.run()
        if status != Status.DONE:
            raise ArithmeticError(
                f"the forward solution could not be solved again from t = {checkpoint.t:g}: {status.name}"
            )
        self._present = wanted
        self.repeated += session.state.accepted
        self._announce()


class _OneStretch:
    """A stretch solved again may need a few more steps than before."""

    def room(self, session: Any) -> int:
        return session.output.row_capacity + session.output.row_capacity // 8 + 8
