"""The memory of paths side by side and its conversation with the compiled loop."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.noise_lanes_layout import CHANGES, DRAWS, FIRST_OWN, WIDTH, NoiseLanes
from symde.engine.noise.draws import draws_of
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.session import Adaptive, Grid, NoiseArrays, loop_at, run_in_slices, signed


class LaneSession:
    """Buffers for paths of one equation by one method, several side by side, with steps of one size.

    Args:
        arrays: The equation.
        method: How steps are taken.
        kernel: Address of its whole step (`symde.codegen.noise_steps`).
        parameters: Their number.
        along: Address of the derivative of a step along a direction, where the equation has such.

    Attributes:
        state: What the compiled loop reads and writes.
        jumps: None: these paths have no jumps.
    """

    jumps = None
    events = None

    def __init__(
        self, arrays: NoiseArrays, method: NoiseMethod, kernel: int, parameters: int, along: int = 0
    ) -> None:
        self.arrays, self.method = arrays, method
        n, pairs = arrays.n, arrays.pairs if method.double else arrays.pairs[:0]
        self.state = NoiseLanes(
            n=n, own=n // (arrays.directions + 1), parameters=parameters, directions=arrays.directions,
            along=along, motions=arrays.motions, per_motion=method.per_motion,
            pairs=len(pairs), kernel=kernel,
            bounded=int(np.isfinite(arrays.low).any() or np.isfinite(arrays.high).any()),
        )  # fmt: skip
        self._kept: dict[str, np.ndarray] = {}
        lengths = {"u": n, "old": n, "lane_p": parameters, "levy": len(pairs), "sizes": 5}
        lengths["lane_changes"] = parameters * arrays.directions
        for name, length in {**lengths, "time": 1, "doubt": 1}.items():
            self._keep(name, np.zeros((max(length, 1), WIDTH)))
        self._keep("alive", np.zeros(WIDTH, np.int64))
        self._keep("low", arrays.low)
        self._keep("high", arrays.high)
        self._keep("pair_first", np.ascontiguousarray(pairs[:, 0]))
        self._keep("pair_second", np.ascontiguousarray(pairs[:, 1]))
        self._keep("inputs", np.zeros(CHANGES + 1, np.int64))
        self._keep("outputs", np.zeros(1, np.int64))
        places = {1: "lane_p", FIRST_OWN: "time", FIRST_OWN + 1: "sizes", FIRST_OWN + 4: "levy"}
        for place, name in places.items():
            self._kept["inputs"][place] = self._kept[name].ctypes.data
        self._function = loop_at(function_address("noise_lanes", "run"))

    def _keep(self, name: str, array: np.ndarray) -> None:
        self._kept[name] = array
        if hasattr(self.state, name):
            setattr(self.state, name, array.ctypes.data)

    def _draw_for(self, grid: Grid) -> None:
        """Room for the random numbers of a block of steps."""
        state = self.state
        draws = draws_of(state.motions, state.per_motion, state.pairs, grid.steps)
        state.terms, state.rest = draws.terms, draws.rest
        state.numbers, state.block = draws.numbers, draws.block(DRAWS)
        length = state.block * state.numbers + 1
        if len(self._kept.get("spare", ())) != length:
            self._keep("words", np.zeros(WIDTH * length, np.int64))
            self._keep("normals", np.zeros(WIDTH * length))
            self._keep("spare", np.zeros(length))

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
        changes: np.ndarray | None = None,
        log: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Follow paths to their ends; arguments and results as of `NoiseSession.run`, but steps are of
        one size, and there are no jumps that could be logged.

        Raises:
            MemoryError: a step of a large model found no memory.
        """
        assert out.flags.c_contiguous and out.shape[1:] == (len(saveat), self.arrays.n)
        state, paths = self.state, len(out)
        codes, ends, taken = np.zeros(paths, np.int64), np.zeros(paths), np.zeros(paths, np.int64)
        given = self.make_ready(grid, u0, p, seed, first_path, saveat, paths)
        changes = np.zeros((1, 1)) if changes is None else np.ascontiguousarray(changes)
        state.changes, state.changes_stride = changes.ctypes.data, changes[0].size if len(changes) > 1 else 0
        for name, array in {"out": out, "codes": codes, "ends": ends, "taken": taken}.items():
            setattr(state, name, array.ctypes.data)
        if run_in_slices(self._function, state, state, on_slice) != Status.DONE:
            raise MemoryError("no memory for a step of the model")
        del given
        return codes, ends, taken

    def make_ready(
        self,
        grid: Grid | Adaptive,
        u0: np.ndarray,
        p: np.ndarray,
        seed: int,
        first_path: int,
        saveat: np.ndarray,
        paths: int,
    ) -> tuple[np.ndarray, ...]:
        """Let the state hold what the compiled loops read; arguments as of `run`. What comes back is to be
        kept until they are through."""
        assert isinstance(grid, Grid)
        state, h = self.state, grid.h
        u0, p, saveat = given = tuple(np.ascontiguousarray(one) for one in (u0, p, saveat))
        for name, array in zip(("u0", "p", "saveat"), given, strict=True):
            setattr(state, name, array.ctypes.data)
        state.u, state.old = self._kept["u"].ctypes.data, self._kept["old"].ctypes.data
        self._draw_for(grid)
        root = math.sqrt(h)
        sizes = h, root, 1.0 / h, 1.0 / root, math.sqrt(h / 3.0)
        self._kept["sizes"][...] = np.array(sizes)[:, None]
        state.u0_stride = u0.shape[1] if len(u0) > 1 else 0
        state.p_stride = p.shape[1] if len(p) > 1 else 0
        state.t0, state.h, state.steps, state.n_saveat = grid.t0, h, grid.steps, len(saveat)
        state.path, state.paths, state.begun = 0, paths, 0
        state.seed, state.first_path = signed(seed), signed(first_path)
        return given

    @property
    def inputs(self) -> np.ndarray:
        """The table of inputs of a step, a copy."""
        return self._kept["inputs"].copy()
