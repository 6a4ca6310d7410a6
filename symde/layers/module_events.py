"""The events of a model for the torch engine: their printed source, brought to life once."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from torch import Tensor

from symde.codegen.torch_events import TorchEvents, torch_events
from symde.engine.batched.events.functions import watched_by_torch
from symde.layers.module import module_of, run_printed
from symde.problem.system import System

_events: weakref.WeakKeyDictionary[Any, ModelEvents] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def events_of(system: System) -> ModelEvents | None:
    """The events of a model, as `symde.engine.batched.events.interface` has them; None where it has none. The
    same object each time.

    Raises:
        ValueError, ModelError: the model or one of its events is not for the torch engine.
    """
    rhs = module_of(system)
    definition: Any = getattr(system, "definition", None)
    if not definition.events:
        return None
    with _lock:
        found = _events.get(system)
        if found is None:
            found = _events[system] = ModelEvents(torch_events(definition), rhs)
        return found


class ModelEvents:
    """Printed events.

    Args:
        made: The print.
        rhs: The right-hand side, with the modules that events call too.
    """

    def __init__(self, made: TorchEvents, rhs: Any) -> None:
        self.plans, self.floors = made.plans, made.floors
        self.count, self.rounding = len(made.roots), 0.0
        self.uneven = getattr(rhs, "uneven", None)
        self.ties = tuple(root.tie for root in made.roots)
        self.purposes = tuple(root.purpose for root in made.roots)
        self.integers = tuple(root.integer for root in made.roots)
        self.timed, self.ranked, self.has_conditions = made.timed, made.ranked, made.conditions > 0
        self._rhs, self._printed = rhs, run_printed(made.text).Events(rhs)
        self._watched = getattr(self._printed, "watched", None)
        self._effects = [getattr(self._printed, f"effect_{j}", None) for j in range(len(made.plans))]

    def roots(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> Tensor:
        """Values of the root functions."""
        return self._printed.roots(t, u, p, modes)

    def watched(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> tuple[Tensor, Tensor]:
        """The same and their total time derivatives."""
        if self._watched is None:
            return watched_by_torch(self.roots, self._rhs, t, u, p, modes)
        both = self._watched(t, u, p, modes)
        return both[: self.count], both[self.count :]

    def conditions(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> Tensor:
        """1 or 0 of each condition."""
        return self._printed.conditions(t, u, p, modes)

    def effect(self, event: int, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """What an event sets, and its delay where it has one."""
        return self._effects[event](t, u, p)  # type: ignore[misc]

    def priorities(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """Of each event."""
        return self._printed.priorities(t, u, p)

    def times(self, t0: Tensor, p: Any) -> Tensor:
        """Times and periods."""
        return self._printed.times(t0, p)

    def probed(self, t: Tensor, u: Tensor, p: Any) -> list[Tensor]:
        """What can be differentiated by is known: the modules that the right-hand side holds."""
        return []
