"""What the engine asks of events: a model's printed ones, or functions of the user's."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from symde.problem.event_plan import EventPlan

EVENT, FLOOR_LOW, FLOOR_HIGH, INNER = 1, 4, 8, 16
"""What a root function is for, as `symde.engine.cpu.roots` has it; several may hold."""


class Events(Protocol):
    """Events as functions of many points, the points last; one column never acts on another.

    `modes` are the side of zero of each root function, 1 or -1, and behind them the values of floors, shape
    (count + floors, S). All but `watched` can be differentiated by what they are given.

    Attributes:
        plans: What each event is, in the order in which they come at equal priority.
        count, floors: Number of root functions, and of floors inside conditions.
        ties: Of each root function the side that counts where it is zero and stays so, 0: the one it was on.
        purposes, integers: What each is for, and of a floor's function the place of its value.
        timed: Of each whether it follows time alone.
        has_conditions, ranked: Whether there are conditions, and priorities.
        rounding: Part of the largest state by which a root function may be off zero at a start that is meant
            to be there; 0: a start is what it is.
    """

    plans: tuple[EventPlan, ...]
    count: int
    floors: int
    ties: tuple[float, ...]
    purposes: tuple[int, ...]
    integers: tuple[int, ...]
    timed: tuple[bool, ...]
    has_conditions: bool
    ranked: bool
    rounding: float

    def roots(self, t: Tensor, u: Tensor, p: Tensor | None, modes: Tensor) -> Tensor:
        """Values of the root functions, shape (count, S)."""
        ...

    def watched(self, t: Tensor, u: Tensor, p: Tensor | None, modes: Tensor) -> tuple[Tensor, Tensor]:
        """The same and their total time derivatives."""
        ...

    def conditions(self, t: Tensor, u: Tensor, p: Tensor | None, modes: Tensor) -> Tensor:
        """1 or 0 of each condition, shape (conditions, S)."""
        ...

    def effect(self, event: int, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """What an event sets, shape (targets, S), and in one more row its delay where it has one."""
        ...

    def priorities(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """Of each event, shape (events, S)."""
        ...

    def times(self, t0: Tensor, p: Tensor | None) -> Tensor:
        """Times and periods that are known at the start, shape (times, S), float64."""
        ...
