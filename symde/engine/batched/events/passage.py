"""How derivatives pass a moment at which events take place.

At a moment t* that depends on what is differentiated by, states at fixed times are moved to t*, mapped by the
events, and moved back to the fixed time:

    moved = u + f(t*, u) dt,   after = R(t* + dt, moved, p),   u+ = after - f(t*, after) dt

with dt = t* - its own value, of which the derivative alone counts. At a root of g it is that of the implicit
function, dt = -(g(t*, u, p) - its value)/(dg/dt along the solution); for known times that of their
expression. The derivative of a step's end by its size is f there, which is right to the error of the state
(as in `symde.engine.batched.times`); so the sizes of all steps are constants, also of those that end at
events.

Source: M. A. Aizerman, F. R. Gantmakher, On the stability of periodic motion in a nonlinear system with
discontinuous right-hand side, Journal of Applied Mathematics and Mechanics 22 (1958); W. F. Feehery, J. E.
Tolsma, P. I. Barton, Efficient sensitivity analysis of large-scale differential-algebraic systems, Applied
Numerical Mathematics 25 (1997), section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.events.interface import Events
from symde.engine.batched.events.moments import Cause, Moment, RootCause, WaitedCause
from symde.engine.batched.events.rows import transforming, with_gradients
from symde.engine.batched.events.times import Entry, KnownCause
from symde.engine.batched.problem import Options
from symde.engine.batched.saves import parameters_of

GRAZING = 4.0
"""Tolerances by which a root function would have to be off not to cross zero there, as a parabola with its
slope and curvature, below which the solution only touches."""

LEAST_TOLERANCE = 1e-13
"""Relative tolerance of solves without one."""

TOGETHER = 1e-6
"""Difference of the derivatives of two times, over their size, up to which they move together."""

Carried = Mapping[Entry, tuple[Tensor, Tensor]]
"""Of delayed events what they set, shape (targets, triggered), and when, as dt, shape (triggered,)."""


class Setting(NamedTuple):
    """What moments are part of: the events, the right-hand side, and the solve's options."""

    events: Events
    rhs: Any
    options: Options


class Passed(NamedTuple):
    """What a moment leads to, with a history.

    Attributes:
        u: The states after it at fixed times, shape (n, S).
        logged: Of each operation that took place its places in the log, and t, before and after, which
            move with it.
        carried: What delayed events carry on.
    """

    u: Tensor
    logged: list[tuple[Tensor, Tensor, Tensor, Tensor]]
    carried: dict[Entry, tuple[Tensor, Tensor]]


def passed(
    setting: Setting, moment: Moment, u: Tensor, p: Tensor | None, t0: Tensor, carried: Carried
) -> Passed:
    """The states after a moment, as a function of those before it.

    Args:
        setting: What it is part of.
        moment: The moment.
        u: States before it at fixed times, shape (n, S): the moment's own, with a history.
        p: Parameters of all members.
        t0: Starts of the moment's members, shape (S,).
        carried: What delayed events carry on.

    Raises:
        ValueError: the solution has no derivative there, with the reason.
    """
    events = setting.events
    p = parameters_of(p, moment.member)
    dt = _Time(setting, moment, u, p, t0, carried).derivative()
    time = moment.t + dt
    state = u + _slope(setting, moment.t, u, p) * dt.to(u.dtype)
    logged, out = [], {}
    for one in moment.operations:
        plan, columns = events.plans[one.event], one.columns
        before, at = state[:, columns], time[columns]
        values: Tensor | None = None
        if one.waited is not None:
            values = carried[one.waited][0][:, one.places]
        elif plan.targets or plan.delayed:
            values = events.effect(one.event, at, before, parameters_of(p, columns))
            if one.triggered is not None:
                delay = values[-1].to(torch.float64)
                out[one.triggered] = values[:-1], dt[columns] + (delay - delay.detach())
                continue
            values = values[: len(plan.targets)]
        after = before
        if values is not None and plan.targets:
            rows = torch.tensor(plan.targets, device=u.device)
            after = before.index_copy(0, rows, values)
            state = state.index_copy(1, columns, after)
        assert one.log is not None
        logged.append((one.log, at, before, after))
    return Passed(state - _slope(setting, moment.t, state, p) * dt.to(u.dtype), logged, out)


@torch.no_grad()
def _slope(setting: Setting, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
    """f: it is multiplied by what has no value, so that its own derivative does not count."""
    return setting.rhs(t, u.detach(), None if p is None else p.detach())


class _Time:
    """The derivative of a moment's time."""

    def __init__(
        self, setting: Setting, moment: Moment, u: Tensor, p: Tensor | None, t0: Tensor, carried: Carried
    ) -> None:
        self._setting, self._moment, self._u, self._p, self._t0 = setting, moment, u, p, t0
        self._carried = carried
        self._values: Tensor | None = None

    def derivative(self) -> Tensor:
        """dt, shape (S,): of several causes that of the first, with which the others must agree."""
        moment = self._moment
        dt = torch.zeros_like(moment.t)
        given: dict[int, Cause] = {}
        for cause in moment.causes:
            one = self._of(cause)
            fresh = torch.tensor(
                [k not in given for k in cause.columns.tolist()], dtype=torch.bool, device=dt.device
            )
            again = ~fresh
            if bool(again.any()):
                earlier = {type(given[k]) for k in cause.columns[again].tolist()}
                waits = WaitedCause in earlier or isinstance(cause, WaitedCause)
                self._require_together(dt[cause.columns[again]], one[again], waits)
            dt = dt.index_copy(0, cause.columns[fresh], one[fresh])
            given.update(dict.fromkeys(cause.columns[fresh].tolist(), cause))
        return dt

    def _of(self, cause: Cause) -> Tensor:
        if isinstance(cause, RootCause):
            return self._root(cause)
        if isinstance(cause, WaitedCause):
            return self._carried[cause.entry][1][cause.places]
        return self._known(cause)

    def _known(self, cause: KnownCause) -> Tensor:
        if self._values is None:
            self._values = self._setting.events.times(self._t0, self._p).to(torch.float64)
        values = self._values[:, cause.columns]
        period = None if cause.period is None else values[cause.period]
        time = self._t0[cause.columns] if cause.row is None else values[cause.row]
        if period is not None:
            # without a first time the series begins one period behind the start
            time = time + (cause.number + (1.0 if cause.row is None else 0.0)) * period
        return time - time.detach()

    def _root(self, cause: RootCause) -> Tensor:
        moment, events, columns = self._moment, self._setting.events, cause.columns
        t, u, p = moment.t[columns], self._u[:, columns], parameters_of(self._p, columns)
        modes = moment.modes[:, columns].to(u.dtype)
        g = events.roots(t, u, p, modes)[cause.root]
        speed = self._speed(cause, t, u.detach(), None if p is None else p.detach(), modes)
        change = (g - g.detach()).to(torch.float64)
        return -change / speed

    def _speed(self, cause: RootCause, t: Tensor, u: Tensor, p: Tensor | None, modes: Tensor) -> Tensor:
        """dg/dt along the solution.

        Raises:
            ValueError: the solution only touches zero.
        """
        events, options = self._setting.events, self._setting.options

        def both(at_t: Tensor, at_u: Tensor) -> Tensor:
            return torch.stack([one[cause.root] for one in events.watched(at_t, at_u, p, modes)])

        with torch.no_grad():
            (_, slope), (_, bend_t), (by_u, bend_u) = with_gradients(both, t, u)
        f = _slope(self._setting, t, u, p)
        bend = (bend_u * f).sum(0).to(torch.float64) + bend_t
        atol = torch.as_tensor(options.atol, dtype=torch.float64, device=u.device).reshape(-1, 1)
        tolerance = atol + max(options.rtol, LEAST_TOLERANCE) * u.abs()
        error = (by_u.abs() * tolerance).sum(0)
        speed = slope.to(torch.float64)
        touches = ~((speed != 0.0) & (speed**2 > 2.0 * GRAZING * error * bend.abs()))
        if bool(touches.any()):
            k = int(torch.nonzero(touches)[0])
            raise ValueError(
                f"the solution only touches what triggers event `{self._name(cause.columns[k])}` at "
                f"t = {float(t[k]):g} and does not cross it: the time of the event has no derivative there. "
                "Change the start or the parameters a little, or end the span before"
            )
        return speed

    def _name(self, column: Tensor) -> str:
        """The first event of a member at the moment."""
        plans = self._setting.events.plans
        for one in self._moment.operations:
            if bool((one.columns == column).any()):
                return plans[one.event].name
        return "?"

    def _require_together(self, first: Tensor, other: Tensor, waits: bool) -> None:
        """Refuse moments that come at the same time for different reasons.

        Raises:
            ValueError: their times move apart.
        """
        inputs = [one for one in (self._u, self._p, self._t0) if one is not None and one.requires_grad]
        difference = torch.zeros_like(self._moment.t)
        if not waits and transforming():
            raise NotImplementedError(
                "events at the same time for several reasons are not known under torch.func.grad: take "
                "backward()"
            )
        if not waits and inputs:
            a, b = (_grads(one, inputs) for one in (first, other))
            size = sum(one.abs().sum() for one in a) + sum(one.abs().sum() for one in b)
            off = sum((one - two).abs().sum() for one, two in zip(a, b, strict=True))
            if bool(off <= TOGETHER * size):
                return
        elif not waits:
            return
        t = float(self._moment.t[0]) + float(difference[0])
        raise ValueError(
            f"at t = {t:g} event `{self._setting.events.plans[self._moment.operations[0].event].name}` and "
            "another come at the same time for different reasons, and a change of what is differentiated by "
            "moves them apart: the solution has no derivative there. Change one of the times a little"
        )


def _grads(of: Tensor, by: Any) -> tuple[Tensor, ...]:
    """Derivatives of the sum; zeros where it does not depend."""
    if not of.requires_grad:
        return tuple(torch.zeros_like(one) for one in by)
    return torch.autograd.grad(of.sum(), by, retain_graph=True, allow_unused=True, materialize_grads=True)
