"""The moments of a solve with events, from what the engine tells: what depends on what, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from symde.codegen.event_derivatives import EventDerivatives
from symde.codegen.past import slopes_with_past
from symde.problem.event_record import SWITCHED, Happening
from symde.problem.solution import Solution
from symde.sensitivity.modes import branches_are_modes, fixed_modes, place_of_switch, smooth_system
from symde.sensitivity.run import Run
from symde.sensitivity.saltation import Change, Moment, MomentTime
from symde.sensitivity.settling import Settling, settling
from symde.sensitivity.start import Start

GRAZING = 4.0
"""Tolerances by which a root function would have to be off not to cross zero there, as a parabola with its
slope and curvature, below which the solution only touches."""

LEAST_TOLERANCE = 1e-13
"""Relative tolerance of solves without one."""

DIFFERENCE = 1e-7
"""Part of the span over which a difference is taken."""

KINK = 1e-7
"""Difference of slopes on both sides of a switch, over their size, up to which it counts as a kink: what a
step leaves of the distance to the switch shows in it."""

Modes = tuple[np.ndarray, np.ndarray]
"""Branches before and after a time."""

TOGETHER = 1e-6
"""Difference of the derivatives of two times, over their size, up to which they move together."""


def moments_of(
    run: Run,
    start: Start,
    journal: Sequence[Happening],
    end: float | None,
    modes: Mapping[float, Modes],
    solution: Solution | None = None,
) -> tuple[Moment, ...]:
    """The moments of a solve.

    Args:
        run: What was solved.
        start: Derivatives of its start.
        journal: What happened.
        end: When an event ended it; None: none did.
        modes: Branches before and after each of these times, where they are modes.
        solution: The continuous solution, where the right-hand side reads the past.

    Raises:
        ValueError: the solution has no derivative there, with the reason.
    """
    reader = MomentReader(run, start, solution)
    groups = [(t, list(group)) for t, group in groupby(journal, key=lambda one: one.t)]
    slopes = [None] * len(groups) if solution is None else reader.slopes(groups, solution)
    return tuple(
        reader.moment(t, group, t == end, modes.get(t), pair)
        for (t, group), pair in zip(groups, slopes, strict=True)
    )


class MomentReader:
    """Turns what happened into moments, in order."""

    def __init__(self, run: Run, start: Start, solution: Solution | None = None) -> None:
        system: Any = run.problem.system
        self.solution = solution
        self.run, self.problem, self.start = run, run.problem, start
        self.plans = system.kernels.events.plans
        self.system, self.derivatives = system, event_derivatives(system)
        # triggered and not yet done: event -> times at which it is due, with places in the list of all
        self.waiting: dict[int, list[tuple[float, int]]] = {}
        # of each triggered event when that was, and how its delay depends on what
        self.origins: list[tuple[float, np.ndarray]] = []

    def slopes(self, groups: list[tuple[float, list[Happening]]], solution: Solution) -> np.ndarray:
        """u' before and after each moment, shape (moments, 2, n), where it reads the past."""
        t = np.repeat([t for t, _ in groups], 2)
        u = np.array([u for _, group in groups for u in (group[0].before, group[-1].after)])
        u = u.reshape(len(t), len(self.problem.u0))
        slopes = slopes_with_past(self.system.kernels.lowered, solution, t, u)
        return slopes.reshape(len(groups), 2, len(self.problem.u0))

    def moment(
        self,
        t: float,
        group: list[Happening],
        terminal: bool,
        modes: Modes | None = None,
        slopes: np.ndarray | None = None,
    ) -> Moment:
        """What happened at a time; times come in order. `slopes` are u' before and after where it reads the
        past."""
        before, after = group[0].before, group[-1].after
        self.p, self.p_after = self.problem.p, self.problem.p
        if modes is not None:
            self.p, self.p_after = (np.concatenate([self.problem.p, one]) for one in modes)
        if slopes is None:
            slope, slope_after = self._slope(t, before, self.p), self._slope(t, after, self.p_after)
        else:
            slope, slope_after = slopes
        changes, waited = [], []
        for one in group:
            if one.index == SWITCHED:
                if self.system.kernels.mass:
                    settled = self._settled(one)
                    changes.append(Change(np.empty(0, np.intp), None, settled=settled))
                continue
            change = self._change(one)
            changes.append(change)
            if one.waited and change.delayed is not None:
                waited.append(change.delayed)
        pushed = [slope, slope_after]
        if self.system.kernels.mass:  # algebraic variables have a kink where what moves them has
            pushed = [self._pushed(*one) for one in ((t, before, self.p), (t, after, self.p_after))]
        if all(one.index == SWITCHED for one in group) and _continuous(*pushed):
            time = MomentTime(None, np.zeros(len(self.problem.p)))  # a kink: when it comes does not matter
        else:
            if modes is not None:
                self._refuse_winding(t, group)
            time = self._time(t, group, before, slope, waited)
        name = "" if group[-1].index == SWITCHED else self.plans[group[-1].index].name
        return Moment(t, before, after, slope, slope_after, time, tuple(changes), terminal, name)

    def _name(self, one: Happening) -> str:
        """What is told of an event, or of a change of branches."""
        if one.index != SWITCHED:
            return f"event `{self.plans[one.index].name}`"
        return place_of_switch(self.system.kernels.events, one.crossed[0])

    def _slope(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """u' there; p with the branches, where these are modes."""
        if self.system.kernels.mass:
            return smooth_system(self.system).derivative(t, u, p)
        if self.solution is not None:
            at = np.array([t])
            return slopes_with_past(self.system.kernels.lowered, self.solution, at, u[None])[0]
        return self.derivatives.slope(t, u, p)

    def _pushed(self, t: float, u: np.ndarray, p: np.ndarray) -> np.ndarray:
        """M u' there, where M has entries."""
        system = smooth_system(self.system)
        _, differential, _, _ = system.constraints.linearised(t, u, p)
        return np.where(differential, system.slope(t, u, p), 0.0)

    def _settled(self, one: Happening) -> Settling | None:
        """What makes the state that it leaves consistent with the branches behind it: later ones of the same
        moment may read it before they change them again."""
        p = self.p_after if one.modes is None else np.concatenate([self.problem.p, one.modes])
        return settling(smooth_system(self.system), one.t, one.after, p, len(self.problem.p))

    def _change(self, one: Happening) -> Change:
        plan, p = self.plans[one.index], self.problem.p
        targets = np.array(plan.targets, dtype=np.intp)
        settled = self._settled(one) if plan.targets and one.due is None else None
        if one.waited:
            return Change(targets, None, self._ended(one), settled)
        effect = self.derivatives.effect(one.index)(one.t, one.before, p)
        if one.due is not None:
            place = len(self.origins)
            delay = np.concatenate([effect.by_states[-1], effect.by_parameters[-1], effect.by_time[-1:]])
            self.origins.append((one.t, delay))
            self.waiting.setdefault(one.index, []).append((one.due, place))
            return Change(targets, effect, place)
        if plan.delayed:  # by no time at all
            k = len(targets)
            parts = (effect.values, effect.by_time, effect.by_states, effect.by_parameters)
            effect = type(effect)(*(part[:k] for part in parts))
        return Change(targets, effect, settled=settled)

    def _ended(self, one: Happening) -> int:
        """The place of the delayed event that is due now; those before it were dropped."""
        queue = self.waiting[one.index]
        position = next(k for k, (due, _) in enumerate(queue) if due == one.t)
        return queue.pop(position)[1]

    def _time(
        self, t: float, group: list[Happening], before: np.ndarray, slope: np.ndarray, waited: list[int]
    ) -> MomentTime:
        """How the moment's time depends on what is differentiated by: it is that of what came first."""
        times = [self._known(t, one.index) for one in group if self._is_known(one)]
        roots = sorted({i for one in group if self._is_root(one) for i in one.crossed if not self._rides(i)})
        times += [self._root(t, i, group, before, slope) for i in roots]
        name = self._name(group[0])
        if waited:
            if times or not all(self._same_origin(waited[0], other) for other in waited[1:]):
                raise ValueError(_coincide(name, t))
            return MomentTime(None, np.zeros(len(self.problem.p)), waited[0])
        if not times:
            raise ValueError(f"{name} at t = {t:g} comes from nothing that can be differentiated")
        first, *rest = times
        if any(not _together(first, other) for other in rest):
            raise ValueError(_coincide(name, t))
        return first

    def _rides(self, root: int) -> bool:
        """Whether a function is that of a switch along which the solution slid: its exit tells when it
        left."""
        exit_ = abs(self.system.kernels.events.rides[root])
        return exit_ != 0 and self.p[len(self.problem.p) + exit_] != 0.0

    def _refuse_winding(self, t: float, group: list[Happening]) -> None:
        """Refuse a place around which the solution has wound ever closer until it slides there: that is not
        the root of one function.

        Raises:
            ValueError: the solution does so.
        """
        events, m = self.system.kernels.events, len(self.problem.p)
        crossed = {i for one in group for i in one.crossed}
        for place, exit_ in enumerate(events.exits):
            begins = exit_ and self.p_after[m + exit_] != 0.0 and self.p[m + exit_] == 0.0
            if begins and place not in crossed:
                raise ValueError(
                    f"at t = {t:g} the solution comes to rest where {place_of_switch(events, place)} and "
                    "another switch meet, after it has crossed their lines ever faster: no strategy "
                    "differentiates that. Let the switches be smooth (`tanh(x/w)` for `sign(x)`)"
                )

    def _same_origin(self, first: int, second: int) -> bool:
        """Whether two delayed events were triggered together and wait equally long."""
        (t_first, first_delay), (t_second, second_delay) = self.origins[first], self.origins[second]
        return t_first == t_second and np.array_equal(first_delay, second_delay)

    def _is_known(self, one: Happening) -> bool:
        return one.index != SWITCHED and not one.waited and self.plans[one.index].kind in ("at", "every")

    def _is_root(self, one: Happening) -> bool:
        if one.index == SWITCHED:
            return True
        return not one.waited and self.plans[one.index].kind in ("when", "crossing")

    def _known(self, t: float, index: int) -> MomentTime:
        by_parameters, by_start = self.derivatives.times(index).derivative(
            t, self.problem.tspan[0], self.problem.p
        )
        return MomentTime(None, by_parameters + by_start * self.start.span[0])

    def _root(
        self, t: float, root: int, group: list[Happening], before: np.ndarray, slope: np.ndarray
    ) -> MomentTime:
        g = self.derivatives.root(root)(t, before, self.p)
        by_states = g.by_states[0]
        if self.system.kernels.mass or self.solution is not None:
            speed, curvature = self._along(t, root, before, slope)
        else:
            speed, curvature = float(g.values[1]), float(g.by_states[1] @ slope + g.by_time[1])
        tolerance = self.run.atol + max(self.run.plan.rtol, LEAST_TOLERANCE) * np.abs(before)
        error = float(np.abs(by_states) @ np.broadcast_to(tolerance, before.shape))
        if speed == 0.0 or not speed**2 > 2.0 * GRAZING * error * abs(curvature):
            name = self._name(group[0])
            raise ValueError(
                f"the solution only touches what triggers {name} at t = {t:g} and does not cross it: "
                "the time of the event has no derivative there. Change the start or the parameters a little, "
                "or end the span before"
            )
        return MomentTime(-by_states / speed, -g.by_parameters[0, : len(self.problem.p)] / speed)

    def _along(self, t: float, root: int, u: np.ndarray, slope: np.ndarray) -> tuple[float, float]:
        """The derivative of a root function along a solution, and about its second one, of which the size
        alone matters: a difference of the first to both sides."""
        function, p = self.derivatives.root(root), self.p
        t0, t1 = self.problem.tspan
        speeds = []
        for dt in (0.0, DIFFERENCE * (t1 - t0), -DIFFERENCE * (t1 - t0)):
            moved = u + dt * slope
            g = function(t + dt, moved, p)
            speeds.append(float(g.by_states[0] @ self._slope(t + dt, moved, self.p) + g.by_time[0]))
        return speeds[0], (speeds[1] - speeds[2]) / (2.0 * DIFFERENCE * (t1 - t0))


def _together(first: MomentTime, second: MomentTime) -> bool:
    """Whether two times depend on what is differentiated by in the same way."""
    n = next((len(one.by_states) for one in (first, second) if one.by_states is not None), 0)
    zero = np.zeros(n)
    parts = [
        np.concatenate([zero if one.by_states is None else one.by_states, one.by_parameters])
        for one in (first, second)
    ]
    size = max(np.abs(part).max(initial=0.0) for part in parts)
    return bool(np.abs(parts[0] - parts[1]).max(initial=0.0) <= TOGETHER * size)


def _coincide(name: str, t: float) -> str:
    return (
        f"at t = {t:g} {name} and another come at the same time for different reasons, and a change "
        "of what is differentiated by moves them apart: the solution has no derivative there. Change one of "
        "the times a little"
    )


def _continuous(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether the right-hand side does not jump."""
    return bool((np.abs(after - before) <= KINK * (np.abs(before) + np.abs(after))).all())


def event_derivatives(system: Any) -> EventDerivatives:
    """The derivatives of a system's events; the same object each time."""
    known = system.augmented
    if "events" not in known:
        fixed = fixed_modes(system) if branches_are_modes(system) else None
        known.setdefault("events", EventDerivatives(system.kernels, fixed))
    return known["events"]
