"""The matrix M of M u' = f in a session's memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from symde.engine.cpu.library import function_address

FAMILIES = ("rosenbrock", "esdirk", "bdf", "radau")
"""Families whose methods are written for M u' = f."""

ITERATING = ("esdirk", "bdf", "radau")
"""Those that solve their stages with a Jacobian of another state."""

TAKE = "take Rodas5P, Rodas4, QNDF, FBDF, Radau, RadauIIA5, a KenCarp, Kvaerno or TRBDF2 method"

_kernel_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)


class SessionMass:
    """M of one session: its entries are computed when a run begins, as they depend on parameters.

    Args:
        kernels: The model's kernels, or those of states with columns.
    """

    def __init__(self, kernels: Any) -> None:
        model = getattr(kernels, "model", kernels)
        self.pattern: tuple[np.ndarray, np.ndarray] = model.pattern
        self.rows, self.columns = len(self.pattern[0]) - 1, getattr(kernels, "width", 0)
        self._curved: np.ndarray = model.curved_rows
        self._fill = _kernel_type(model.address("mass"))
        self._checked, self._differential = b"", np.zeros(self.rows, dtype=bool)
        self.dependent: np.ndarray | None = None

    def vectors(self, padded: int) -> dict[str, int]:
        """Lengths of what it keeps, by field of the state."""
        return {"mass": len(self.pattern[1]), "mass_work": 2 * padded, "slope": padded}

    def fill(self, session: Any) -> None:
        """What is the same for every run."""
        state = session.state
        state.mass_rows, state.mass_columns = self.rows, self.columns
        for entry in ("slope_of_start", "size_of_start", "make_consistent"):
            setattr(state, entry, function_address("consistent", entry))
        iterates = any(packed.method.family in ITERATING for packed in session.methods)
        self._settle = function_address("settled", "settle") if iterates and self._curved.any() else 0
        self._values = session.arrays["mass"][: len(self.pattern[1])]
        self._tables = (
            np.array([0, session.arrays["p"].ctypes.data], np.int64),
            np.array([state.mass], np.int64),
        )
        self._addresses = tuple(table.ctypes.data for table in self._tables)

    def begin(self, session: Any) -> bool:
        """M for the parameters of a run that begins; whether it can be solved with, as it cannot where its
        rows depend on each other (`dependent`).

        Raises:
            ValueError: entries of M are not finite.
        """
        self._fill(0.0, *self._addresses)
        now = self._values.tobytes()
        if now != self._checked:
            self.dependent = dependent_rows(self._values, self.pattern, self.rows)
            self._differential = np.diff(np.append(0, np.cumsum(self._values != 0.0))[self.pattern[0]]) > 0
            self._checked = now
        session.state.constraints = self.rows - int(self._differential.sum())
        session.state.settle = self._settle if (self._curved & ~self._differential).any() else 0
        return self.dependent is None


def refuse_methods(methods: Sequence[Any]) -> None:
    """Refuse methods that solve u' = f only.

    Raises:
        ValueError: there is one.
    """
    for packed in methods:
        if packed.method.family not in FAMILIES:
            raise ValueError(
                f"{packed.method.name} solves u' = f(u, p, t) only, and this model has equations without a "
                f"derivative or with a mass matrix: {TAKE}, or name none"
            )


MOST_CHECKED = 300
"""Rows that share columns, up to which their independence is checked."""


def dependent_rows(values: np.ndarray, pattern: tuple[np.ndarray, np.ndarray], n: int) -> np.ndarray | None:
    """Factors of rows of M, shape (n,), with which their sum has no entry left; None where those with entries
    are independent.

    Rows that share no column with another are independent, and so are those with a dominant diagonal: that is
    nearly all of them.

    Raises:
        ValueError: entries are not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("the mass matrix has entries that are not finite for these parameters")
    kept = np.flatnonzero(values)
    rows, columns = np.repeat(np.arange(n), np.diff(pattern[0]))[kept], pattern[1][kept]
    sizes, own = np.abs(values[kept]), rows == columns
    shared = np.bincount(columns, minlength=n)[columns] > 1
    diagonal = np.bincount(rows[own], sizes[own], minlength=n)
    others = np.bincount(rows[~own], sizes[~own], minlength=n)
    checked = np.unique(rows[shared & (diagonal <= others)[rows]])
    if len(checked):
        checked = np.unique(rows[shared])
        if len(checked) <= MOST_CHECKED:
            return _dependent(checked, rows, columns, values[kept], n)
    return None


def _dependent(
    checked: np.ndarray, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, n: int
) -> np.ndarray | None:
    place = np.full(n, -1)
    place[checked] = np.arange(len(checked))
    inside = place[rows] >= 0
    matrix = np.zeros((len(checked), n))
    matrix[place[rows[inside]], columns[inside]] = values[inside]
    largest = np.abs(matrix).max(axis=1)
    left, sizes, _ = np.linalg.svd(matrix / largest[:, None])
    if sizes[-1] > 1e-12 * len(matrix):
        return None
    factors = np.zeros(n)
    factors[checked] = left[:, -1] / largest
    factors[np.abs(factors) <= 1e-8 * np.abs(factors).max()] = 0.0
    return factors / factors[np.flatnonzero(factors)[0]]
