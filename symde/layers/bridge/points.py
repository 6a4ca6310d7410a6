"""The numbers of solves, and what is refused of them.

Arrays have a leading axis of the batch, all of them or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symde.engine.cpu.batch import Members
from symde.layers.bridge.specification import AnySpecification, Point
from symde.problem import options


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The numbers of one solve or of a batch.

    Attributes:
        u0, p, span, times: As in `Point`, with an axis of the batch before.
        batch: Number of members; None where there is no such axis.
    """

    u0: np.ndarray
    p: np.ndarray
    span: np.ndarray
    times: np.ndarray
    batch: int | None

    def only(self) -> Point:
        """The one solve where there is no batch."""
        return Point(self.u0, self.p, self.span, self.times)

    def member(self, place: int) -> Point:
        """One solve of a batch."""
        return Point(self.u0[place], self.p[place], self.span[place], self.times[place])

    def members(self) -> Members:
        """All solves of a batch as the engine takes them."""
        rows = (_rows(one) for one in (self.u0, self.p, self.span, self.times))
        return Members(*rows, count=self.batch or 0)


def _rows(values: np.ndarray) -> np.ndarray:
    """A row for each member, or one where all share it."""
    return np.ascontiguousarray(values[:1] if values.strides[0] == 0 else values)


def check(specification: AnySpecification, points: Points) -> None:
    """Refuse numbers that are not finite, empty spans, and times that are not in order within them.

    Raises:
        ValueError: there are such, with the member of the batch.
    """
    system = specification.problem.system
    names = (system.state_names, "initial value of state"), (system.parameter_names, "parameter")
    for values, (known, what) in zip((points.u0, points.p), names, strict=True):
        require_finite(values, known, what)
    for span, times in _different(points):
        t0, t1 = span.tolist()
        require_span(t0, t1)
        options.save_times(times, t0, t1)


def require_rows(times: np.ndarray | None, saved: np.ndarray) -> None:
    """Refuse a solve that an event ended before all was saved: a tensor has as many rows as there are times.

    Raises:
        ValueError: there are fewer.
    """
    if times is not None and (len(saved) < len(times) or saved[-1] != times[-1]):
        raise ValueError(
            f"an event ended the solve before t = {times[-1]:g}, which was to be saved: save earlier times, "
            "or let the model go on"
        )


def require_finite(values: np.ndarray, names: Sequence[str], what: str) -> None:
    """Refuse numbers that are not finite, of shape (n,) or (B, n).

    Raises:
        ValueError: there is one, with its name and its member of the batch.
    """
    if np.isfinite(values).all():
        return
    place = np.argwhere(~np.isfinite(values))[0]
    index = int(place[-1])
    of = "the derivative of " if index >= len(names) else ""
    member = f" in member {place[0]} of the batch" if len(place) > 1 else ""
    value = values[tuple(place)]
    raise ValueError(f"{of}{what} `{names[index % len(names)]}` is {value}{member}: it must be finite")


def require_span(t0: float, t1: float) -> None:
    """Refuse an empty or endless time span.

    Raises:
        ValueError: it is one.
    """
    if not abs(t1 - t0) < np.inf or t0 == t1:
        raise ValueError(f"tspan goes from {t0:g} to {t1:g}: it must be two different finite times")


def _different(points: Points) -> list[tuple[np.ndarray, np.ndarray]]:
    """Spans and times of all members; once where all share them."""
    if points.batch is None:
        return [(points.span, points.times)]
    if points.span.strides[0] == points.times.strides[0] == 0 and points.batch:
        return [(points.span[0], points.times[0])]
    return list(zip(points.span, points.times, strict=True))
