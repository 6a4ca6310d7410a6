"""Events whose conditions and effects are functions of the user's, for right-hand sides that are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from symde.engine.batched.events.interface import EVENT
from symde.engine.batched.events.rows import with_gradients
from symde.engine.batched.problem import Batch
from symde.engine.batched.saves import parameters_of
from symde.problem.event import Event
from symde.problem.event_plan import EventPlan


def watched_by_torch(
    roots: Callable[..., Tensor], rhs: Any, t: Tensor, u: Tensor, p: Any, modes: Tensor
) -> tuple[Tensor, Tensor]:
    """Values of root functions and their derivatives along the right-hand side, shape (count, S) each."""
    found = with_gradients(lambda at_t, at_u: roots(at_t, at_u, p, modes), t, u)
    f = rhs(t, u, p)
    return found.values, (found.by_u * f).sum(1) + found.by_t.to(f.dtype)


class FunctionEvents:
    """Events given as functions of (t, u, p), see `symde.Event`.

    Args:
        given: The events.
        batch: What they are events of.

    Raises:
        TypeError, ValueError: one is given as text, or a function does not give what it should.
    """

    def __init__(self, given: list[Event], batch: Batch) -> None:
        self._given, self._rhs, states = given, batch.rhs, len(batch.u0)
        self._members = len(batch.t0)
        self._roots: list[Callable[..., Any]] = []
        self._times: list[Any] = []
        self.plans = tuple(self._plan(k, one, states) for k, one in enumerate(given))
        self.count, self.floors = len(self._roots), 0
        self.ties, self.purposes = (0.0,) * self.count, (EVENT,) * self.count
        self.integers, self.timed = (0,) * self.count, (False,) * self.count
        self.rounding = 0.0
        self.has_conditions, self.ranked = False, any(one.priority is not None for one in given)
        self._priorities = [0.0 if one.priority is None else float(one.priority) for one in given]
        t, u, p = batch.t0.detach(), batch.u0.detach(), batch.p
        p = None if p is None else p.detach()
        with torch.no_grad():
            self._check(t, u, p)
            self._check_columns(t, u, p)

    def _plan(self, k: int, event: Event, states: int) -> EventPlan:
        name = event.name or f"event {k + 1}"
        texts = [what for what, one in _texts(event) if isinstance(one, str)]
        if texts:
            raise TypeError(
                f"event `{name}` has its {texts[0]} as text, which needs a model's names: give functions of "
                "(t, u, p) and numbers here, or solve the model with symde.solve or symde.layers.diffeq"
            )
        if event.after is not None:
            raise ValueError(
                f"event `{name}` has a delay, which events of functions have not: keep the time of the "
                "trigger in a state, and let a second event come at it"
            )
        targets = tuple(range(states)) if event.effects else ()
        kind, place, times = "crossing", -1, ()
        if event.condition is not None:
            place = len(self._roots)
            self._roots.append(event.condition)  # type: ignore[arg-type]
        elif event.at is not None:
            kind, times = "at", self._known(event.at)
        else:
            kind = "every"
            given = (event.every, event.start, event.until)
            times = tuple(None if one is None else self._known((one,))[0] for one in given)
        return EventPlan(
            name, kind, place, event.direction or "both", times, targets, event.stop, False, False
        )

    def _known(self, times: tuple[Any, ...]) -> tuple[int, ...]:
        first = len(self._times)
        self._times += times
        return tuple(range(first, len(self._times)))

    def _check(self, t: Tensor, u: Tensor, p: Any) -> None:
        for event, plan in zip(self._given, self.plans, strict=True):
            if event.condition is not None:
                value = event.condition(t, u, p)  # type: ignore[operator]
                if not isinstance(value, Tensor) or not value.is_floating_point() or value.shape != t.shape:
                    raise ValueError(
                        f"the condition of event `{plan.name}` must give a tensor of floats of shape "
                        f"{tuple(t.shape)}, one for each member, whose zeros are the event's times; found "
                        f"{_described(value)}"
                    )
            if plan.targets:
                value = event.effects(t, u, p)  # type: ignore[operator]
                if not isinstance(value, Tensor) or value.shape != u.shape:
                    raise ValueError(
                        f"the effect of event `{plan.name}` must give the states after it, a tensor of shape "
                        f"{tuple(u.shape)}; found {_described(value)}"
                    )

    def _check_columns(self, t: Tensor, u: Tensor, p: Any) -> None:
        """Refuse functions that do not take another number of members.

        Raises:
            ValueError: one does not.
        """
        some = torch.zeros(1 if len(t) > 1 else 2, dtype=torch.int64, device=t.device)
        t, u, p = t[some], u[:, some], parameters_of(p, some)
        for event, plan in zip(self._given, self.plans, strict=True):
            called = [event.condition] if event.condition is not None else []
            called += [event.effects] if plan.targets else []
            for function in called:
                try:
                    value: Any = function(t, u, p)  # type: ignore[operator]
                    fits = value.shape[-1:] == t.shape
                except (RuntimeError, IndexError, ValueError):
                    fits = False
                if not fits:
                    raise ValueError(
                        f"event `{plan.name}` is looked at for some members alone, and its functions do not "
                        f"take {len(t)} of the {self._members} that there are: give what is of each member "
                        "its own as rows of p"
                    )

    def roots(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> Tensor:
        """Values of the conditions."""
        return torch.stack([one(t, u, p).to(u.dtype) for one in self._roots])

    def watched(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> tuple[Tensor, Tensor]:
        """The same and their derivatives along the solution."""
        return watched_by_torch(self.roots, self._rhs, t, u, p, modes)

    def conditions(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> Tensor:
        """There are none but crossings."""
        return u[:0]

    def effect(self, event: int, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """The states after an event."""
        return self._given[event].effects(t, u, p).to(u.dtype)  # type: ignore[operator]

    def priorities(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """Of each event."""
        return t.new_tensor(self._priorities)[:, None].expand(-1, len(t))

    def times(self, t0: Tensor, p: Any) -> Tensor:
        """Known times and periods."""
        rows = []
        for one in self._times:
            value = one(p) if callable(one) else one
            rows.append(
                torch.as_tensor(value, dtype=torch.float64, device=t0.device).reshape(-1).expand_as(t0)
            )
        return torch.stack(rows)

    def probed(self, t: Tensor, u: Tensor, p: Any) -> list[Tensor]:
        """What all functions give at the start, with a history."""
        found = [one(t, u, p) for one in self._roots]
        found += [self.effect(k, t, u, p) for k, plan in enumerate(self.plans) if plan.targets]
        return [*found, *([self.times(t, p)] if self._times else [])]


def _texts(event: Event) -> list[tuple[str, Any]]:
    given = [
        ("condition", event.condition),
        ("effects", "text" if isinstance(event.effects, tuple) and event.effects else None),
    ]
    given += [("times", one) for one in event.at or ()]
    given += [(name, getattr(event, name)) for name in ("every", "start", "until", "after", "priority")]
    return given


def _described(value: Any) -> str:
    return (
        f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    )
