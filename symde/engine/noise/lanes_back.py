"""The memory of the way back over paths side by side: weights of what was saved become derivatives."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.noise_lanes_layout import ADJOINT, WIDTH, NoiseLanesBack
from symde.engine.noise.back import stretch_of
from symde.engine.noise.lanes import LaneSession
from symde.engine.noise.session import Adaptive, Grid, loop_at, run_in_slices


class LaneBackSession:
    """Buffers for the way back over paths of one equation by one method, several side by side.

    Args:
        forward: In which steps are done again; no one else uses it.
        kernel: Address of the way back over a step (`symde.codegen.noise_steps.lane_pull`).
    """

    def __init__(self, forward: LaneSession, kernel: int) -> None:
        self.forward, n, m = forward, forward.arrays.n, forward.state.parameters
        self.state = state = NoiseLanesBack(forward=ctypes.addressof(forward.state), kernel=kernel)
        lengths = {"weight": n, "early": n, "by_states": n, "by_parameters": m, "sums": m}
        self._kept: dict[str, np.ndarray] = {
            name: np.zeros((max(length, 1), WIDTH)) for name, length in lengths.items()
        }
        places = {name: array.ctypes.data for name, array in self._kept.items()}
        inputs = forward.inputs
        inputs[ADJOINT] = places["weight"]
        self._kept["inputs"] = inputs
        self._kept["outputs"] = np.array([places["by_states"], places["by_parameters"]], np.int64)
        for name, array in self._kept.items():
            setattr(state, name, array.ctypes.data)
        self._function = loop_at(function_address("noise_lanes_back", "run"))

    def run(
        self,
        grid: Grid | Adaptive,
        u0: np.ndarray,
        p: np.ndarray,
        seed: int,
        first_path: int,
        saveat: np.ndarray,
        weights: np.ndarray,
        by_u0: np.ndarray,
        by_p: np.ndarray,
        memory: int,
        ends_of_steps: np.ndarray | None = None,
        on_slice: Callable[[], None] | None = None,
    ) -> None:
        """Go back over paths that reach their ends; arguments as of `BackSession.run`, but steps are of one
        size.

        Raises:
            MemoryError: a step of a large model found no memory.
        """
        assert ends_of_steps is None and by_u0.flags.c_contiguous and by_p.flags.c_contiguous
        state, n = self.state, self.forward.arrays.n
        given = self.forward.make_ready(grid, u0, p, seed, first_path, saveat, len(weights))
        state.stretch = stretch = stretch_of(grid.steps, n * WIDTH, memory)
        starts, kept = (np.empty((count, n, WIDTH)) for count in (-(-grid.steps // stretch), stretch + 1))
        weights = np.ascontiguousarray(weights)
        arrays = {"weights": weights, "by_u0": by_u0, "by_p": by_p, "starts": starts, "kept": kept}
        for name, array in arrays.items():
            setattr(state, name, array.ctypes.data)
        state.by_u0_stride = by_u0.shape[1] if len(by_u0) > 1 else 0
        state.by_p_stride = by_p.shape[1] if len(by_p) > 1 else 0
        if run_in_slices(self._function, self.forward.state, state, on_slice) != Status.DONE:
            raise MemoryError("no memory for a step of the model")
        del given, arrays
