"""What solutions keep, in a session's memory: constraints at the start, and the projection of accepted steps."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Attempt, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import addresses

InvariantsData = structure(
    "InvariantsData",
    "Invariants c(u, t), their derivatives G by the states, and the projection onto c = target.",
    kernel=int64,  # c and the entries of G
    outputs=int64,  # its table
    count=int64,
    states=int64,
    row_pointers=int64,  # of G
    columns=int64,
    values=int64,
    entries=int64,
    targets=int64,
    active=int64,  # which are projected onto
    matrix=int64,  # G D^-2 G' and its Cholesky factor, count x count
    multipliers=int64,
    row=int64,  # of G, spread out
    moved=int64,  # what the projection of the last step has added
)

_entry_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


class SessionInvariants:
    """The invariants of one session.

    Args:
        kernels: The model's kernels, or those of states with columns.

    Attributes:
        contradicted: Index of the constraint that the start of the last run contradicts; None: it contradicts
            none.
        residuals: Values of all invariants less their targets at the start, as given, shape (count,).
    """

    def __init__(self, kernels: Any) -> None:
        model = getattr(kernels, "model", kernels)
        pattern = model.invariants_pattern
        zero, projected = (np.array(flags, dtype=np.int64) for flags in model.invariants_kinds)
        count, n = len(zero), model.n
        padded = -(-kernels.n // 4) * 4
        self._zero, self._projected = zero, projected
        self._arrays = {
            "row_pointers": pattern[0].astype(np.int64),
            "columns": pattern[1].astype(np.int64),
            "values": np.zeros(count),
            "entries": np.zeros(max(len(pattern[1]), 1)),
            "targets": np.zeros(count),
            "active": projected.copy(),
            "matrix": np.zeros(count * count),
            "multipliers": np.zeros(count),
            "row": np.zeros(n),
            "moved": np.zeros(padded),
        }
        found = addresses(self._arrays)
        self._arrays["outputs"] = np.array([found["values"], found["entries"]], np.int64)
        found["outputs"] = self._arrays["outputs"].ctypes.data
        self._data = InvariantsData(kernel=model.address("invariants"), count=count, states=n, **found)
        self._project = function_address("invariants", "project")
        self._measure, self._project_start = (
            _entry_type(function_address("invariants", name)) for name in ("measure", "project_start")
        )
        self.contradicted: int | None = None
        self.residuals = np.zeros(count)

    def fill(self, session: Any) -> None:
        """What is the same for every run."""
        state = session.state
        state.invariants = ctypes.addressof(self._data)
        state.project = self._project if self._projected.any() else 0

    def begin(self, session: Any, rows: int) -> bool:
        """Constraints of the start of a run: values that miss them by less than the tolerance are moved onto
        them; whether they could be. Other invariants are kept at what they are then."""
        state, arrays = session.state, self._arrays
        address = ctypes.addressof(state)
        self.contradicted = None
        arrays["targets"][:] = 0.0
        arrays["active"][:] = self._zero
        self._measure(address)
        self.residuals[:] = arrays["values"]
        if self._zero.any():
            code = self._project_start(address)
            if code != Attempt.FINE:
                self.contradicted = self._worst(session)
                return False
            if rows:
                session.out_u[:rows] = session.u
        self._measure(address)
        arrays["targets"][:] = np.where(self._zero, 0.0, arrays["values"])
        arrays["active"][:] = self._projected
        return True

    def _worst(self, session: Any) -> int:
        """The constraint that is missed by most, each against what a tolerance's move of the states does."""
        arrays, scale = self._arrays, session.atol + session.state.rtol * np.abs(session.u)
        starts, columns = arrays["row_pointers"], arrays["columns"]
        sizes = np.array(
            [
                np.linalg.norm(arrays["entries"][a:b] * scale[columns[a:b]])
                for a, b in zip(starts[:-1], starts[1:], strict=True)
            ]
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return int(np.argmax(np.where(self._zero, np.abs(self.residuals) / sizes, 0.0)))
