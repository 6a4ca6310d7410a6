"""What the engine knows of a model's event: places in the vectors of its kernels, no symbols."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventPlan:
    """An event.

    Attributes:
        name: Its name.
        kind: "when", "crossing", "at" or "every".
        place: Of a `when` its condition, of a crossing its root function.
        direction: Of a crossing "rising", "falling" or "both".
        times: Of an `at` the places of its times; of an `every` those of period, start and end, None where
            there is none.
        targets: Indices of the states it sets.
        stop: Whether the solve ends with it.
        delayed: Whether its effect is computed with a delay as the last value.
        persistent: With a delay: takes place whatever its condition has become.
    """

    name: str
    kind: str
    place: int
    direction: str
    times: tuple[int | None, ...]
    targets: tuple[int, ...]
    stop: bool
    delayed: bool
    persistent: bool
