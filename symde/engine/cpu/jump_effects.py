"""The memory of what jumps do: a C structure shared by the host (ctypes) and the compiled loops."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure

MARKS, TIMES = 1, 3
"""First two bits of the counters of random numbers: those that effects draw, and those of the times of jumps
and of the choice between them. 0 is for the steps of noise and for the events of networks, 2 for trees."""

NOISE = 5
"""Place of the numbers drawn in the input table of kernels."""

EffectState = structure(
    "EffectState",
    "The effects of jumps, and the numbers drawn for one.",
    kernels=int64, target_starts=int64, targets=int64, draw_starts=int64, draws=int64,
    counted=int64,  # by state: 1 where it is a number of molecules
    inputs=int64, outputs=int64, numbers=int64, values=int64,
    per_jump=int64,  # counters of a jump
    seed=int64, path=int64,
    spare=double,
)  # fmt: skip


class EffectMemory:
    """The effects of one session.

    Args:
        effects: Kernels and lists (`symde.codegen.effects.Effects`).
        counted: By state, whether it is a number of molecules.
    """

    def __init__(self, effects: Any, counted: Any) -> None:
        numbers = max(effects.most_draws, 1)
        self._kept = {
            "kernels": effects.kernels,
            "target_starts": effects.target_starts,
            "targets": effects.targets,
            "draw_starts": effects.draw_starts,
            "draws": effects.draws,
            "counted": np.ascontiguousarray(counted, dtype=np.int64),
            "inputs": np.zeros(16, np.int64),
            "outputs": np.zeros(2, np.int64),
            "numbers": np.zeros(2 * numbers),
            "values": np.zeros(max(effects.most_targets, 1)),
        }
        self.state: Any = EffectState(per_jump=numbers)
        for name, array in self._kept.items():
            setattr(self.state, name, array.ctypes.data)
        self._kept["inputs"][NOISE] = self.state.numbers
        self._kept["outputs"][0] = self.state.values

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.state)

    def begin(self, seed: int, path: int, p: int) -> None:
        """Ready for a path: its random numbers, and the address of the parameters."""
        self.state.seed, self.state.path = seed, path
        self._kept["inputs"][1] = p
