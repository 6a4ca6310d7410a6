"""The memory of the way back over paths: weights of what was saved become derivatives."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping

import numpy as np

from symde.engine.cpu.library import function_address
from symde.engine.cpu.noise_layout import NoiseBack
from symde.engine.noise.implicit import DriftPattern, DriftSystem, transposed
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.session import Adaptive, Grid, NoiseArrays, NoiseSession, loop_at, run_in_slices


class BackSession:
    """Buffers for the way back over paths of one equation by one method that has one.

    Args:
        arrays: The equation.
        method: How steps are taken.
        parameters: Number of parameters.
        products: Addresses of the kernels of weighted derivatives, by the names of what they derive.
    """

    def __init__(
        self, arrays: NoiseArrays, method: NoiseMethod, parameters: int, products: Mapping[str, int]
    ) -> None:
        self.forward = NoiseSession(arrays, method)
        self.method = method
        n, entries = arrays.n, len(arrays.rows)
        self.state = state = NoiseBack()
        lengths = {
            "of_drift": n, "of_diffusion": entries, "of_products": len(arrays.product_rows), "by_states": n,
            "by_parameters": parameters, "weight": n, "early": n, "work": method.back_memory(n, entries),
        }  # fmt: skip
        self._kept: dict[str, np.ndarray] = {
            name: np.zeros(max(length, 1)) for name, length in lengths.items()
        }
        places = {name: array.ctypes.data for name, array in self._kept.items()}
        inside = self.forward.buffer("inside").ctypes.data
        given = (places[name] for name in ("of_drift", "of_diffusion", "of_products"))
        self._kept["inputs"] = np.array([inside, 0, *given], np.int64)
        self._kept["outputs"] = np.array([places["by_states"], places["by_parameters"]], np.int64)
        for name, array in self._kept.items():
            setattr(state, name, array.ctypes.data)
        for name, address in products.items():
            setattr(state, name, address)
        if "linearised" in method.kernels:
            self._add_system(arrays)
        state.forward, state.parameters = ctypes.addressof(self.forward.state), parameters
        entry = method.entry if arrays.jumps is None else f"{method.entry}_jumps"
        self._function = loop_at(function_address(method.back, entry))

    def _add_system(self, arrays: NoiseArrays) -> None:
        """The transposed system of implicit steps."""
        pattern, places = transposed(arrays.jacobian())
        self._system = DriftSystem(DriftPattern(arrays.n, pattern))
        self._kept["jacobian"] = np.zeros(max(len(places), 1))
        self._kept["places"] = places if len(places) else np.zeros(1, np.int64)
        outputs = [self.forward.buffer("scratch").ctypes.data, self._kept["jacobian"].ctypes.data]
        self._kept["linearised_outputs"] = np.array(outputs, np.int64)
        for name in ("jacobian", "places", "linearised_outputs"):
            setattr(self.state, name, self._kept[name].ctypes.data)
        self.state.transposed = self._system.address

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
        steps: int | None = None,
        on_slice: Callable[[], None] | None = None,
    ) -> None:
        """Go back over paths that reach their ends.

        Args:
            grid, u0, p, seed, first_path, saveat, on_slice: As of `NoiseSession.run`.
            weights: Of what was saved, shape (paths, n_times, n).
            by_u0, by_p: Take the derivatives of the weighted sum, shapes (paths, n) and (paths, m), or one
                row to which those of all paths are added.
            memory: Bytes that the states of a path may take.
            ends_of_steps: Of the one path there is, where its steps follow the error.
            steps: Of the path that takes most, where they jump and were recorded; None: those of the grid.
        """
        state, n, paths, given = self.state, self.forward.arrays.n, len(weights), by_u0
        if steps is None:
            steps = grid.steps if ends_of_steps is None else len(ends_of_steps)
        if self.forward.jumps is not None:  # states have a hazard behind, of which nothing depends
            u0, weights = self.forward.with_hazard(u0, 1.0), self.forward.with_hazard(weights, 0.0)
            by_u0 = np.zeros((len(by_u0), n))
        stretch = stretch_of(steps, n, memory)
        weights = np.ascontiguousarray(weights)
        starts, kept = np.empty((-(-steps // stretch), n)), np.empty((stretch + 1, n))
        for name, array in {
            "weights": weights,
            "by_u0": by_u0,
            "by_p": by_p,
            "starts": starts,
            "kept": kept,
        }.items():
            assert array.flags.c_contiguous
            setattr(state, name, array.ctypes.data)
        state.by_u0_stride = by_u0.shape[1] if len(by_u0) > 1 else 0
        state.by_p_stride = by_p.shape[1] if len(by_p) > 1 else 0
        state.stretch = stretch
        forward = self.forward
        with forward.readied(grid, u0, p, seed, first_path, saveat, paths, ends_of_steps=ends_of_steps):
            forward.state.steps = steps
            run_in_slices(self._function, forward.state, state, on_slice)
        if by_u0 is not given:
            given += by_u0[:, :-1]


def stretch_of(steps: int, n: int, memory: int) -> int:
    """Steps of a stretch whose states are kept at once: all where they fit, else as many as there are
    stretches."""
    if 8 * n * (steps + 2) <= memory:
        return steps
    return math.isqrt(steps - 1) + 1
