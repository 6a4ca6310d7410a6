"""Delay differential equations as a system of their own: its memory and its kernels.

To methods it is a model like any other. Its right-hand side evaluates the times of the delayed values, looks
these up in the interpolants of the accepted steps (before t0 in the history), and calls the model's own. The
interpolants are the rows of the dense output, which such a solve always keeps; where the largest delay is known
and nobody asked for dense output, those that no delay reaches any more make room.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), chapters 3 and 4.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import addresses

DELAYED = 4
"""Place of the delayed values in the input table of kernels."""

FAMILIES = ("explicit", "explicit_two_estimates", "rosenbrock", "esdirk", "radau", "bdf", "adams")
"""Families whose methods solve equations with delays."""

ITERATING = {
    **dict.fromkeys(("explicit", "explicit_two_estimates", "rosenbrock", "esdirk"), "interpolate"),
    "radau": "interpolate_attempt",
}
"""Those whose steps may be longer than a delay, as they are repeated with their own interpolant, and the entry
that gives the interpolant of a step that is not accepted. Steps of the others are no longer than the smallest
delay: what they keep between steps would have to be put back."""

BREAKS = 4096
"""Discontinuities that are remembered at a time."""

HIGHEST_ORDER = 8
"""Discontinuities in higher derivatives are left to the control of the error."""

LEAST_ROWS, MOST_ROWS, LEAST_BYTES = 64, 4096, 2**18
"""Interpolants that there is room for from the beginning: as many as take so many bytes, within these bounds. With
64 the solve of a short scalar equation takes twice as long, as rows are dropped every few steps."""

WINDOW = 4
"""Doubles of the window of one time; the last is not used."""

DelayData = structure(
    "DelayData",
    "What the kernels and the loop of delay equations work on.",
    n=int64,
    times=int64,  # number of distinct times s
    levels=int64,  # how often they are evaluated until all are known
    state=int64,  # the `State` of the solve, whose dense rows are the past
    rhs=int64,  # kernels of the model
    rhs_jacobian=int64,
    jacobian_vector=int64,
    delay_times=int64,
    histories=int64,
    pair_first=int64,  # pairs of each time: places in `delayed`, states, orders, places in the history
    place=int64,
    pair_state=int64,
    order=int64,
    value=int64,
    slope=int64,
    constant=int64,  # for each time whether it is t - lag
    lags=int64,
    all_constant=int64,
    s=int64,  # the times at the last evaluation
    outputs=int64,  # table of one entry for kernels of ours
    delayed=int64,  # values and derivatives of the pairs
    history=int64,
    initial=int64,  # the state at t0
    history_inputs=int64,  # table: the state at t0, parameters
    slopes=int64,  # whether the right-hand side reads derivatives of pairs
    slopes_of_derivatives=int64,  # whether its derivatives do
    # discontinuities: where, and the order of the derivative that jumps; for each time how many lie behind
    breaks=int64,
    break_orders=int64,
    n_breaks=int64,
    passed=int64,
    highest_order=int64,
    neutral=int64,
    jump=int64,  # whether the state itself jumps at t0
    hints=int64,  # for each time the row looked up last, where it lies, and its start, end and 1/length
    rows=int64,
    windows=int64,
    # the step at hand
    own=int64,  # a row with its interpolant, once it has one
    own_valid=int64,
    overlap=int64,  # a time lies in it
    ahead=int64,  # 1 + a time that lies beyond t
    attempts=int64,  # for each slot the family's own attempt
    iterates=int64,  # and, where steps may be longer than a delay, what gives the interpolant of an attempt
    stuck=int64,  # an attempt was longer than a delay, and must not be
    trial=int64,
    least_lag=double,
    t0=double,
    # sensitivity columns, which jump where f does: their number, the states without them, and dxi of each break
    width=int64,
    base_n=int64,
    crossings=int64,
    before=int64,  # f on either side
    after=int64,
    rates=int64,
    rate_columns=int64,
    rate_outputs=int64,
    break_columns=int64,
    trial_columns=int64,
    fault=int64,  # 1 + the time that ended the solve
    fault_at=double,
    advance=int64,  # the loop of every solve
)


class DelaySystem:
    """The kernels of a model with delayed values.

    Args:
        model: The model's own kernels.
    """

    loop = "delay_loop"

    def __init__(self, model: Any) -> None:
        self.model = model
        self.n, self.m = model.n, model.m
        self.width = getattr(model, "width", 0)

    @property
    def definition(self) -> Any:
        """The model."""
        return self.model.definition

    @property
    def model_graph(self) -> Any:
        """The model's graph with its derivatives."""
        return self.model.model_graph

    @property
    def lowered(self) -> Any:
        """The nodes of right-hand side and observables."""
        return self.model.lowered

    @property
    def graph(self) -> Any:
        """The graph, for the analysis of failures."""
        return self.model.graph

    @property
    def equations(self) -> Any:
        """Where each state's equation stands in the text."""
        return self.model.equations

    @property
    def traits(self) -> Any:
        """What kind of right-hand side it has."""
        return self.model.traits

    @property
    def split(self) -> None:
        """No method for stiff and other parts solves equations with delays."""
        return None

    @property
    def jumps(self) -> Any:
        """Where the right-hand side jumps by itself."""
        return self.model.jumps

    @property
    def blocks(self) -> Any:
        """(start, rows, columns) of the parts that the error test judges by themselves."""
        return getattr(self.model, "blocks", ((0, self.n, 1),))

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of the Jacobian."""
        return self.model.pattern

    @property
    def lu_plan(self) -> Any:
        """The generated factorisation, None where it would be too long."""
        return self.model.lu_plan

    @property
    def lu_length(self) -> int:
        """Length of the vector of the generated factorisation; 0 where there is none."""
        return self.model.lu_length

    @property
    def complex_lu_length(self) -> int:
        """The same of that with a complex shift."""
        return self.model.complex_lu_length

    def address(self, name: str) -> int:
        """The address of a kernel."""
        if name in ("rhs", "rhs_jacobian", "jacobian_vector"):
            return function_address("delays", name)
        if name == "rhs_gradient":
            raise ValueError(
                "this linear solver works without the entries of the Jacobian, which delay equations always "
                "give: leave linear_solver and preconditioner to the choice"
            )
        return self.model.address(name)

    def lay_out(self, p: int) -> tuple[Any, tuple[Any, ...]]:
        """Memory for one session, whose parameters lie at address `p`: a `DelayData` and what it holds
        addresses of."""
        plan = self.model.model_graph.plan
        times, pairs, n = len(plan.constant), len(plan.place), self.n
        arrays: dict[str, np.ndarray] = {
            "pair_first": plan.pair_first,
            "place": plan.place,
            "pair_state": plan.state,
            "order": plan.order,
            "value": plan.value,
            "slope": plan.slope,
            "constant": plan.constant,
            "lags": np.zeros(times),
            "s": np.zeros(times),
            "outputs": np.zeros(1, np.int64),
            "delayed": np.zeros(2 * pairs),
            "history": np.zeros(plan.histories),
            "initial": np.zeros(n + 8),
            "breaks": np.zeros(BREAKS),
            "break_orders": np.zeros(BREAKS, np.int64),
            "passed": np.zeros(times, np.int64),
            "hints": np.zeros(times, np.int64),
            "rows": np.zeros(times, np.int64),
            "windows": np.zeros((times, WINDOW)),
            "attempts": np.zeros(2, np.int64),
            "iterates": np.zeros(2, np.int64),
            "trial": np.zeros(n + 8),
        }
        if self.width:
            arrays |= {"before": np.zeros(n + 8), "after": np.zeros(n + 8), "rates": np.zeros(times)}
            arrays["rate_columns"] = np.zeros(times * self.width)
            arrays["rate_outputs"] = np.array(
                [arrays["rates"].ctypes.data, arrays["rate_columns"].ctypes.data], np.int64
            )
            arrays["break_columns"] = np.zeros(BREAKS * self.width)
            arrays["trial_columns"] = np.zeros(self.width)
        arrays["history_inputs"] = np.array([arrays["initial"].ctypes.data, p, *[0] * 6], np.int64)
        kernels = ("rhs", "rhs_jacobian", "jacobian_vector", "delay_times", "histories")
        data = DelayData(
            n=n,
            times=times,
            levels=plan.levels,
            all_constant=int(plan.constant.all()),
            neutral=int(plan.neutral),
            slopes=int(plan.slopes[0]),
            slopes_of_derivatives=int(plan.slopes[1]),
            width=self.width,
            base_n=getattr(self.model, "base_n", n),
            crossings=self.model.address("crossings") if self.width else 0,
            advance=function_address("loop", "advance"),
            **{name: self.model.address(name) for name in kernels},
            **addresses(arrays),
        )
        return data, (data, arrays)

    def past(self, session: Any) -> Past:
        """The memory of a session's past; its methods step through ours from now on."""
        return Past(self, session)


class Past:
    """The past of a session's solve, and what readies it.

    Args:
        system: The kernels.
        session: Its slots are changed so that they step through `delay_steps`.
    """

    def __init__(self, system: DelaySystem, session: Any) -> None:
        self._system, data = system, session.context
        self._arrays: dict[str, np.ndarray] = session._kept_by_model[1]
        self._row = np.zeros(2 + session.n * (1 + max(method.degree for method in session.methods)))
        self._session, self._data, self._keep_all = session, data, True
        data.state, data.own = ctypes.addressof(session.state), self._row.ctypes.data
        session._kept["inputs"][DELAYED] = self._arrays["delayed"].ctypes.data
        step = function_address("delay_steps", "attempt")
        orders = []
        for i, (slot, packed) in enumerate(zip(session._slots, session.methods, strict=True)):
            self._arrays["attempts"][i], slot.attempt = slot.attempt, step
            entry, module = ITERATING.get(packed.method.family), packed.family.module
            self._arrays["iterates"][i] = 0 if entry is None else function_address(module, entry)
            orders.append(getattr(packed.method, "order", HIGHEST_ORDER))
        data.highest_order = min(max(orders), HIGHEST_ORDER)

    def begin(self, t0: float, t1: float, dense: bool) -> None:
        """Ready a run.

        Raises:
            ValueError: it goes backwards in time.
        """
        if t1 < t0:
            raise ValueError(
                "a model with delays is solved forwards in time only: its past is known, not its future"
            )
        self._keep_all = dense
        if not self._session.dense_capacity:
            room = LEAST_BYTES // (8 * len(self._row))
            self._session._reserve_dense(max(LEAST_ROWS, min(room, MOST_ROWS)), 0)

    def room(self, session: Any) -> int:
        """Interpolants that the full memory is to hold: those that no delay reaches are dropped where that is
        enough."""
        capacity, state, data = session.dense_capacity, session.state, self._data
        self._arrays["windows"].fill(0.0)  # the rows are about to move
        if self._keep_all or not data.all_constant:
            return 2 * capacity
        count, rows = state.dense_count, session.dense_rows
        reached = state.t_old - self._arrays["lags"].max()
        first = int(np.searchsorted(rows[:count, 0], reached, side="right")) - 1
        # a row more, for times that rounding takes before the first
        first = max(first - 1, 0)
        rows[: count - first] = rows[first:count].copy()
        state.dense_count = count - first
        return capacity if count - first <= capacity // 2 else 2 * capacity

    def take_error(self) -> BaseException | None:
        """Why the last run ended, where a delay was the reason."""
        data = self._data
        if data.stuck:
            return ValueError(
                f"a delay vanishes near t = {data.fault_at:g}, and steps of this method are no longer than a delay: "
                "use an explicit Runge-Kutta, Rosenbrock, ESDIRK or Radau method, such as Vern7 or Rodas5P"
            )
        if not data.fault:
            return None
        node = self._system.model_graph.delays.times[data.fault - 1]
        span = self._system.graph.span[node]
        text = "a delayed value" if span is None else f"the time `{' '.join(span.text.split())}`"
        return ValueError(
            f"{text} is not in the past at t = {data.fault_at:g}: a delay must stay positive, or vanish at most; "
            "check its parameters"
        )
