"""Delay differential equations as a system of their own: its memory and its kernels.

To methods it is a model like any other. Its right-hand side evaluates the times of the delayed values, looks
these up in the interpolants of the accepted steps (before t0 in the history), and calls the model's own. The
interpolants are the rows of the dense output, which such a solve always keeps; where the largest delay is
known and nobody asked for dense output, those that no delay reaches any more make room.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), chapters 3 and 4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import addresses

FAMILIES = ("explicit", "explicit_two_estimates", "rosenbrock", "esdirk", "radau", "bdf", "adams")
"""Families whose methods solve equations with delays."""

DELAYED = 4
"""Place of the delayed values in the input table of kernels."""

BREAKS = 4096
"""Discontinuities that are remembered at a time."""

MOVING = -1
"""Order of a discontinuity where the state itself jumps, and columns when it comes back."""

NO_SLOPE = -1
"""The fault that u' at t0 depends on itself and was not found."""

ALONG = 2
"""Kind of a time at which a kept solution is read."""

WINDOW = 4
"""Doubles of the window of one time; the last is not used."""

WHOLE, WHAT = ("fused", "step", "interpolant"), ("kernel", "nodes", "count", "slopes")
"""Kernels of whole steps and interpolants, and what there is of each."""

TABLE = 64
"""Entries of each table of a fused step or an interpolant: vectors, stages of the method, powers."""

DelayData = structure(
    "DelayData",
    "What the kernels and the loop of delay equations work on.",
    n=int64,
    times=int64,  # number of distinct times s
    levels=int64,  # how often they are evaluated until all are known
    state=int64,  # the `State` of the solve, whose dense rows are the past
    rhs=int64,  # kernels of the model, 0 where the session needs none
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
    constant=int64,  # for each time whether it is t - lag (1), or lag - t in a kept solution (2)
    lags=int64,
    all_constant=int64,
    s=int64,  # the times at the last evaluation
    outputs=int64,  # table of one entry for kernels of ours
    delayed=int64,  # values and derivatives of the pairs: a row of single evaluations, more of whole steps
    row_length=int64,
    degree=int64,  # of the interpolants in the rows of the dense output
    # for each slot kernels of whole steps (fused: with all that belongs to them) and of interpolants, 0 where
    # there is none: the times that they read as parts of the step, how many, and whether derivatives of pairs
    # are read
    **{f"{kind}_{what}": int64 for kind in WHOLE for what in WHAT},
    fused_stages=int64,  # stages of the methods
    fused_inputs=int64,  # tables of the fused steps and of the interpolants
    fused_outputs=int64,
    interpolant_outputs=int64,
    interpolant_row=int64,  # the row before those that interpolants read: behind those of steps
    end=double,  # the time of the row `end_row`, NaN where none is known
    end_row=int64,
    history=int64,
    history_length=int64,
    initial=int64,  # the state at t0
    history_inputs=int64,  # table: the state at t0, parameters
    slopes=int64,  # whether the right-hand side reads derivatives of pairs
    slopes_of_derivatives=int64,  # whether its derivatives do
    # discontinuities: where, and the order of the derivative that jumps; for each time how many lie behind
    breaks=int64,
    break_orders=int64,
    n_breaks=int64,
    passed=int64,
    forgotten=int64,  # discontinuities for which there was no more room
    glide=double,  # how long a time has kept to a discontinuity by now, and at most in this run
    longest_glide=double,
    passed_record=int64,  # where `passed` of each recorded step goes, and `own_valid` behind it; 0: nowhere
    kept_passed=int64,  # before the step
    highest_order=int64,
    derived=int64,  # states whose derivatives are read, when, where `history` has them, and how many
    derived_times=int64,
    derived_values=int64,
    n_derived=int64,  # those of states
    n_slopes=int64,  # those of states and columns
    start_slope=int64,  # u' at t0, for derivatives that are read there
    kept_slopes=int64,  # of the repetition before, in the middle of the step
    defect=int64,
    neutral=int64,
    algebraic=int64,  # whether what equations without a derivative determine is read at other times
    past_jumps=int64,  # a time has moved over a jump of the state itself at the end of the step
    consistent=int64,  # solves these equations
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
    strayed=int64,  # a time left its piece of the past
    met=int64,  # 1 + the time that meets a discontinuity at the end of the step, and whether on its way back
    met_back=int64,
    cut_to_lag=int64,  # the step is no longer than the smallest delay because of it
    stuck=int64,  # an attempt was longer than a delay, and must not be
    trial=int64,
    # a kept solution: its states' place among the states here, its number of states, and its rows
    kept_first=int64,
    kept_n=int64,
    kept_rows=int64,
    kept_count=int64,
    kept_width=int64,
    kept_start=double,
    least_lag=double,
    t0=double,
    # sensitivity columns, which jump where f does: their number, the states without them, and dxi of each
    # break
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
    fault=int64,  # 1 + the time that ended the solve, or NO_SLOPE
    fault_at=double,
    advance=int64,  # the loop of every solve
)


class DelaySystem:
    """The kernels of a model with delayed values.

    Args:
        model: The model's own kernels.
    """

    loop, consistent = "delay_loop", "delay_constraints"

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
    def mass(self) -> bool:
        """Whether derivatives have factors."""
        return self.model.mass

    @property
    def invariants(self) -> bool:
        """Whether solutions keep what a solve must see to: such models with delays are refused."""
        return self.model.invariants

    @property
    def constrained(self) -> bool:
        """Whether steps are more than those of u' = f."""
        return self.model.constrained

    @property
    def invariants_kinds(self) -> Any:
        """Of each invariant, whether it is kept at zero, and whether steps are projected."""
        return self.model.invariants_kinds

    @property
    def guesses(self) -> Any:
        """Of each state, whether its value at the start is a guess that constraints determine."""
        return self.model.guesses

    @property
    def has_events(self) -> bool:
        """Whether it has events."""
        return self.model.has_events

    @property
    def events(self) -> Any:
        """The kernels of its events, None where it has none."""
        return self.model.events

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

    def step_address(self, method: Any, padded: int) -> int:
        """The address of a whole step that looks up its delayed values first, 0 where the general step
        serves."""
        find = getattr(self.model, "delayed_step", None)
        if find is None or find(method, padded) is None:
            return 0
        return function_address("delay_kernels", "whole_step")

    def interpolant_address(self, method: Any, numbers: Any, padded: int) -> int:
        """The same of a whole interpolant."""
        find = getattr(self.model, "delayed_interpolant", None)
        if find is None or find(method, numbers, padded) is None:
            return 0
        return function_address("delay_kernels", "whole_interpolant")

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
        of_time = np.repeat(np.arange(times), np.diff(plan.pair_first))
        base_n = getattr(self.model, "base_n", n)
        derived = (
            (plan.neutral and not self.mass) & (plan.order == 1) & (plan.constant[of_time] != ALONG)
        ).nonzero()[0]
        derived = derived[np.argsort(plan.state[derived] >= base_n, kind="stable")]  # columns come last
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
            "delayed": np.zeros(2 * pairs),  # `Past` makes room for more rows
            **{f"{kind}_{what}": np.zeros(2, np.int64) for kind in WHOLE for what in WHAT},
            "fused_stages": np.zeros(2, np.int64),
            "fused_inputs": np.zeros(2 * TABLE, np.int64),
            "fused_outputs": np.zeros(2 * TABLE, np.int64),
            "interpolant_outputs": np.zeros(2 * TABLE, np.int64),
            "history": np.zeros(plan.histories),
            "initial": np.zeros(n + 8),
            "breaks": np.zeros(BREAKS),
            "break_orders": np.zeros(BREAKS, np.int64),
            "passed": np.zeros(times, np.int64),
            "kept_passed": np.zeros(times, np.int64),
            "hints": np.zeros(times, np.int64),
            "rows": np.zeros(times, np.int64),
            "windows": np.zeros((times, WINDOW)),
            "attempts": np.zeros(2, np.int64),
            "iterates": np.zeros(2, np.int64),
            "trial": np.zeros(n + 8),
            "start_slope": np.zeros(n + 8),
            "kept_slopes": np.zeros(len(plan.order) + 1),
            "defect": np.zeros(n + 8),
            "derived": plan.state[derived],
            "derived_times": of_time[derived],
            "derived_values": plan.value[derived],
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
        kernels = ("rhs", "delay_times", "histories")
        data = DelayData(
            n=n,
            times=times,
            row_length=2 * pairs,
            end=math.nan,
            levels=plan.levels,
            history_length=plan.histories,
            all_constant=int(plan.constant.all()),
            neutral=int(plan.neutral),
            algebraic=int(self._reads_algebraic(plan)),
            consistent=function_address("consistent", "make_consistent") if self.mass else 0,
            n_derived=int((arrays["derived"] < base_n).sum()),
            n_slopes=len(arrays["derived"]),
            slopes=int(plan.slopes),
            width=self.width,
            base_n=base_n,
            crossings=self.model.address("crossings") if self.width else 0,
            advance=function_address("loop", "advance"),
            **{name: self.model.address(name) for name in kernels},
            **addresses(arrays),
        )
        return data, (data, arrays)

    def _reads_algebraic(self, plan: Any) -> bool:
        states = self.definition.states
        return any(states[i].algebraic for i in plan.state if i < len(states)) if self.mass else False

    def past(self, session: Any) -> Any:
        """The memory of a session's past; its methods step through ours from now on."""
        from symde.engine.cpu.past import Past

        return Past(self, session)
