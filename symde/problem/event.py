"""An event given where a problem is solved: strings and numbers, no symbols."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

Text = str | float
"""An expression of the language, or a number."""

Function = Callable[..., Any]
"""A torch function."""

DIRECTIONS = ("rising", "falling")


@dataclass(frozen=True, slots=True, init=False)
class Event:
    """An event for one solve, `solve(problem, events=[...])`, or for a model, `model.with_events([...])`.

    Expressions are those of the language with the model's names. A parameter that an event sets is a discrete
    variable from then on, which starts at the parameter's value.

        symde.Event("I/N > 0.1", {"beta": "beta*lock"})
        symde.Event("h == 0", {"v": "-0.9*v"}, direction="falling")
        symde.Event(at=[1, "2*T"], effects={"A": "A + dose"})
        symde.Event(every=24, until=240, effects={"A": "A + 100"})
        symde.Event("x > 3", stop=True)

    Where the right-hand side is a torch function or module (`symde.engine.batched.integrate`) conditions and
    effects are functions of the same arguments, t (B,), u (n, B) and p, one column a member:

        symde.Event(lambda t, u, p: u[0], lambda t, u, p: u * p, direction="falling")

    Args:
        condition: Triggers as it turns from false to true, or as a crossing `a == b` is crossed. A function
            gives numbers (B,), whose zeros are the event's times.
        effects: State, discrete variable or parameter -> its new value, from the values just before. A
            function gives all states after the event, shape (n, B).
        name: What `solution.events` calls it; by its place where it has none.
        at: Times, one or several, which may read parameters, constants and `t0`; for torch also a function of
            p, or functions, that give times of shape () or (B,).
        every: A period; the event happens at `start` (one period after `t0` where it is None) and from then
            on once a period, up to and with `until` (the end of the solve where it is None).
        start, until: See `every`.
        direction: "rising" or "falling", for a crossing `a == b`; None: both.
        after: Delay between a condition and the effects.
        priority: Of events at the same time the one with the larger number comes first (0 where it is None).
        persistent: A delayed event takes place even if its condition has turned false meanwhile.
        stop: The solve ends with it.

    Raises:
        ValueError: not exactly one of `condition`, `at` and `every`; no effect; a property that does not fit;
            a number that is not finite.
        TypeError: neither text nor number.
    """

    condition: str | Function | None
    effects: tuple[tuple[str, Text], ...] | Function
    name: str | None
    at: tuple[Text | Function, ...] | None
    every: Text | None
    start: Text | None
    until: Text | None
    direction: str | None
    after: Text | None
    priority: Text | None
    persistent: bool
    stop: bool

    def __init__(
        self,
        condition: str | Function | None = None,
        effects: Mapping[str, Text] | Function | None = None,
        *,
        name: str | None = None,
        at: Text | Function | Iterable[Text | Function] | None = None,
        every: Text | None = None,
        start: Text | None = None,
        until: Text | None = None,
        direction: str | None = None,
        after: Text | None = None,
        priority: Text | None = None,
        persistent: bool = False,
        stop: bool = False,
    ) -> None:
        if condition is not None and not isinstance(condition, str) and not callable(condition):
            raise TypeError(f'an event\'s condition is a text such as "x > 1", not {condition!r}')
        if name is not None and not isinstance(name, str):
            raise TypeError(f"an event's name is a text, not {name!r}")
        times = None if at is None else _times(at)
        values = effects if callable(effects) else _effects(effects)
        texts = {"every": every, "start": start, "until": until, "after": after, "priority": priority}
        texts = {key: value if value is None else _text(value, key) for key, value in texts.items()}
        fields = dict(condition=condition, effects=values, name=name, at=times, direction=direction)
        fields |= dict(persistent=bool(persistent), stop=bool(stop), **texts)
        for key, value in fields.items():
            object.__setattr__(self, key, value)
        self._check()

    def _check(self) -> None:
        given = [key for key in ("condition", "at", "every") if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"an event has one of condition, at= and every=; given: {found}")
        if self.effects == () and not self.stop:
            raise ValueError('an event changes something: give effects={"x": "0"} or stop=True')
        if self.every is None and not (self.start is None and self.until is None):
            raise ValueError("start= and until= belong to every=")
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise ValueError(f'direction is "rising" or "falling", not {self.direction!r}')
        conditional = {
            "direction": self.direction,
            "after": self.after,
            "persistent": self.persistent or None,
        }
        wrong = next((key for key, value in conditional.items() if value is not None), None)
        if self.condition is None and wrong is not None:
            raise ValueError(f"{wrong}= belongs to events with a condition: the times of this one are known")
        if self.persistent and self.after is None:
            raise ValueError(
                "persistent=True tells what becomes of a delayed event: give the delay as after="
            )


def _effects(effects: Mapping[str, Text] | None) -> tuple[tuple[str, Text], ...]:
    return tuple((_target(key), _text(value, f"the new value of {key!r}")) for key, value in _pairs(effects))


def _pairs(effects: Mapping[str, Text] | None) -> Iterable[tuple[str, Text]]:
    if effects is None:
        return ()
    if not isinstance(effects, Mapping):
        raise TypeError(f'effects are a mapping such as {{"x": "0"}}, not {type(effects).__name__}')
    return effects.items()


def _target(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"effects map names to values, and {key!r} is no name")
    return key


def _times(at: Text | Function | Iterable[Text | Function]) -> tuple[Text | Function, ...]:
    if callable(at):
        return (at,)
    if isinstance(at, (str, Real)):
        return (_text(at, "at"),)
    if not isinstance(at, Iterable):
        raise TypeError(f"at= takes times as numbers or texts, not {at!r}")
    times = tuple(one if callable(one) else _text(one, "at") for one in at)
    if not times:
        raise ValueError("at= takes at least one time")
    return times


def require_text(event: Event) -> None:
    """Refuse an event that is made of functions where a model's names are wanted.

    Raises:
        TypeError: it is.
    """
    parts = {"condition": event.condition, "effects": event.effects}
    parts |= {"at": next((one for one in event.at or () if callable(one)), None)}
    for what, one in parts.items():
        if callable(one):
            raise TypeError(
                f"{what} of an event of a model is text that reads its names, found a function: functions "
                "belong to right-hand sides that are torch functions, symde.engine.batched.integrate"
            )


def _text(value: Text, what: str) -> Text:
    """A text as it is, a number as a finite float."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{what} is a text or a number, not {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{what} is not finite: {value!r}")
    return float(value)
