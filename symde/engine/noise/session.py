"""The memory of paths and its conversation with the compiled loop."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.noise_jumps import NoiseJumpMemory
from symde.engine.cpu.noise_layout import DRAWS, LEVELS, NoiseState
from symde.engine.noise.method import NoiseMethod

SLICE = 1_000_000
"""Steps after which a loop returns to Python, for signals and progress: some 20 ms."""

_run_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)


@dataclass(frozen=True, slots=True, eq=False)
class NoiseArrays:
    """An equation as the compiled loops read it.

    Attributes:
        n, motions: Numbers of states and of Brownian motions.
        rows, columns: State and motion of each entry of the diffusion matrix.
        product_rows, product_first, product_second: State and motions of the products of Milstein's method.
        low, high: Domains of the states, shape (n,).
        addresses: Of the kernels "drift", "diffusion", "both" and "milstein".
        jumps: The jumps, whose hazard is the last state; None: there are none.
    """

    n: int
    motions: int
    rows: np.ndarray
    columns: np.ndarray
    product_rows: np.ndarray
    product_first: np.ndarray
    product_second: np.ndarray
    low: np.ndarray
    high: np.ndarray
    addresses: dict[str, int]
    jumps: JumpArrays | None = None


@dataclass(frozen=True, slots=True, eq=False)
class JumpArrays:
    """Jumps beside noise.

    Attributes:
        channels: How many.
        constant: Whether no state and no time changes a rate.
        rates: Address of the kernel of the rates.
        effects: What they do (`symde.codegen.effects.Effects`).
        names: Of the channels.
    """

    channels: int
    constant: bool
    rates: int
    effects: Any
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps: t0 + k*h up to k = steps."""

    t0: float
    h: float
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Adaptive:
    """Steps whose size follows the error.

    Attributes:
        t0, t1: The span.
        first: The first step that is tried.
        rtol, atol: Tolerances of a step, atol of shape (n,).
        steps: Limit on the steps of a path.
    """

    t0: float
    t1: float
    first: float
    rtol: float
    atol: np.ndarray
    steps: int


class NoiseSession:
    """Buffers for paths of one equation by one method.

    Args:
        arrays: The equation.
        method: How steps are taken.

    Attributes:
        state: What the compiled loop reads and writes.
    """

    def __init__(self, arrays: NoiseArrays, method: NoiseMethod) -> None:
        self.arrays, self.method = arrays, method
        n, entries = arrays.n, len(arrays.rows)
        self.state = state = NoiseState()
        self._kept: dict[str, np.ndarray] = {}
        for name in ("u", "old", "inside", "drift_values", "errors"):
            self._keep(name, np.zeros(n))
        self._keep("diffusion_values", np.zeros(max(entries, 1)))
        self._keep("product_values", np.zeros(max(len(arrays.product_rows), 1)))
        self._keep("work", np.zeros(max(method.memory(n, entries), 1)))
        for name in ("rows", "columns", "product_rows", "product_first", "product_second", "low", "high"):
            self._keep(name, getattr(arrays, name))
        values = (self._kept[f"{one}_values"] for one in ("drift", "diffusion", "product"))
        self._keep("outputs", np.array([one.ctypes.data for one in values], dtype=np.int64))
        # kernels take the vectors of a model: u, p, and six that are empty here
        self._keep("inputs", np.zeros(8, dtype=np.int64))
        self._kept["inputs"][0] = self._kept["inside"].ctypes.data
        state.n, state.motions, state.entries = n, arrays.motions, entries
        state.products = len(arrays.product_rows)
        state.bounded = int(np.isfinite(arrays.low).any() or np.isfinite(arrays.high).any())
        for name, address in arrays.addresses.items():
            setattr(state, name, address)
        state.per_motion = method.per_motion
        state.per_step = max(-(-arrays.motions * method.per_motion // 2), 1)
        state.block = max(DRAWS // state.per_step, 1)
        self._keep("words", np.zeros(2 * state.block * state.per_step, dtype=np.int64))
        self._keep("normals", np.zeros(2 * state.block * state.per_step))
        table = method.tableau
        state.stages = 0 if table is None else table.stages
        self._keep("table", np.zeros(1) if table is None else np.ascontiguousarray(table.packed()))
        for name in ("w_start", "a_start", "w_end", "a_end", "increments", "areas"):
            self._keep(name, np.zeros(max(arrays.motions, 1)))
        self._keep("tree", np.zeros(4 * (LEVELS + 1) * max(arrays.motions, 1)))
        entry = method.entry if arrays.jumps is None else f"{method.entry}_jumps"
        self.jumps = None if arrays.jumps is None else NoiseJumpMemory(arrays.jumps, n)
        state.jumps = 0 if self.jumps is None else self.jumps.address
        self._function = _run_type(function_address(method.module, entry))

    def _keep(self, name: str, array: np.ndarray) -> None:
        self._kept[name] = array
        if hasattr(self.state, name):
            setattr(self.state, name, array.ctypes.data)

    def run(
        self,
        grid: Grid | Adaptive,
        u0: np.ndarray,
        p: np.ndarray,
        seed: int,
        first_path: int,
        saveat: np.ndarray,
        out: np.ndarray,
        on_slice: Callable[[], None] | None = None,
        log: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Follow paths to their ends.

        Args:
            grid: The steps.
            u0, p: Initial states and parameters, shapes (paths, n) and (paths, m), or one row for all.
            seed, first_path: The random numbers: the paths are `first_path` and those after it.
            saveat: Times to save, ascending and within the grid, shape (n_times,).
            out: Takes the saved states, shape (paths, n_times, n).
            on_slice: Called between slices of the work.
            log: Whether jumps are logged.

        Returns:
            The status of each path, the time it reached, and how many steps it took, shape (paths,).
        """
        state, paths = self.state, len(out)
        codes, ends, taken = np.zeros(paths, np.int64), np.zeros(paths), np.zeros(paths, np.int64)
        wanted = out
        if self.jumps is not None:  # the states and their hazard
            u0 = np.hstack([u0, np.ones((len(u0), 1))])
            out = np.empty((paths, len(saveat), self.arrays.n))
        assert out.flags.c_contiguous and out.shape[1:] == (len(saveat), self.arrays.n)
        p = p if p.shape[1] else np.zeros((1, 1))
        given = {"u0": u0, "p": p, "saveat": saveat, "out": out, "codes": codes, "ends": ends, "taken": taken}
        for name, array in given.items():
            self._keep(name, np.ascontiguousarray(array))
        state.u0_stride = u0.shape[1] if len(u0) > 1 else 0
        state.p_stride = p.shape[1] if len(p) > 1 else 0
        state.t0, state.steps, state.adaptive = grid.t0, grid.steps, int(isinstance(grid, Adaptive))
        if isinstance(grid, Adaptive):
            state.tick = tick = (grid.t1 - grid.t0) / 2**LEVELS
            state.rtol, state.first_ticks, state.rejected = grid.rtol, max(int(grid.first / tick), 1), 0
            self._keep("atol", np.ascontiguousarray(self._tolerances(grid)))
            ticks = np.rint((saveat - grid.t0) / tick).astype(np.int64)
            self._keep("save_ticks", np.minimum(ticks, 2**LEVELS))
        else:
            state.h = grid.h
            state.tick = grid.steps * grid.h / 2**LEVELS
            state.rejected = 0
        state.n_saveat, state.path, state.paths, state.begun = len(saveat), 0, paths, 0
        state.seed, state.first_path = _signed(seed), _signed(first_path)
        if self.jumps is not None:
            self.jumps.begin(state.seed, state.h, log)
        while True:
            state.budget = SLICE
            status = self._function(ctypes.addressof(state))
            if status == Status.LOG_FULL and self.jumps is not None:
                self.jumps.make_room()
            elif status != Status.BUDGET:
                break
            elif on_slice is not None:
                on_slice()
        for name in given:  # they are the caller's
            del self._kept[name]
        if out is not wanted:
            wanted[...] = out[:, :, :-1]
        return codes, ends, taken

    @property
    def u(self) -> np.ndarray:
        """The present state, a copy of shape (n,)."""
        return self._kept["u"].copy()

    def _tolerances(self, grid: Adaptive) -> np.ndarray:
        """Absolute tolerances, with that of a hazard, whose size is about 1."""
        return grid.atol if self.jumps is None else np.append(grid.atol, grid.rtol)


def _signed(number: int) -> int:
    """64 bits as the integer that has the same bits."""
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
