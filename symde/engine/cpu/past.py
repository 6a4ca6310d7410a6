"""The past of a delay equation's solve: readied for a run, and kept in bounded memory where that can be."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.engine.cpu.delays import DELAYED, MOVING, NO_SLOPE, TABLE, WHAT, WHOLE
from symde.engine.cpu.library import function_address

if TYPE_CHECKING:
    from symde.engine.cpu.delays import DelaySystem
    from symde.engine.cpu.slots import PackedMethod

ITERATING = {
    **dict.fromkeys(("explicit", "explicit_two_estimates", "rosenbrock", "esdirk"), "interpolate"),
    "radau": "interpolate_attempt",
}
"""Those whose steps may be longer than a delay, as they are repeated with their own interpolant, and the
entry that gives the interpolant of a step that is not accepted. Steps of the others are no longer than the
smallest delay: what they keep between steps would have to be put back."""

HIGHEST_ORDER = 8
"""Discontinuities in higher derivatives are left to the control of the error."""

MULTISTEP_ORDER = 2
"""The same for multistep methods, which begin anew at each: that costs them twice the steps and more."""

LEAST_ROWS, MOST_ROWS, LEAST_BYTES = 64, 4096, 2**18
"""Interpolants that there is room for from the beginning: as many as take so many bytes, within these bounds.
With 64 the solve of a scalar equation takes half as long again, as rows are dropped every few steps."""


class Past:
    """The past of a session's solve, and what readies it.

    Args:
        system: The kernels.
        session: Its slots are changed so that they step through `delay_steps`.
    """

    def __init__(self, system: DelaySystem, session: Any) -> None:
        self._system, data = system, session.context
        self._arrays: dict[str, np.ndarray] = session.kept_by_model[1]
        degree = max(method.degree for method in session.methods)
        self._row = np.zeros(2 + session.n * (1 + degree))
        self._data, self._keep_all = data, True
        data.state, data.own = ctypes.addressof(session.state), self._row.ctypes.data
        data.degree = degree
        self._add_whole_steps(session)
        session._kept["inputs"][DELAYED] = data.delayed
        self._add_derivatives(session)
        step = function_address("delay_steps", "attempt")
        orders = []
        for i, (slot, packed) in enumerate(zip(session._slots, session.methods, strict=True)):
            self._arrays["attempts"][i], slot.attempt = slot.attempt, step
            entry, module = ITERATING.get(packed.method.family), packed.family.module
            self._arrays["iterates"][i] = 0 if entry is None else function_address(module, entry)
            order = getattr(packed.method, "order", HIGHEST_ORDER)
            orders.append(min(order, MULTISTEP_ORDER) if packed.family.multistep else order)
        data.highest_order = min(max(orders), HIGHEST_ORDER)

    def _add_whole_steps(self, session: Any) -> None:
        """Whole steps and interpolants as kernels, and room for the delayed values that they read."""
        data, arrays, model = self._data, self._arrays, self._system.model
        rows = dict.fromkeys(WHOLE, 0)
        for i, (slot, packed) in enumerate(zip(session._slots, session.methods, strict=True)):
            found: dict[str, Any] = {}
            if slot.step and packed.method.family != "radau":
                found["fused"] = model.fused_step(packed.method)
                found["step"] = model.delayed_step(packed.method, session.padded)
            if slot.interpolant:
                found["interpolant"] = model.delayed_interpolant(
                    packed.method, packed.interpolant, session.padded
                )
            for kind, kernel in found.items():
                if kernel is None:
                    continue
                nodes = arrays[f"{kind}_nodes_{i}"] = np.array(kernel.nodes)
                values = (kernel.address, nodes.ctypes.data, len(nodes), kernel.slopes)
                for what, value in zip(WHAT, values, strict=True):
                    arrays[f"{kind}_{what}"][i] = value
                rows[kind] = max(rows[kind], len(nodes))
            if found.get("fused") is not None or found.get("interpolant") is not None:
                self._fill_tables(session, i, packed)
        data.interpolant_row = max(rows["fused"], rows["step"])
        arrays["delayed"] = np.zeros((1 + data.interpolant_row + rows["interpolant"]) * data.row_length)
        data.delayed = arrays["delayed"].ctypes.data

    def _fill_tables(self, session: Any, i: int, packed: PackedMethod) -> None:
        """What does not change in the tables of a fused step and of an interpolant."""
        stages, coefficients = session.address_of("stages"), session.address_of("coefficients")
        inputs, outputs, powers = (
            self._arrays[f"{name}puts"][TABLE * i : TABLE * (i + 1)]
            for name in ("fused_in", "fused_out", "interpolant_out")
        )
        count, length = len(packed.method.b), 8 * session.padded
        inputs[:10] = session._kept["inputs"][:10]
        inputs[9] = stages
        outputs[2] = session.address_of("error")
        outputs[3 : 2 + count] = stages + length * np.arange(1, count)
        self._arrays["fused_stages"][i] = count
        rows = 1 + packed.degree
        powers[:rows] = coefficients + length * np.arange(rows)
        extra = packed.stages - count
        powers[rows : rows + extra] = stages + length * (count + np.arange(extra))

    def _add_derivatives(self, session: Any) -> None:
        """The kernels of derivatives that the session's methods need."""
        model, data = self._system.model, self._data
        if session.implicit:
            data.rhs_jacobian = model.address("rhs_jacobian")
            data.slopes_of_derivatives |= model.model_graph.slopes_of_linearised
        if session.state.jacobian_vector:
            data.jacobian_vector = model.address("jacobian_vector")
            data.slopes_of_derivatives |= model.model_graph.slopes_of_product

    def begin(self, session: Any, t0: float, t1: float, dense: bool) -> None:
        """Ready a run of the session.

        Raises:
            ValueError: it goes backwards in time.
        """
        if t1 < t0:
            raise ValueError(
                "a model with delays is solved forwards in time only: its past is known, not its future"
            )
        self._keep_all = dense
        if not session.output.row_capacity:
            room = LEAST_BYTES // (8 * len(self._row))
            session.output.resize_rows(max(LEAST_ROWS, min(room, MOST_ROWS)), 0)

    def keep(self, rows: np.ndarray, n: int, start: float, first: int) -> None:
        """Have another solution looked up, of n states that stand behind `first` others; its rows must live
        on."""
        data = self._data
        data.kept_rows, data.kept_count, data.kept_width = rows.ctypes.data, len(rows), rows.shape[1]
        data.kept_n, data.kept_start, data.kept_first = n, start, first

    def discontinuities(self) -> tuple[np.ndarray, np.ndarray]:
        """Times and orders of the discontinuities that are remembered of the last run."""
        count = self._data.n_breaks
        return self._arrays["breaks"][:count].copy(), self._arrays["break_orders"][:count].copy()

    def refuse_with_events(self, methods: Sequence[PackedMethod]) -> None:
        """Refuse what is not solved together with events.

        Raises:
            ValueError: there is such.
        """
        plan = self._system.model.model_graph.plan
        what = "that follow time or states" if not plan.constant.all() else "and delayed derivatives"
        if not plan.constant.all() or plan.neutral:
            raise ValueError(
                f"a model with events and delays {what} is not solved by this version: with events delays "
                "are constants or parameters, and values are read, not derivatives"
            )
        for packed in methods:
            if packed.family.multistep:
                raise ValueError(
                    f"{packed.method.name} does not solve models with delays and events in this version, as "
                    "it would begin anew at each: take a one-step method such as Tsit5, Vern7 or Rodas5P"
                )

    def note_jump(self, t: float, moves: np.ndarray | None = None) -> int:
        """The host has changed the state at t, where a step has just ended.

        Args:
            t: When.
            moves: Derivatives of t by what the columns belong to, shape (columns,), where there are columns.

        Returns:
            Place of the discontinuity among those that are remembered, -1 where there is no room.
        """
        data, breaks, orders = self._data, self._arrays["breaks"], self._arrays["break_orders"]
        last = data.n_breaks - 1
        if not abs(breaks[last] - t) <= 1e-14 * abs(t):
            if data.n_breaks == len(breaks):
                data.forgotten += 1
                return -1
            last += 1
            data.n_breaks += 1
        breaks[last], orders[last] = t, 0
        if moves is not None:
            orders[last] = MOVING
            columns = self._arrays["break_columns"].reshape(len(breaks), -1)
            columns[last, : len(moves)] = moves
        return last

    def room(self, session: Any) -> int:
        """Interpolants that the full memory is to hold: those that no delay reaches are dropped where that is
        enough."""
        capacity, state, data = session.output.row_capacity, session.state, self._data
        self._arrays["windows"].fill(0.0)  # the rows are about to move
        if self._keep_all or not data.all_constant:
            return 2 * capacity
        count, rows = state.dense_count, session.output.rows
        reached = state.t_old - self._arrays["lags"].max(where=self._arrays["constant"] == 1, initial=0.0)
        first = int(np.searchsorted(rows[:count, 0], reached, side="right")) - 1
        # a row more, for times that rounding takes before the first
        first = max(first - 1, 0)
        rows[: count - first] = rows[first:count].copy()
        state.dense_count = count - first
        return capacity if count - first <= capacity // 2 else 2 * capacity

    def last_read(self) -> np.ndarray:
        """The delayed values that were read last, as kernels read them."""
        return self._arrays["delayed"][: self._data.row_length].copy()

    def broken_history(self) -> int | None:
        """Index of a state that is read before t0 and whose history was not finite at last, if one was."""
        plan = self._system.model_graph.plan
        for k in np.flatnonzero(self._arrays["passed"] == 0):
            for q in range(plan.pair_first[k], plan.pair_first[k + 1]):
                if not np.isfinite(self._arrays["history"][plan.value[q]]):
                    return int(plan.state[q])
        return None

    def take_error(self) -> BaseException | None:
        """Why the last run ended, where a delay was the reason."""
        data = self._data
        if data.stuck:
            return ValueError(
                f"a delay vanishes near t = {data.fault_at:g}, and steps of this method are no longer than a "
                "delay: use an explicit Runge-Kutta, Rosenbrock, ESDIRK or Radau method, such as Vern7 or "
                "Rodas5P"
            )
        if data.fault == NO_SLOPE:
            return ValueError(
                f"a delay vanishes at t = {data.fault_at:g}, where derivatives that are read depend on "
                "themselves, and putting them in over and over leads to no values: tell them by the history, "
                "`history y = 1 + 2*t` for y' = 2"
            )
        if not data.fault:
            return None
        node = self._system.model_graph.delays.times[data.fault - 1]
        span = self._system.graph.span[node]
        text = "a delayed value"
        if span is not None:
            line = span.source.position(span.start)[0]
            text = f"the time `{' '.join(span.text.split())}` ({span.source.name}, line {line})"
        return ValueError(
            f"{text} is not in the past at t = {data.fault_at:g}: a constant delay must be above 0, and one "
            "that changes may vanish but not turn negative; check its parameters"
        )
