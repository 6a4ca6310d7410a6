"""The memory of derivatives of jumps beside noise: a C structure shared by the host (ctypes) and the compiled
loops."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.jump_effects import EffectMemory
from symde.engine.cpu.layout import int64, structure

JumpDerivatives = structure(
    "JumpDerivatives",
    "Derivatives of what jumps do, and the steps of a path that is gone back over.",
    along=int64, along_inputs=int64, along_outputs=int64, changes=int64,  # along directions: of values
    width=int64,  # of a row of `changes`
    back=int64, back_inputs=int64, of_values=int64, before=int64,  # weighted; the state before a jump
    recording=int64,  # whether the steps of a path are noted: of each its end, and its jump, which is
    ends=int64, jumps=int64,  # count*channels + channel, or -1
    starts=int64,  # by path, where its notes begin; then where those of the last one end
)  # fmt: skip


class JumpDerivativeMemory:
    """The derivatives of one session.

    Args:
        jumps: What a system knows of the jumps, with addresses of the kernels of their derivatives by channel
            (`symde.engine.noise.session.JumpArrays`).
        n: Number of states, with the hazard.
        directions: Along how many there are derivatives.
        effects: What the jumps do.
    """

    def __init__(self, jumps: Any, n: int, directions: int, effects: EffectMemory) -> None:
        width, none = max(jumps.effects.most_targets, 1), np.zeros(1, np.int64)
        self._kept: dict[str, np.ndarray] = {
            "along": none if jumps.along is None else jumps.along,
            "back": none if jumps.back is None else jumps.back,
            "along_inputs": np.array([0, 0, effects.state.numbers, 0, 0], np.int64),
            "along_outputs": np.zeros(1, np.int64),
            "changes": np.zeros(max(directions, 1) * width),
            "before": np.zeros(n),
            "of_values": np.zeros(width),
        }
        places = [self._kept[name].ctypes.data for name in ("before", "of_values")]
        self._kept["back_inputs"] = np.array([places[0], 0, effects.state.numbers, places[1]], np.int64)
        self.state: Any = JumpDerivatives(width=width)
        for name, array in self._kept.items():
            setattr(self.state, name, array.ctypes.data)

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.state)

    def record(self, steps: np.ndarray) -> None:
        """Keep where the steps of the next paths end, and which of them jump; so many they are, by path."""
        starts = np.zeros(len(steps) + 1, np.int64)
        starts[1:] = np.cumsum(steps)
        self._notes = np.zeros(starts[-1]), np.full(starts[-1], -1, np.int64), starts
        self.state.ends, self.state.jumps, self.state.starts = (one.ctypes.data for one in self._notes)
        self.state.recording = 1

    def keep(self) -> None:
        """What was recorded stays as it is."""
        self.state.recording = 0
