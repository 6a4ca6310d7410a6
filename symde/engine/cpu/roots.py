"""The memory of the search for roots: functions of (t, u) whose changes of sign a solve stops at."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure

Roots = structure(
    "Roots",
    "Root functions, their values at both ends of a step, and what undoes a step.",
    count=int64,
    kernel=int64,  # (t, u, p) -> values and total time derivatives, 0 where there are no functions
    outputs=int64,  # its table of two
    known=int64,  # what is known at (t, u): `NOTHING`, `SIDES` alone, or the values too (`ALL`)
    side=int64,  # +1 or -1 of each function: the side of zero on which it is by what has been handled
    ties=int64,  # the side that counts of each function that is zero and stays so, 0: the one it was on
    noise=int64,  # how far from zero the value of each may be although it is at it
    crossed=int64,  # 1 of each function that is at zero and on its way to the other side
    # values and derivatives at the start of the step, at its end, and at both ends of a piece of it
    g=int64, slope=int64, g_new=int64, slope_new=int64,
    g_low=int64, slope_low=int64, g_high=int64, slope_high=int64, g_at=int64, slope_at=int64,
    u_at=int64,  # a state within the step
    found=int64,  # the step just accepted ends at a root
    # the state before the step
    t=double, t_low=double, t_old=double, h_old=double, h_next=double, log_error=double,
    log_error_old=double, restarted=int64, formula=int64,
    memories=int64,  # for each slot: length of its memory and of what it keeps in stages, address of a copy
    # bounds that states keep
    bounds=int64, bounded=int64, lower=int64, upper=int64,
)  # fmt: skip

NOTHING, SIDES, ALL = 0, 1, 2

VALUES = (
    "side", "ties", "noise", "g", "slope", "g_new", "slope_new", "g_low", "slope_low", "g_high",
    "slope_high", "g_at", "slope_at",
)  # fmt: skip

TRUST = 0.02
"""Part of the changes |h g'| at both ends of a piece by which the change of a value may differ from what the
derivatives say, where steps may be longer than their interpolants are good for."""

LEAST_PIECES = 4
"""Pieces in which a step is searched at least."""

NEARNESS = 0.15
"""Part of the changes |h g'| at both ends that the cubic through them may be wrong by."""

HIGH_DEGREE = 10
"""Steps with interpolants of this degree are too long for a cubic: they are searched wherever a function is
nearer to zero than |h g'| of both ends."""

MOST_CORRECTED = 0.05
"""Part of such a step by which its root may be off in the interpolant."""

SHORTEST = 1e-6
"""Part of what is left of the span from which a step counts as long."""

RESTEPS = 12
"""Steps that are tried for one root at most."""


class RootMemory:
    """The arrays of one session behind a `Roots`.

    Args:
        ties: Of each function the side that counts where it is zero and stays so, 0: the one it was on.
        kernel: Address of their kernel.
        padded: Length of a state vector.
        memories: Doubles that each slot's family keeps between steps, in its memory and in its stages.
        bounds: Index, lower and upper bound of each bounded state.
    """

    def __init__(
        self,
        ties: tuple[float, ...],
        kernel: int,
        padded: int,
        memories: list[tuple[int, int]],
        bounds: list[tuple[int, float, float]],
    ) -> None:
        count = len(ties)
        size = max(count, 1)
        self.values = {name: np.zeros(size) for name in VALUES}
        self.values["ties"][:count] = ties
        self.crossed = np.zeros(size, np.int64)
        self.outputs = np.zeros(2, np.int64)
        self.u_at = np.zeros(padded)
        self.copies = [np.zeros(sum(lengths) + 1) for lengths in memories]
        table = [(*lengths, copy.ctypes.data) for lengths, copy in zip(memories, self.copies, strict=True)]
        self.memories = np.array(table, np.int64)
        self.bounded = np.array([index for index, _, _ in bounds], np.int64)
        self.lower = np.array([lower for _, lower, _ in bounds], float)
        self.upper = np.array([upper for _, _, upper in bounds], float)
        self.data: Any = Roots(count=count, kernel=kernel, bounds=len(bounds))
        for name, array in self.values.items():
            setattr(self.data, name, array.ctypes.data)
        for name in ("crossed", "outputs", "u_at", "memories", "bounded", "lower", "upper"):
            setattr(self.data, name, getattr(self, name).ctypes.data)

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.data)
