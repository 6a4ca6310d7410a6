"""The memory of jumps beside noise: a C structure shared by the host (ctypes) and the compiled loops."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.jump_effects import EffectMemory
from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.noise_jump_derivatives import JumpDerivativeMemory

FIRST_ROWS = 64
"""Jumps that there is room for in the log at first."""

NoiseJumps = structure(
    "NoiseJumps",
    "The jumps of paths with noise.",
    constant=int64,  # whether no state and no time changes a rate
    channels=int64,
    rates=int64, outputs=int64, values=int64,  # kernel of the rates, its table of outputs
    effects=int64,  # an `EffectState`
    t=double, t_next=double,  # the present time, and with constant rates that of the next jump
    h=double,  # size of the steps of a grid, and how many of them are done
    grid=int64,
    limit=int64,  # on all steps of a path
    count=int64, choice=double, failed=int64, why=int64,
    chosen=int64,  # the channel that jumped last
    derivatives=int64,  # a `JumpDerivatives`, 0 where none are wanted
    log_t=int64, log_channels=int64, log_states=int64, log_count=int64, log_capacity=int64, keep_log=int64,
)  # fmt: skip


class NoiseJumpMemory:
    """The jumps of one session.

    Args:
        jumps: What a system knows of them (`symde.engine.noise.session.JumpArrays`).
        n: Number of states, with the hazard and derivatives along directions.
        directions: How many of these there are.

    Attributes:
        derivatives: Of what the jumps do; None: these are not known.
    """

    def __init__(self, jumps: Any, n: int, directions: int) -> None:
        self._n = n
        self._values, self._outputs = np.zeros(max(jumps.channels, 1)), np.zeros(1, np.int64)
        self._outputs[0] = self._values.ctypes.data
        self._effects = EffectMemory(jumps.effects, np.zeros(n, np.int64))
        self.state: Any = NoiseJumps(
            constant=jumps.constant, channels=jumps.channels, rates=jumps.rates,
            outputs=self._outputs.ctypes.data, values=self._values.ctypes.data, effects=self._effects.address,
        )  # fmt: skip
        self.derivatives: JumpDerivativeMemory | None = None
        if jumps.along is not None or jumps.back is not None:
            self.derivatives = JumpDerivativeMemory(jumps, n // (directions + 1), directions, self._effects)
            self.state.derivatives = self.derivatives.address
        self._reserve(FIRST_ROWS)

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.state)

    def begin(self, seed: int, h: float, limit: int, log: bool) -> None:
        """Ready for paths of a seed with steps of size h, so many at most."""
        self._effects.begin(seed, 0, 0)
        self.state.h, self.state.limit = h, limit
        self.state.keep_log, self.state.log_count = int(log), 0

    def _reserve(self, rows: int) -> None:
        kept = self.state.log_count
        t, channels, states = np.empty(rows), np.empty(rows, np.int64), np.empty((rows, 2, self._n))
        if kept:
            t[:kept], channels[:kept], states[:kept] = (one[:kept] for one in self._log)
        self._log = t, channels, states
        for name, one in zip(("log_t", "log_channels", "log_states"), self._log, strict=True):
            setattr(self.state, name, one.ctypes.data)
        self.state.log_capacity = rows

    def make_room(self) -> None:
        """Twice the room in the log."""
        self._reserve(2 * self.state.log_capacity)

    def log(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times and channels of the jumps, and states before and after, shape (jumps, 2, n)."""
        count = self.state.log_count
        t, channels, states = self._log
        return t[:count].copy(), channels[:count].copy(), states[:count].copy()

    @property
    def failure(self) -> tuple[int, int, float]:
        """Why the last jump could not be, which channel's it was, and its rate."""
        return self.state.why, self.state.failed, self._values.item(self.state.failed)
