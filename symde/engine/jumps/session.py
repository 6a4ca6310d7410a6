"""The memory of one path and its conversation with the compiled loop."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

import numpy as np

from symde.engine.cpu.jump_effects import EffectMemory
from symde.engine.cpu.jump_layout import COUNTERS, FINEST_WAIT, RANDOMS, JumpPhase, JumpState, JumpStatus
from symde.engine.cpu.library import function_address
from symde.engine.jumps.method import JumpMethod
from symde.engine.jumps.network import NetworkArrays

SLICE = 200_000
"""Events after which a loop returns to Python, for signals and progress: some 20 ms."""

FIRST_ROWS = 1024
"""Rows of output kept at first where every event is saved."""

UNLIMITED = 2**62

_run_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)


class JumpSession:
    """Buffers for paths of one network by one method; it can be run again for other paths.

    Args:
        network: The network.
        method: How events are drawn.

    Attributes:
        state: What the compiled loop reads and writes.
    """

    def __init__(self, network: NetworkArrays, method: JumpMethod) -> None:
        self.network, self.method = network, method
        n, m = network.n, network.m
        integers, doubles = method.memory(m, n)
        self.state = JumpState()
        self._kept: dict[str, np.ndarray] = {}
        # kernels take the vectors of a model: u, p, and six that are empty here
        self._keep("inputs", np.zeros(8, dtype=np.int64))
        self._keep("propensity", np.zeros(1))
        self._keep("outputs", np.array([self._kept["propensity"].ctypes.data], dtype=np.int64))
        self._keep("u", np.ones(n + 1))
        self._keep("propensities", np.zeros(max(m, 1)))
        self._keep("randoms", np.zeros(RANDOMS))
        self._keep("integers", np.zeros(max(integers, 1), dtype=np.int64))
        self._keep("doubles", np.zeros(max(doubles, 1)))
        for name in (
            "first", "second", "less", "general", "kernels", "reactant_starts", "reactants", "orders",
            "change_starts", "changed", "changes", "dependent_starts", "dependents",
            "reader_starts", "readers", "counted",
        ):  # fmt: skip
            self._keep(name, getattr(network, name))
        self.state.n, self.state.m = n, m
        self._effects = None if network.effects is None else EffectMemory(network.effects, network.counted)
        if self._effects is not None:
            self.state.effects = self._effects.address
            self.state.set_states = function_address("jump_effects", "set_by_kernel")
            self.state.own = ctypes.addressof(self.state)
        self._function = _run_type(function_address(method.module, method.entry))

    def _keep(self, name: str, array: np.ndarray) -> None:
        self._kept[name] = array
        if hasattr(self.state, name):
            setattr(self.state, name, array.ctypes.data)

    def begin(
        self,
        u0: np.ndarray,
        p: np.ndarray,
        rates: np.ndarray,
        span: tuple[float, float],
        seed: int,
        path: int,
        saveat: np.ndarray | None,
        max_events: int | None,
        epsilon: float,
    ) -> None:
        """Ready for a path from its start."""
        state, n = self.state, self.network.n
        self._kept["u"][:n] = u0
        self._keep("p", np.ascontiguousarray(p, dtype=float))
        self._keep("rates", np.ascontiguousarray(rates, dtype=float))
        self._kept["inputs"][:2] = self._kept["u"].ctypes.data, self._kept["p"].ctypes.data
        state.t, state.t_end = span
        state.t_next = self._start = span[0]
        state.phase, state.budget, state.epsilon = JumpPhase.START, 0, epsilon
        state.max_events = UNLIMITED if max_events is None else max_events
        for name in COUNTERS:
            setattr(state, name, 0)
        state.seed, state.path, state.draw, state.random_at = signed(seed), signed(path), 0, RANDOMS
        if self._effects is not None:
            self._effects.begin(state.seed, state.path, self._kept["p"].ctypes.data)
        times = np.empty(0) if saveat is None else np.ascontiguousarray(saveat, dtype=float)
        self._keep("saveat", times)
        state.n_saveat, state.next_save, state.save_events = len(times), 0, int(saveat is None)
        self._times: list[np.ndarray] = []
        self._rows: list[np.ndarray] = []
        self._make_room(max(len(times), 1) if saveat is not None else FIRST_ROWS)
        if saveat is None:
            self._kept["out_t"][0], self._kept["out_u"][0] = span[0], u0
            state.out_count = 1

    def _make_room(self, rows: int) -> None:
        self._keep("out_t", np.empty(rows))
        self._keep("out_u", np.empty((rows, self.network.n)))
        self.state.out_capacity, self.state.out_count = rows, 0

    def run(self, events: int | None = None, on_slice: Callable[[], None] | None = None) -> JumpStatus:
        """Go on to the end, or for so many events."""
        left = UNLIMITED if events is None else events
        while True:
            self.state.budget = min(left, SLICE)
            given = self.state.budget
            status = JumpStatus(self._function(ctypes.addressof(self.state)))
            left -= given - self.state.budget
            if self._clock_too_coarse():
                return JumpStatus.CLOCK
            if status == JumpStatus.OUTPUT_FULL:
                self._times.append(self._kept["out_t"])
                self._rows.append(self._kept["out_u"])
                self._make_room(2 * self.state.out_capacity)
            elif status != JumpStatus.BUDGET or left <= 0:
                return status
            elif on_slice is not None:
                on_slice()

    def _clock_too_coarse(self) -> bool:
        """Whether exact events came too closely for the resolution of the time."""
        state = self.state
        unit = math.ulp(max(abs(self._start), abs(state.t_end)))
        return state.leaps == 0 and state.events * FINEST_WAIT * unit > state.t_end - self._start

    @property
    def u(self) -> np.ndarray:
        """The present populations, a copy of shape (n,)."""
        return self._kept["u"][: self.network.n].copy()

    def saved(self) -> tuple[np.ndarray, np.ndarray]:
        """The saved times and populations, shapes (n_times,) and (n_times, n)."""
        count = self.state.out_count
        times = [*self._times, self._kept["out_t"][:count]]
        rows = [*self._rows, self._kept["out_u"][:count]]
        return np.concatenate(times), np.concatenate(rows)

    def release(self) -> None:
        """Let go of what was saved; the session is kept for other paths."""
        self._times, self._rows = [], []
        self._make_room(1)

    def counters(self) -> dict[str, int]:
        """The counts of work by name."""
        return {name: getattr(self.state, name) for name in COUNTERS}


def signed(number: int) -> int:
    """64 bits as the integer that has the same bits."""
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
