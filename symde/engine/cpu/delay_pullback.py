"""Pulls weights back through a recorded solve with delays: the memory of its discrete adjoint.

A step reads the interpolants of earlier ones, so what it gives to a delayed value goes to the coefficients of
one of these, and is there when that step's turn comes. What is read of the history goes to the parameters and
to the initial state.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.delay_adjoint import PULLED, DelayAdjoint
from symde.engine.cpu.delay_recording import DelayRecording
from symde.engine.cpu.delays import BREAKS
from symde.engine.cpu.layout import KEEP_STARTS, Attempt
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import addresses
from symde.engine.cpu.past import DELAYED
from symde.engine.cpu.pullback import PullBack, PullBackError, entry_type
from symde.engine.cpu.recording import address_of, tightness

PRODUCTS = {
    "adjoint": "adjoint_product",
    "adjoint_curvature": "adjoint_curvature",
    "adjoint_time": "adjoint_time",
    "transposed": "transposed",
}
"""Kernels of the model before which delayed values are looked up, and the entry that does so."""


@dataclass(frozen=True, slots=True, eq=False)
class Interruption:
    """A time at which the host replaced the state between two recorded steps.

    Attributes:
        step: The step that came next.
        jump: Place of the discontinuity that it left.
        before: The state that was replaced, shape (n,).
        backward: From the weights by the state that it left (n,) and by its time those by the state before
            (n,) and what they add to the gradient (m,).
    """

    step: int
    jump: int
    before: np.ndarray
    backward: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]


class DelayProducts:
    """The products of a model with delayed values, which are looked up before each.

    Args:
        kernels: The model's own.
    """

    def __init__(self, kernels: Any) -> None:
        self.model = kernels

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def address(self, name: str) -> int:
        """The address of a kernel."""
        if name in PRODUCTS:
            return function_address("delay_products", PRODUCTS[name])
        return self.model.address(name)


class DelayPullBack(PullBack):
    """The memory of a pull-back through solves of one session with delays.

    Args:
        session: Did the solves; steps are done again in its memory.
        products: The model's products.
    """

    def __init__(self, session: Any, products: DelayProducts) -> None:
        given: Any = products
        super().__init__(session, given)
        model, data, n = products.model, session.context, session.n
        times, pairs, m = data.times, len(session.kernels.model_graph.plan.place), session.m
        arrays: dict[str, np.ndarray] = {
            name: np.zeros(max(pairs, 1)) for name in ("by_values", "by_slopes", "found")
        }
        arrays |= {name: np.zeros(n + 8) for name in ("by_initial", "initial", "total", "before", "after")}
        arrays["delayed"] = np.zeros(3 * pairs + 1)
        arrays |= {"of_times": np.zeros(times), "rate": np.zeros(times), "of_breaks": np.zeros(BREAKS)}
        arrays["history_weights"], arrays["by_history"] = np.zeros(data.history_length), np.zeros(max(m, 1))
        places = addresses(arrays)
        arrays["outputs"] = np.array([0, 0, places["by_values"], places["by_slopes"]], np.int64)
        arrays["found_outputs"] = np.array([places["found"]], np.int64)
        arrays["rate_outputs"] = np.array([places["rate"]], np.int64)
        p = session.arrays["p"].ctypes.data
        arrays["history_inputs"] = np.array([data.initial, p, *[0] * 5, places["history_weights"]], np.int64)
        arrays["history_outputs"] = np.array([places["by_initial"], places["by_history"]], np.int64)
        kernels = {"product": "adjoint", "histories": "adjoint_histories"}
        if self._data.curvature:
            kernels |= {"curvature": "adjoint_curvature", "history_curvatures": "history_curvatures"}
        if self._data.time:
            kernels |= {"time": "adjoint_time"}
        if self._data.transposed:
            kernels |= {"transposed": "transposed"}
        self._own = DelayAdjoint(
            adjoint=self._address,
            data=ctypes.addressof(data),
            pairs=pairs,
            slopes=int(model.reads_slopes("adjoint")),
            slopes_of_jacobian=int("transposed" in kernels and model.reads_slopes("transposed")),
            **{place: model.address(name) for place, name in kernels.items()},
            **addresses(arrays),
        )
        self._delay_arrays, self._model = arrays, model
        table = self._arrays["inputs"]
        table[DELAYED], table[CONTEXT] = data.delayed, ctypes.addressof(data)
        table[PULLED] = ctypes.addressof(self._own)
        self._stretch = entry_type(function_address("delay_pullback", "pull_back"))
        self._follow = entry_type(function_address("delay_pullback", "follow"))
        self._pull_back = self._in_stretches
        self._interruptions: Sequence[Interruption] = ()

    def _in_stretches(self, address: int) -> int:
        """Go back over all steps, and over what interrupted them; the code of what failed."""
        own, arrays, last = self._own, self._arrays, self._data.steps
        own.end = 0
        for one in reversed(self._interruptions):
            own.first, own.last = one.step, last
            code = self._stretch(address)
            if code:
                return code
            of_breaks, weights = self._delay_arrays["of_breaks"], arrays["weights"][: self.session.n]
            found, gradient = one.backward(weights.copy(), float(of_breaks[one.jump]))
            weights[:], of_breaks[one.jump] = found, 0.0
            arrays["gradient"][: len(gradient)] += gradient
            self._before = np.ascontiguousarray(one.before)
            own.end, last = self._before.ctypes.data, one.step
        own.first, own.last = 0, last
        return self._stretch(address)

    def reserve(self, steps: DelayRecording, saved: bool) -> None:
        """Room for what given steps leave, before a run begins; `saved`: each is to be saved."""
        self.session.output.reserve(steps.count + 1 if saved else 0)
        self.session.output.reserve_rows(steps.count)

    def follow_delayed(
        self, steps: DelayRecording, stops: Sequence[tuple[int, np.ndarray]] = ()
    ) -> DelayRecording:
        """Do given steps in the session, in which a run has begun; their record.

        Args:
            steps: The steps; they are of this model, with or without columns.
            stops: Before which step the state is replaced, and by which, in order.

        Raises:
            PullBackError: a step could not be done.
        """
        session, state, own = self.session, self.session.state, self._own
        record = steps.to_follow(session.n)
        state.keep_record, state.tightness = KEEP_STARTS, tightness(state.rtol)
        self._go_over(record)
        own.passed, own.breaks = address_of(record.passed), address_of(record.breaks)
        own.orders, own.n_breaks, own.first = address_of(record.orders), len(record.breaks), 0
        for step, u in (*stops, (record.count, None)):
            own.last = step
            code = self._follow(self._address)
            if code != Attempt.FINE:
                what = f"a given step from t = {state.t:g} could not be done: {Attempt(code).name}"
                raise PullBackError(what)
            if u is not None:
                session.load_u(u)
            own.first = step
        return record

    def run_delayed(
        self,
        record: DelayRecording,
        times: np.ndarray,
        weights: np.ndarray,
        interruptions: Sequence[Interruption] = (),
    ) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of sum(weights * u) by the initial state (n,), that which is history included, and by
        the parameters (m,).

        Args:
            record: Steps of the session.
            times: Saved times, in the order of integration.
            weights: Shape (n_times, n).
            interruptions: What happened between steps, in order.

        Raises:
            PullBackError: a step could not be turned round.
        """
        own, state, count = self._own, self.session.state, record.count
        of_rows, touched = np.zeros_like(record.rows), np.zeros(count, np.int64)
        for name in ("initial", "of_breaks"):
            self._delay_arrays[name].fill(0.0)
        own.rows, own.weights = address_of(record.rows), address_of(of_rows)
        own.touched, own.passed = address_of(touched), address_of(record.passed)
        self._interruptions = interruptions
        if not own.times and (interruptions or self.session.context.neutral or self.session.context.jump):
            own.times, own.rates = self._model.address("adjoint_times"), self._model.address("rates")
        session_rows = state.dense_rows, state.dense_width, state.dense_count
        state.dense_rows, state.dense_width = own.rows, record.rows.shape[1]
        kept = self.session.context.own
        try:
            u0, p = self.run(record, times, weights)
        finally:
            state.dense_rows, state.dense_width, state.dense_count = session_rows
            self.session.context.own = kept
        return u0 + self._delay_arrays["initial"][: len(u0)], p
