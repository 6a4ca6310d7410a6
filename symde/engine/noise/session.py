"""The memory of paths and its conversation with the compiled loop."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.noise_events import EventArrays, NoiseEventMemory
from symde.engine.cpu.noise_jumps import NoiseJumpMemory
from symde.engine.cpu.noise_layout import DRAWS, LEVELS, NESTED, NoiseState, Sizes
from symde.engine.noise.draws import draws_of
from symde.engine.noise.implicit import DriftPattern, DriftSystem
from symde.engine.noise.method import NoiseMethod

SLICE_SECONDS = 0.1
"""Time after which a loop returns to Python, for signals and progress, about."""

FIRST_SLICE = 100_000
"""Steps of a loop before that of which it is known how long they take, of all states together."""

_run_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)


@dataclass(frozen=True, slots=True, eq=False)
class NoiseArrays:
    """An equation as the compiled loops read it.

    Attributes:
        n, motions: Numbers of states and of Brownian motions.
        rows, columns: State and motion of each entry of the diffusion matrix.
        product_rows, product_first, product_second: State and motions of the products of Milstein's method.
        pairs: Brownian motions whose Levy area that needs, shape (pairs, 2).
        together: Whether no motion changes the coefficients of another: additive, diagonal and scalar noise.
        low, high: Domains of the states, shape (n,).
        jacobian: Gives the pattern of the drift's Jacobian by rows: starts and columns.
        address: Of a kernel, by its name: "drift", "diffusion", "both", "milstein" or "linearised".
        jumps: The jumps, whose hazard is the last state; None: there are none.
        events: The events; None: there are none. A model has jumps or events.
        directions: How many derivatives along directions stand behind the states; `n`, the entries and the
            products count theirs.
        parameters: Number of parameters, of which directions have changes.
        along: Addresses of the kernels of these derivatives, by the same names.
    """

    n: int
    motions: int
    rows: np.ndarray
    columns: np.ndarray
    product_rows: np.ndarray
    product_first: np.ndarray
    product_second: np.ndarray
    pairs: np.ndarray
    together: bool
    low: np.ndarray
    high: np.ndarray
    jacobian: Callable[[], tuple[np.ndarray, np.ndarray]]
    address: Callable[[str], int]
    jumps: JumpArrays | None = None
    events: EventArrays | None = None
    directions: int = 0
    parameters: int = 0
    along: Mapping[str, int] = field(default_factory=dict)

    def with_directions(self, count: int, parameters: int, along: Mapping[str, int]) -> NoiseArrays:
        """The same equation with derivatives along so many directions."""

        def repeated(places: np.ndarray, shift: int) -> np.ndarray:
            return np.concatenate([places + shift * one for one in range(count + 1)])

        return replace(
            self,
            n=self.n * (count + 1),
            rows=repeated(self.rows, self.n),
            columns=repeated(self.columns, 0),
            product_rows=repeated(self.product_rows, self.n),
            product_first=repeated(self.product_first, 0),
            product_second=repeated(self.product_second, 0),
            directions=count,
            parameters=parameters,
            along=along,
        )


@dataclass(frozen=True, slots=True, eq=False)
class JumpArrays:
    """Jumps beside noise.

    Attributes:
        channels: How many.
        constant: Whether no state and no time changes a rate.
        rates: Address of the kernel of the rates.
        effects: What they do (`symde.codegen.effects.Effects`).
        names: Of the channels.
        along, back: Addresses of the kernels of derivatives of what they do, by channel
            (`symde.codegen.effect_derivatives`); None: these are not wanted.
    """

    channels: int
    constant: bool
    rates: int
    effects: Any
    names: tuple[str, ...]
    along: np.ndarray | None = None
    back: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal steps: t0 + k*h up to k = steps, which is t1 but for rounding.

    Attributes:
        limit: On the steps of a path, where jumps end some as well.
    """

    t0: float
    h: float
    steps: int
    limit: int = 2**62
    t1: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Adaptive:
    """Steps whose size follows the error.

    Attributes:
        t0, t1: The span.
        first: The first step that is tried.
        rtol, atol: Tolerances of a step, atol of shape (n,).
        steps: Limit on the steps of a path.
        begin, end: The part of the span that is followed; None: all of it.
    """

    t0: float
    t1: float
    first: float
    rtol: float
    atol: np.ndarray
    steps: int
    begin: float | None = None
    end: float | None = None


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
        state.together = int(arrays.together)
        state.products = len(arrays.product_rows)
        state.bounded = int(np.isfinite(arrays.low).any() or np.isfinite(arrays.high).any())
        parts = arrays.directions + 1
        state.own, state.own_entries, state.own_products = (
            count // parts for count in (n, entries, state.products)
        )
        state.directions, state.parameters = arrays.directions, arrays.parameters
        for name in method.kernels:
            setattr(state, name, arrays.address(name))
        for name, address in arrays.along.items():
            setattr(state, f"along_{name}", address)
        self._keep("along_inputs", np.zeros(5, dtype=np.int64))
        self._keep("along_outputs", np.zeros(3, dtype=np.int64))
        self._kept["along_inputs"][0] = self._kept["inside"].ctypes.data
        state.per_motion, state.pairs = method.per_motion, len(arrays.pairs) if method.double else 0
        self._keep("pair_first", np.ascontiguousarray(arrays.pairs[:, 0]))
        self._keep("pair_second", np.ascontiguousarray(arrays.pairs[:, 1]))
        self._keep("levy", np.zeros(arrays.motions**2 if state.pairs else 1))
        table = method.tableau
        state.stages = 0 if table is None else table.stages
        self._keep("table", np.zeros(1) if table is None else np.ascontiguousarray(table.packed()))
        for name in ("w_start", "a_start", "w_end", "a_end", "increments", "areas"):
            self._keep(name, np.zeros(max(arrays.motions, 1)))
        self._keep("interval_ends", np.zeros(NESTED, dtype=np.int64))
        self._keep("tree", np.zeros(4 * (LEVELS + 1) * max(arrays.motions, 1)))
        if "linearised" in method.kernels:
            self._add_systems()
        entry = method.entry if arrays.jumps is None else f"{method.entry}_jumps"
        entry = entry if arrays.events is None else f"{method.entry}_events"
        self.jumps = None if arrays.jumps is None else NoiseJumpMemory(arrays.jumps, n, arrays.directions)
        state.jumps = 0 if self.jumps is None else self.jumps.address
        self.events: NoiseEventMemory | None = None
        if arrays.events is not None:
            self.events = NoiseEventMemory(arrays.events, n, arrays.motions, arrays.directions)
            state.events = self.events.address
        self._function = loop_at(function_address(method.module, entry))

    def _add_systems(self) -> None:
        """What implicit steps solve: for the stages, and for the derivatives of these."""
        arrays, state, n = self.arrays, self.state, self.state.own
        pattern = arrays.jacobian()
        systems = [DriftSystem(DriftPattern(n, pattern)) for _ in range(1 + (arrays.directions > 0))]
        for name in ("rhs", "correction", "still", "scratch"):
            self._keep(name, np.zeros(n))
        places = zip(systems, ("system", "second"), ("linearised_outputs", "second_outputs"), strict=False)
        for system, name, outputs in places:
            setattr(state, name, system.address)
            given = [self._kept["scratch"].ctypes.data, system.jacobian.ctypes.data]
            self._keep(outputs, np.array(given, dtype=np.int64))
        self._systems = systems

    def _keep(self, name: str, array: np.ndarray) -> None:
        self._kept[name] = array
        if hasattr(self.state, name):
            setattr(self.state, name, array.ctypes.data)

    def buffer(self, name: str) -> np.ndarray:
        """A vector that the compiled loop works in."""
        return self._kept[name]

    def _sizes(self, grid: Grid | Adaptive) -> Sizes:
        """How steps get their sizes."""
        if isinstance(grid, Grid):
            return Sizes.EQUAL
        if self.method.previsible:
            return Sizes.PREVISIBLE
        return Sizes.HALVED if len(self.arrays.pairs) else Sizes.FREE

    def _draw_for(self, grid: Grid | Adaptive) -> None:
        """Room for the random numbers of steps."""
        state, motions = self.state, self.arrays.motions
        draws = draws_of(motions, state.per_motion, state.pairs, grid.steps)
        state.terms, state.rest = draws.terms, draws.rest
        state.numbers, state.per_step, state.block = draws.numbers, draws.per_step, draws.block(DRAWS)
        length = state.block * state.numbers + 1
        if len(self._kept.get("normals", ())) != length:
            self._keep("words", np.zeros(length, dtype=np.int64))
            self._keep("normals", np.zeros(length))

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
        ends_of_steps: np.ndarray | None = None,
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
            changes: Of the parameters along each direction, shape (paths, directions, m), or one for all
                paths; the directions of the initial state stand in u0.
            ends_of_steps: Takes the ends of steps that follow the error, in 2^-LEVELS of the span: of one
                path, with room for its steps.
            log: Whether jumps and events are logged.

        Returns:
            The status of each path, the time it reached, and how many steps it took, shape (paths,).
        """
        wanted, make_room = out, None
        if self.jumps is not None:  # the states and their hazard
            u0 = self.with_hazard(u0, 1.0)
            out = np.empty((len(out), len(saveat), self.arrays.n))
            step, limit = (grid.h, grid.limit) if isinstance(grid, Grid) else (0.0, grid.steps)
            self.jumps.begin(signed(seed), step, limit, log)
            make_room = self.jumps.make_room
        if self.events is not None:
            make_room = self.events.make_room
        assert out.flags.c_contiguous and out.shape[1:] == (len(saveat), self.arrays.n)
        paths = len(out)
        codes, ends, taken = np.zeros(paths, np.int64), np.zeros(paths), np.zeros(paths, np.int64)
        told = {"out": out, "codes": codes, "ends": ends, "taken": taken}
        with self.readied(grid, u0, p, seed, first_path, saveat, paths, changes, ends_of_steps, told):
            if self.events is not None:
                self.events.begin(grid, p, self.state.per_step, log)
            run_in_slices(self._function, self.state, self.state, on_slice, make_room)
        if out is not wanted:
            parts = out.reshape(*out.shape[:2], self.arrays.directions + 1, -1)
            wanted[...] = parts[..., :-1].reshape(wanted.shape)
        return codes, ends, taken

    def with_hazard(self, u: np.ndarray, first: float) -> np.ndarray:
        """States, or weights of such, and derivatives of them along directions behind, with a place for the
        hazard of jumps and its derivatives, which are 0."""
        parts = u.reshape(*u.shape[:-1], self.arrays.directions + 1, -1)
        hazard = np.zeros((*parts.shape[:-1], 1))
        hazard[..., 0, :] = first
        return np.concatenate([parts, hazard], axis=-1).reshape(*u.shape[:-1], -1)

    @contextmanager
    def readied(
        self,
        grid: Grid | Adaptive,
        u0: np.ndarray,
        p: np.ndarray,
        seed: int,
        first_path: int,
        saveat: np.ndarray,
        paths: int,
        changes: np.ndarray | None = None,
        ends_of_steps: np.ndarray | None = None,
        told: Mapping[str, np.ndarray] = MappingProxyType({}),
    ) -> Iterator[None]:
        """The state holds what the compiled loops read; arguments as of `run`, and its results by name."""
        state = self.state
        p = p if p.shape[1] else np.zeros((1, 1))
        changes = np.zeros((1, 1, 1)) if changes is None else changes
        ends_of_steps = np.zeros(0, np.int64) if ends_of_steps is None else ends_of_steps
        given = {
            "u0": u0,
            "p": p,
            "saveat": saveat,
            "changes": changes,
            "ends_of_steps": ends_of_steps,
            **told,
        }
        for name, array in given.items():
            self._keep(name, np.ascontiguousarray(array))
        self._draw_for(grid)
        state.u0_stride = u0.shape[1] if len(u0) > 1 else 0
        state.p_stride = p.shape[1] if len(p) > 1 else 0
        state.changes_stride = changes[0].size if len(changes) > 1 else 0
        state.ends_of_steps = ends_of_steps.ctypes.data if len(ends_of_steps) else 0
        state.t0, state.steps, state.adaptive = grid.t0, grid.steps, self._sizes(grid)
        if isinstance(grid, Adaptive):
            state.tick = tick = (grid.t1 - grid.t0) / 2**LEVELS
            parts = (grid.begin, grid.t0), (grid.end, grid.t1)
            state.rtol, state.first_ticks, state.rejected = grid.rtol, max(int(grid.first / tick), 1), 0
            begin, end = (given if given is not None else whole for given, whole in parts)
            state.first_tick, state.last_tick = (round((one - grid.t0) / tick) for one in (begin, end))
            self._keep("atol", np.ascontiguousarray(self._tolerances(grid)))
            ticks = np.rint((saveat - grid.t0) / tick).astype(np.int64)
            self._keep("save_ticks", np.minimum(ticks, 2**LEVELS))
        else:
            state.h = grid.h
            state.tick = grid.steps * grid.h / 2**LEVELS
            state.rejected = 0
        state.n_saveat, state.path, state.paths, state.begun = len(saveat), 0, paths, 0
        state.seed, state.first_path = signed(seed), signed(first_path)
        try:
            yield
        finally:
            for name in given:  # they are the caller's
                del self._kept[name]

    @property
    def u(self) -> np.ndarray:
        """The present state, a copy of shape (n,)."""
        return self._kept["u"].copy()

    def _tolerances(self, grid: Adaptive) -> np.ndarray:
        """Absolute tolerances, with that of a hazard, whose size is about 1."""
        return grid.atol if self.jumps is None else np.append(grid.atol, grid.rtol)


def run_in_slices(
    function: Callable[[int], int],
    state: Any,
    main: Any,
    on_slice: Callable[[], None] | None,
    make_room: Callable[[], None] | None = None,
) -> int:
    """Call a compiled loop over `main` again until it is through, and give its status; `state` holds its
    allowance of steps, and `make_room` is called where a log is full."""
    steps = max(FIRST_SLICE // max(state.n, 1), 1)
    while True:
        state.budget, began = steps, time.perf_counter()
        status = function(ctypes.addressof(main))
        if status == Status.LOG_FULL and make_room is not None:
            make_room()
        elif status != Status.BUDGET:
            return status
        else:
            seconds = time.perf_counter() - began
            steps = 2 * steps if seconds < SLICE_SECONDS / 2 else max(int(steps * SLICE_SECONDS / seconds), 1)
            if on_slice is not None:
                on_slice()


def loop_at(address: int) -> Callable[[int], int]:
    """A compiled loop."""
    return _run_type(address)


def signed(number: int) -> int:
    """64 bits as the integer that has the same bits."""
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
