"""The memory of jumps beside differential equations, a C structure shared by the host (ctypes) and the
compiled loop, and what the host asks of it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.jump_effects import EffectMemory
from symde.engine.cpu.jump_layout import JumpStatus
from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address

FIRST_ROWS = 64
"""Jumps that there is room for in the log at first."""

_step = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)

HazardState = structure(
    "HazardState",
    "Jumps whose hazard is the last state of a solve.",
    advance=int64,  # the loop of every solve
    rates=int64,  # kernel (t, u, p) -> rates of the channels, and its table of outputs
    outputs=int64, values=int64,
    channels=int64,
    effects=int64,  # an `EffectState`
    alone=int64,  # whether no other event needs the host
    count=int64,  # jumps so far
    choice=double,  # a number in [0, 1) by which the next one is chosen
    pending=int64,  # the solve is at a jump, which has not been carried out
    failed=int64, why=int64,  # the channel that cannot be, and the `JumpStatus` that says so
    log_t=int64, log_channels=int64, log_states=int64, log_count=int64, log_capacity=int64,
    keep_log=int64,
)  # fmt: skip


class JumpFailure(Exception):
    """A jump that cannot be; the session's `HazardMemory` knows which, and why."""


class HazardMemory:
    """The jumps of one session.

    Args:
        rates: Address of the kernel of the rates.
        channels: How many there are.
        effects: What they do (`symde.codegen.effects.Effects`).
        counted: By state, whether it is a number of molecules.
        alone: Whether no other event needs the host.
        p: Address of the parameters.
        names: Of the channels.
    """

    def __init__(
        self,
        rates: int,
        channels: int,
        effects: Any,
        counted: Any,
        alone: bool,
        p: int,
        names: tuple[str, ...],
    ) -> None:
        self.names, self._p = names, p
        self._values, self._outputs = np.zeros(max(channels, 1)), np.zeros(1, np.int64)
        self._outputs[0] = self._values.ctypes.data
        self._effects = EffectMemory(effects, counted)
        self._states = len(counted)
        self.targets = sorted({*effects.targets.tolist(), self._states - 1})
        self.state: Any = HazardState(
            advance=function_address("loop", "advance"),
            rates=rates, channels=channels, effects=self._effects.address, alone=alone,
            outputs=self._outputs.ctypes.data, values=self._values.ctypes.data,
        )  # fmt: skip
        self._begin = _step(function_address("hazard_loop", "begin"))
        self._fire = _step(function_address("hazard_loop", "fire"))
        self._reserve(FIRST_ROWS)
        self.last = 0

    def begin(self, session: Any, seed: int, path: int, log: bool) -> None:
        """Ready for a path, whose run has begun.

        Raises:
            JumpFailure: a rate is negative at the start.
        """
        self._effects.begin(seed, path, self._p)
        self.state.count = self.state.log_count = self.state.pending = self.state.why = 0
        self.state.keep_log = int(log)
        self._call(self._begin, session)

    def _call(self, function: Any, session: Any) -> None:
        if function(ctypes.addressof(session.state)):
            raise JumpFailure

    def _reserve(self, rows: int) -> None:
        kept = self.state.log_count
        t, channels, states = np.empty(rows), np.empty(rows, np.int64), np.empty((rows, 2, self._states))
        if kept:
            t[:kept], channels[:kept], states[:kept] = (one[:kept] for one in self._log)
        self._log = t, channels, states
        self.state.log_t, self.state.log_channels, self.state.log_states = (
            one.ctypes.data for one in self._log
        )
        self.state.log_capacity = rows

    def make_room(self) -> None:
        """Twice the room in the log."""
        self._reserve(2 * self.state.log_capacity)

    def outcome(self, session: Any, u: np.ndarray) -> list[float]:
        """Carry out the jump that is due, where the host sees to events: the new values of `targets`.

        Args:
            session: The session, which is at it.
            u: Its state, which is left as it was.

        Raises:
            JumpFailure: it cannot be.
        """
        before = u.copy()
        self._call(self._fire, session)
        values = u[self.targets].tolist()
        u[...] = before
        return values

    def log(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times and channels of the jumps that the loop carried out, and states before and after, shape
        (jumps, 2, n)."""
        count = self.state.log_count
        t, channels, states = self._log
        return t[:count].copy(), channels[:count].copy(), states[:count].copy()

    @property
    def failure(self) -> tuple[JumpStatus, int]:
        """Why a jump cannot be, and which channel."""
        return JumpStatus(self.state.why), self.state.failed

    def rate(self, j: int) -> float:
        """The rate of a channel as it was evaluated last."""
        return self._values.item(j)

    @property
    def total(self) -> float:
        """The sum of the rates as they were evaluated last."""
        return float(self._values.sum())

    @property
    def name(self) -> str:
        """The name of the channel that has just jumped."""
        return self.names[self.state.failed]
