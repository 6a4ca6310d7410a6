"""How derivatives pass a moment at which events take place, forward and transposed.

At a moment t* that depends on what is differentiated by, the derivative S of the state at a fixed time jumps.
With dt the derivative of t*, D = S + f dt is that of the state that moves with t*; each event maps it by its
exact derivatives, D+ = R_u D + R_p + R_t dt, and afterwards S = D - f+ dt. For a single event

    S+ = R_u S- + R_p + (R_u f- + R_t - f+) dt,    dt = -(g_u S- + g_p)/(g_u f- + g_t)

at a root of g; for known times dt is the derivative of their expression, and events that others trigger come
at the moment of those. A delayed event has values and a time from the moment at which it was triggered.

Source: M. A. Aizerman, F. R. Gantmakher, On the stability of periodic motion in a nonlinear system with
discontinuous right-hand side, Journal of Applied Mathematics and Mechanics 22 (1958); W. F. Feehery, J. E.
Tolsma, P. I. Barton, Efficient sensitivity analysis of large-scale differential-algebraic systems, Applied
Numerical Mathematics 25 (1997), section 4, and S. Galan, W. F. Feehery, P. I. Barton, Parametric sensitivity
functions for hybrid discrete/continuous systems, Applied Numerical Mathematics 31 (1999), for the jumps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from symde.codegen.point_kernel import AtPoint
from symde.sensitivity.settling import Settling


@dataclass(frozen=True, slots=True, eq=False)
class MomentTime:
    """The derivative of a moment's time.

    Attributes:
        by_states: By the state just before at a fixed time, shape (n,); None: it does not depend on it.
        by_parameters: Shape (m,).
        waited: Place of the delayed event whose end it is in the list of those; None: it is none.
    """

    by_states: np.ndarray | None
    by_parameters: np.ndarray
    waited: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One thing that happens at a moment.

    Attributes:
        targets: States that are set, shape (k,).
        effect: New values and their derivatives, where they are read at this moment, the delay last where
            the event is only triggered; None: they were read when it was triggered, or nothing is set and
            algebraic variables follow a branch.
        delayed: Place of the event in the list of delayed ones, for what triggers it or what ends its delay;
            None: it takes place at once.
        settled: What makes the state that it leaves consistent, where algebraic variables follow it.
    """

    targets: np.ndarray
    effect: AtPoint | None
    delayed: int | None = None
    settled: Settling | None = None

    @property
    def triggers(self) -> bool:
        """Whether the event is only triggered."""
        return self.delayed is not None and self.effect is not None


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A moment at which events are triggered or take place.

    Attributes:
        t: When.
        before, after: The state, shape (n,).
        slope_before, slope_after: u' there.
        time: How t depends on what is differentiated by.
        changes: What happens, in order.
        terminal: Whether the solve ends here.
        event: Name of the event that came last.
    """

    t: float
    before: np.ndarray
    after: np.ndarray
    slope_before: np.ndarray
    slope_after: np.ndarray
    time: MomentTime
    changes: tuple[Change, ...]
    terminal: bool = False
    event: str = ""

    def forward(
        self, columns: np.ndarray, by: np.ndarray, kept: Delayed
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Derivatives of the state after it.

        Args:
            columns: Of the state before it at a fixed time, shape (n, k).
            by: Of the parameters, shape (m, k).
            kept: What delayed events carry on.

        Returns:
            Those at a fixed time and those of the state that moves with the moment, shape (n, k) each, and
            those of the moment's time, shape (k,).
        """
        dt = self._dt(columns, by, kept)
        moving = columns + np.outer(self.slope_before, dt)
        for one in self.changes:
            if one.effect is None:
                if one.delayed is not None:
                    moving[one.targets] = kept.columns[one.delayed]
            else:
                values = one.effect.by_states @ moving + one.effect.by_parameters @ by
                values += np.outer(one.effect.by_time, dt)
                if one.delayed is not None:
                    kept.columns[one.delayed], kept.dt[one.delayed] = values[:-1], dt + values[-1]
                    continue
                moving[one.targets] = values
            if one.settled is not None:
                moving = one.settled.forward(moving, by, dt)
        return moving - np.outer(self.slope_after, dt), moving, dt

    def _dt(self, columns: np.ndarray, by: np.ndarray, kept: Delayed) -> np.ndarray:
        if self.time.waited is not None:
            return kept.dt[self.time.waited]
        dt = self.time.by_parameters @ by
        return dt if self.time.by_states is None else dt + self.time.by_states @ columns

    def backward(
        self, weights: np.ndarray, moving: np.ndarray, by_time: float, kept: Weights
    ) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of what is weighed by the state before it at a fixed time (n,), and by parameters (m,).

        Args:
            weights: Derivatives by the state after it at a fixed time, shape (n,).
            moving: Derivatives by the state after it that moves with the moment, shape (n,).
            by_time: Derivative by the moment's time itself.
            kept: Derivatives by what delayed events carry on.
        """
        by_state = weights + moving
        by_time -= float(weights @ self.slope_after)
        by_parameters = np.zeros(len(self.time.by_parameters))
        for one in reversed(self.changes):
            if one.settled is not None:
                by_state, through, of_time = one.settled.backward(by_state)
                by_parameters += through
                by_time += of_time
            if one.effect is None:
                if one.delayed is not None:
                    kept.values[one.delayed] = by_state[one.targets]
                    by_state[one.targets] = 0.0
                continue
            if one.delayed is not None:
                values, of_due = kept.take(one.delayed, len(one.targets))
                values = np.append(values, of_due)
                by_time += of_due
            else:
                values = by_state[one.targets]
                by_state[one.targets] = 0.0
            by_state = by_state + values @ one.effect.by_states
            by_parameters += values @ one.effect.by_parameters
            by_time += float(values @ one.effect.by_time)
        by_time += float(self.slope_before @ by_state)
        if self.time.waited is not None:
            kept.due[self.time.waited] = kept.due.get(self.time.waited, 0.0) + by_time
            return by_state, by_parameters
        by_parameters += by_time * self.time.by_parameters
        if self.time.by_states is not None:
            by_state = by_state + by_time * self.time.by_states
        return by_state, by_parameters


@dataclass(slots=True)
class Delayed:
    """Derivatives that delayed events carry on: of their values (targets, k), of the time at which they are
    due (k,)."""

    columns: dict[int, np.ndarray] = field(default_factory=dict)
    dt: dict[int, np.ndarray] = field(default_factory=dict)


@dataclass(slots=True)
class Weights:
    """Derivatives by the values of delayed events, and by the times at which they are due."""

    values: dict[int, np.ndarray] = field(default_factory=dict)
    due: dict[int, float] = field(default_factory=dict)

    def take(self, delayed: int, count: int) -> tuple[np.ndarray, float]:
        """Those of one event; zero where it never took place."""
        return self.values.get(delayed, np.zeros(count)), self.due.get(delayed, 0.0)
