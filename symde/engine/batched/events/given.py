"""Events as a call gives them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from symde.engine.batched.events.functions import FunctionEvents
from symde.engine.batched.problem import Batch
from symde.problem.event import Event


def with_events(batch: Batch, events: Any) -> Batch:
    """A batch with events: those of a model, or a list of `symde.Event` made of functions.

    Raises:
        TypeError, ValueError: they are neither, or an option does not go with them.
    """
    if batch.options.compiled:
        raise ValueError(
            "compile=True does not go with events, whose steps are looked at one by one: leave compile out"
        )
    if hasattr(events, "watched"):
        return replace(batch, events=events)
    if isinstance(events, Event):
        events = [events]
    if not isinstance(events, Iterable) or isinstance(events, str):
        raise TypeError(f"events must be a list of symde.Event, found {events!r}")
    given = list(events)
    for one in given:
        if not isinstance(one, Event):
            raise TypeError(f"events must be symde.Event, found {one!r}")
    if not given:
        return batch
    return replace(batch, events=FunctionEvents(given, batch))
