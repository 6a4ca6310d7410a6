"""A solve's memory and its conversation with the compiled loop.

A `Session` belongs to one system and one choice of methods. It can be run again and again with other
parameters, spans and tolerances; nothing is compiled or allocated for that.
"""

from __future__ import annotations

import ctypes
import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symde.engine.cpu import layout, linear_solvers
from symde.engine.cpu.arena import Arena, ask_for_methods
from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.executive import Executive
from symde.engine.cpu.invariants import SessionInvariants
from symde.engine.cpu.layout import Phase, Stage0, Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels
from symde.engine.cpu.mass import SessionMass, refuse_methods
from symde.engine.cpu.output import Output
from symde.engine.cpu.recording import Recording
from symde.engine.cpu.roots import MODES
from symde.engine.cpu.slots import PackedMethod, changed_memory
from symde.engine.cpu.wiring import give_memory, give_step_kernels, solver_for

_advance_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)

# by number, once: a look-up of an enumeration's member by its name takes 0.17 us in Python 3.11
_STATUSES = {int(status): status for status in Status}
_HANDLED = frozenset(
    int(status)
    for status in (
        Status.OUTPUT_FULL,
        Status.DENSE_FULL,
        Status.RECORD_FULL,
        Status.LOG_FULL,
        Status.BUDGET,
    )  # fmt: skip
)
_HAPPENING = frozenset((int(Status.ROOT), int(Status.STOPPED)))
_COUNTERS_AT = layout.State.accepted.offset
_STATE_FIELDS = frozenset(field[0] for field in layout.State._fields_)

SLICE_SECONDS = 0.1
"""The loop returns to Python about this often, for signals and progress."""


INPUTS = ("", "p", "", "", "", "", "direction_vector", "", "step_size", "f0", "")
"""Vector behind each place of the input table of kernels; the first, the state, is set before each call, the
last is what the model keeps for a session (`CONTEXT`)."""


class Counters(ctypes.Structure):
    """Counts of work: the part of the state that begins with `accepted`."""

    _fields_ = [(name, ctypes.c_int64) for name in layout.COUNTERS]

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in layout.COUNTERS}


@functools.lru_cache(maxsize=8)
def _direction(n: int) -> np.ndarray:
    """A fixed, irregular direction: the power iteration needs a part of every eigenvector."""
    return np.cos(1.0 + 2.399963 * np.arange(n)) + 0.1


def _leading(times: np.ndarray, t0: float) -> int:
    """How many of the times to save are the start."""
    count = 0
    while count < len(times) and times.item(count) == t0:
        count += 1
    return count


def _integers(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=np.int64)


class Session:
    """Buffers and state of one system under one or two methods (the second taken when stiffness shows).

    Args:
        kernels: The model's compiled functions.
        methods: One or two methods.
        linear_solver: Name of the solver of linear systems; "auto" with methods that solve none.
        preconditioner: For a linear solver that takes one.

    Raises:
        ValueError: the linear solver or a method cannot solve this model, or there is nothing for the linear
            solver to do, with the reason.
    """

    def __init__(
        self,
        kernels: Kernels,
        methods: Sequence[PackedMethod],
        linear_solver: str = linear_solvers.AUTO,
        preconditioner: Any = None,
    ) -> None:
        self.methods: tuple[PackedMethod, ...] = tuple(methods)
        self.executive: Executive | None = None
        self.past: Any = None
        given: Any = kernels
        events = given.events if getattr(kernels, "has_events", False) else None
        bounds = getattr(kernels, "bounds", ())
        if getattr(kernels, "mass", False):
            refuse_methods(self.methods)
        for method in self.methods:
            kernels = method.family.kernels(kernels, method.method)
        self.kernels = kernels
        self.chosen = tuple(packed.method for packed in methods)
        self.n, self.m = kernels.n, kernels.m
        self.padded = -(-self.n // layout.LANES) * layout.LANES
        self.implicit = any(method.implicit for method in self.methods)
        self.linear_solver = solver_for(kernels, self.methods, linear_solver)
        self._preconditioner = preconditioner
        self.mass = SessionMass(kernels) if getattr(kernels, "mass", False) else None
        self.constrained = False
        self.invariants = SessionInvariants(kernels) if getattr(kernels, "invariants", False) else None
        self._needs_matrix = self.linear_solver is not None and (
            self.linear_solver.matrix(preconditioner) or any(method.family.matrix for method in self.methods)
        )
        # a system may bring a loop of its own round that of every solve
        self.advance_address = function_address(getattr(kernels, "loop", "loop"), "advance")
        self._advance = _advance_type(self.advance_address)
        self.arrays, self._addresses = self._vectors()
        self.u, self.p = self.arrays["u"][: self.n], self.arrays["p"][: self.m]
        self.atol = self.arrays["atol"][: self.n]
        self._direction_vector = self.arrays["direction_vector"][: self.n]
        self._slots: Any = (layout.Slot * len(self.methods))(*(method.slot for method in self.methods))
        self._contexts = give_memory(self._slots, self.methods, kernels, self._addresses)
        self.state = layout.State()
        self._address = ctypes.addressof(self.state)
        # a plain view: the buffer of a ctypes structure costs more to ask for than to fill
        buffer: Any = (ctypes.c_uint8 * ctypes.sizeof(layout.State)).from_buffer(self.state)
        self._image = memoryview(buffer).cast("B")
        self._kept: dict[str, np.ndarray] = {}
        self.record: Recording | None = None
        self.stretches: Any = None
        self._companions: dict[Any, Any] = {}
        if events is not None or bounds:
            pieces = [changed_memory(method, self.n, self.padded) for method in self.methods]
            self.executive = Executive(events, bounds, self, pieces)
        self._fill_template()
        self.output = Output(self.state, self.n, max(method.degree for method in self.methods))
        self._saveat, self._saveat_address = np.empty(0), 0
        remember = getattr(self.kernels, "past", None)
        self.past = None if remember is None else remember(self)
        if self.past is not None and events is not None:
            self.past.refuse_with_events(self.methods)
        self._allowance = self._first_allowance()

    def _vectors(self) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        arena = Arena()
        parts = ask_for_methods(arena, self.methods, self.n, self.m, self.padded, self.implicit)
        if self._needs_matrix:
            arena.ask(jacobian=len(self.kernels.pattern[1]))
        if self.mass is not None:
            arena.ask(**self.mass.vectors(self.padded))
        if self.mass is not None or self.invariants is not None:
            arena.ask(displacement=self.padded)
        arrays, addresses = arena.allocate()
        self._carried = arrays["carried"]
        offset = 0
        for name, size, room in parts:
            if size:
                arrays[name] = self._carried[offset : offset + size]
                addresses[name] = addresses["carried"] + 8 * offset
            offset += room
        return arrays, addresses

    def _integer_array(self, name: str, values: Any) -> int:
        self._kept[name] = _integers(np.asarray(values))
        return self._kept[name].ctypes.data

    def _fill_template(self) -> None:
        """Everything that is the same for every run, kept as bytes and restored before each."""
        state, kernels = self.state, self.kernels
        for name, address in self._addresses.items():
            if name in _STATE_FIELDS:
                setattr(state, name, address)
        state.n, state.padded = self.n, self.padded
        state.slots, state.n_slots = ctypes.addressof(self._slots), len(self.methods)
        blocks = getattr(kernels, "blocks", ((0, self.n, 1),))
        state.blocks, state.n_blocks = self._integer_array("blocks", blocks), len(blocks)
        state.inputs = self._integer_array("inputs", [self._addresses.get(name, 0) for name in INPUTS])
        lay_out = getattr(kernels, "lay_out", None)
        if lay_out is not None:
            self.context, self.kept_by_model = lay_out(self._addresses["p"])
            self._kept["inputs"][CONTEXT] = ctypes.addressof(self.context)
        state.outputs = self._integer_array("outputs", np.zeros(8))
        state.rhs = kernels.address("rhs")
        state.patience, state.restarted, state.tightness = 1, 1, 1.0
        columns = blocks[-1][2] > 1
        state.stiff_fraction = layout.STIFF_FRACTION_OF_COLUMNS if columns else layout.STIFF_FRACTION
        first = self._slots[0]
        switches = len(self._slots) > 1
        if switches or not (first.implicit or first.fixed):
            state.jacobian_vector = kernels.address("jacobian_vector")
            # a method without a bound on the negative real axis has none to be held down by
            bounded = getattr(self.chosen[0], "real_stability", 0.0) < math.inf
            state.watch = int(state.jacobian_vector != 0 and (switches or bounded))
        self._watched = (
            state.jacobian_vector != 0
        )  # also methods that want the spectral radius for themselves
        if self.mass is not None:
            self.mass.fill(self)
        if self.invariants is not None:
            self.invariants.fill(self)
        self.constrained = self.mass is not None or self.invariants is not None
        if self.constrained:
            self._make_consistent = _advance_type(
                function_address(getattr(kernels, "consistent", "consistent"), "make_consistent")
            )
        if self.implicit:
            self._fill_linear_algebra()
        give_step_kernels(self._slots, self.methods, kernels, self.linear_solver, self.padded)
        if self.executive is not None:
            self.executive.attach(state)
        # all that `begin` does not pack itself
        self._template = bytes(state)[layout.State.t_low.offset :]
        self._direction = _direction(self.n)

    def _fill_linear_algebra(self) -> None:
        state, kernels, solver = self.state, self.kernels, self.linear_solver
        assert solver is not None
        if self._needs_matrix:
            state.row_pointers = self._integer_array("row_pointers", kernels.pattern[0])
            state.columns = self._integer_array("columns", kernels.pattern[1])
            state.entries = len(kernels.pattern[1])
        state.rhs_jacobian = kernels.address("rhs_jacobian" if self._needs_matrix else "rhs_gradient")
        self._linear = solver.lay_out(kernels, self._address, self._preconditioner)
        state.linear = ctypes.addressof(self._linear.data)
        for entry, module in solver.entries.items():
            setattr(state, entry, function_address(module, entry))

    def companion(self, kind: Any, make: Callable[[], Any]) -> Any:
        """What works on this session's memory, made once and kept with it."""
        if kind not in self._companions:
            self._companions[kind] = make()
        return self._companions[kind]

    def address_of(self, name: str) -> int:
        """Address of a vector of the session by name."""
        return self._addresses[name]

    @property
    def direction(self) -> np.ndarray:
        """Where the power iteration begins."""
        return self._direction

    @property
    def allowance(self) -> int:
        """Attempts of a first slice."""
        return self._allowance

    def take_error(self) -> BaseException | None:
        """The exception that a preconditioner raised, once; or what a model with delays says of them."""
        error = self._linear.take_error() if self.implicit else None
        return self.past.take_error() if error is None and self.past is not None else error

    # -- a run
    # ------------------------------------------------------------------------------------------------

    def begin(
        self,
        t0: float,
        t1: float,
        *,
        rtol: float,
        saveat: np.ndarray | None,
        save_steps: bool,
        dense: bool,
        dt0: float | None,
        dtmax: float,
        max_steps: int,
        stops: np.ndarray | None = None,
        single_step: bool = False,
        record: Recording | None = None,
        stretches: Any = None,
    ) -> None:
        """Ready a run from the values the caller has put into `u`, `p` and `atol`. `stretches` says how
        far the memory of interpolants may grow (`symde.engine.cpu.trajectory`); without, as far as needed."""
        self._carried.fill(0.0)
        self.dense_asked = dense
        if self.past is not None:
            self.past.begin(self, t0, t1, dense)
            dense, stretches = True, self.past
        if self._watched:
            self._direction_vector[...] = self._direction
        n_saveat = 0 if saveat is None else self._take_saveat(saveat)
        output = self.output
        if n_saveat + 64 * save_steps > output.capacity:
            output.resize(n_saveat + 64 * save_steps, 0)
        if dense and not output.row_capacity:
            output.resize_rows(64, 0)
        rows = 1 if save_steps else 0 if saveat is None else _leading(saveat, t0)
        for row in range(rows):
            output.t[row], output.u[row] = t0, self.u
        stop_place = 0, 0
        if stops is not None and len(stops):
            self._kept["stops"] = stops
            stop_place = stops.ctypes.data, len(stops)
        layout.RUN.pack_into(
            self._image, 0,
            t0, t0, t1, 1.0 if t1 >= t0 else -1.0, rtol, dt0 or 0.0, dtmax, max_steps, single_step,
            save_steps, *output.place, rows, self._saveat_address, n_saveat, rows if n_saveat else 0,
            dense, *output.row_place, *stop_place, self._template,
        )  # fmt: skip
        self.record, self.stretches = record, stretches
        if record is not None:
            record.begin(self.state)
        if self.constrained:
            if self.mass is None or self.mass.begin(self):
                self.make_consistent()
            else:
                self.state.refused = Status.INCONSISTENT
            if rows:
                output.u[:rows] = self.u
        if self.executive is not None:
            self.executive.begin(() if stops is None else tuple(stops.tolist()))

    def make_consistent(self) -> Status:
        """Change the present state so that it fulfils all constraints: algebraic variables solve the
        equations without a derivative, others keep their values, and what is kept at zero is. For the start
        of a run and after everything that sets the state; DONE, or INCONSISTENT, with which it will end."""
        if not self.constrained:
            return Status.DONE
        executive = self.executive
        modes = None if executive is None else executive.release_modes()
        status = _STATUSES[self._make_consistent(self._address)]
        if executive is not None and modes is not None:
            executive.lock_modes(modes)
        self.state.refused = 0
        if status != Status.DONE:
            self.state.refused, self.state.phase = status, Phase.START
        return status

    def settle(self) -> Status:
        """As `make_consistent`, after an event has set states: no value is a guess any more."""
        if self.invariants is None:
            return self.make_consistent()
        with self.invariants.without_guesses():
            return self.make_consistent()

    def _take_saveat(self, saveat: np.ndarray) -> int:
        """Copy the times to save; their number."""
        count = len(saveat)
        if len(self._saveat) < count:
            self._saveat = np.empty(2 * count)
            self._saveat_address = self._saveat.ctypes.data
        self._saveat[:count] = saveat
        return count

    def run(self, on_slice: Callable[[], None] | None = None) -> Status:
        """Advance until the loop is done, fails, or hands over at a stop or a step.

        Python regains control every `SLICE_SECONDS`, so that signals are seen; `on_slice` is called then.
        """
        state, advance, address = self.state, self._advance, self._address
        allowance, executive = self._allowance, self.executive
        outcome = None if executive is None else executive.prepare()
        # what happens within a slice, such as an event, does not begin another
        state.budget, started = allowance, time.perf_counter()
        while outcome is None:
            status = advance(address)
            if status not in _HANDLED:
                if executive is None or status not in _HAPPENING:
                    return _STATUSES[status]
                outcome = executive.take(status == Status.ROOT)
            elif status == Status.OUTPUT_FULL:
                self.output.more()
            elif status == Status.DENSE_FULL:
                had = self.output.row_capacity
                room = 2 * had if self.stretches is None else self.stretches.room(self)
                if room > had:
                    self.output.resize_rows(room, state.dense_count)
            elif status == Status.RECORD_FULL:
                assert self.record is not None
                self.record.make_room(state)
            elif status == Status.LOG_FULL:
                self.kept_by_model.make_room()
            else:
                if time.perf_counter() - started < 0.5 * SLICE_SECONDS:
                    allowance *= 2
                elif allowance > 1:
                    allowance //= 2
                if on_slice is not None:
                    on_slice()
                state.budget, started = allowance, time.perf_counter()
        return outcome

    def place_modes(self, address: int) -> None:
        """Where kernels find the branches that are modes."""
        self._kept["inputs"][MODES] = address
        own = getattr(getattr(self, "context", None), "inputs", 0)  # those of kernels of columns
        if own:
            ctypes.c_int64.from_address(own + 8 * MODES).value = address

    def stop_at(self, times: np.ndarray | None) -> None:
        """Let the loop stop exactly at these times, in the order of the run; None: at none."""
        state = self.state
        if self.executive is not None:
            self.executive.stop_at(() if times is None else tuple(times.tolist()))
        elif times is None:
            state.stops = state.n_stops = state.next_stop = 0
        else:
            self._kept["stops"] = times
            state.stops, state.n_stops, state.next_stop = times.ctypes.data, len(times), 0

    def _first_allowance(self) -> int:
        work = 100 * self.n
        if self.linear_solver is not None:
            work += int(self.linear_solver.cost(self.kernels) * 1000)
        return max(1, min(1000, 100_000_000 // work))

    # -- what the state holds
    # -----------------------------------------------------------------------------------

    def vector(self, name: str) -> np.ndarray:
        """A copy of a vector of the state by name; `u` moves between two places as steps are accepted."""
        buffer = (ctypes.c_double * self.n).from_address(getattr(self.state, name))
        return np.array(buffer)

    def counters(self) -> Counters:
        """Counts of work, as they stand now."""
        return Counters.from_buffer_copy(self.state, _COUNTERS_AT)

    def load_u(self, u: np.ndarray) -> None:
        """Replace the present state of a run that has been started."""
        buffer = (ctypes.c_double * self.n).from_address(self.state.u)
        buffer[:] = u.tolist()
        if self.past is not None and self.started:
            self.past.note_jump(self.state.t)
        self._forget_past()
        self.make_consistent()
        if self.executive is not None:
            self.executive.forget()

    def _forget_past(self) -> None:
        """Nothing of what was known at the present state holds."""
        self.state.stage0, self.state.jacobian_fresh, self.state.restarted = Stage0.STALE, 0, 1
        ctypes.memset(self.state.u_low, 0, 8 * self.n)

    def restart(self) -> None:
        """Go on from a present state that has jumped. One-step methods keep the size of their steps, as the
        error test corrects it; multistep ones begin at order 1, for which it would be far too large."""
        self._forget_past()
        state, method = self.state, self.methods[self.state.active]
        state.log_error_old = 0.0
        if method.family.multistep and state.phase != Phase.START:
            state.phase, state.h_next = Phase.START, 0.0

    @property
    def started(self) -> bool:
        """Whether the first right-hand side has been evaluated."""
        return self.state.phase != Phase.START
