"""Values of many members as a caller gives them, by order, by name or by a function, read into columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symde.ensemble.draws import Draws, Purpose
from symde.problem.arrays import Array, arrays_of, elements
from symde.problem.values import by_name, real, reals, unknown_name

Column = float | np.ndarray
"""A value of all members, or an array of shape (n,) with each member's own."""


@dataclass(slots=True)
class Columns:
    """Values by name, and how many members they tell of.

    Attributes:
        values: The columns.
        n: Members, None where every value is that of all.
        source: The words for what told n.
    """

    values: dict[str, Column] = field(default_factory=dict)
    n: int | None = None
    source: str = ""

    def count(self, n: int, source: str) -> None:
        """Note that something tells of n members.

        Raises:
            ValueError: something else tells of another number.
        """
        if self.n is not None and self.n != n:
            raise ValueError(
                f"{source} has values of {n} members, and {self.source} of {self.n}: one length for all"
            )
        self.n, self.source = n, source

    def put(self, name: str, value: Column, what: str) -> None:
        """Add a column.

        Raises:
            ValueError: a value is not finite, or the name has one already.
        """
        if name in self.values:
            raise ValueError(f"{what} is given twice")
        if isinstance(value, np.ndarray):
            finite = np.isfinite(value)
            if not finite.all():
                member = int(np.argmin(finite))
                raise ValueError(f"{what} is {value[member]} in member {member}: it must be finite")
            self.count(len(value), what)
        self.values[name] = value


def columns_of(given: Any, names: tuple[str, ...], kind: str) -> Columns:
    """Columns of values given by order or by name.

    Args:
        given: None; a mapping from names to numbers (of all members) or arrays of shape (n,); an array of
            shape (n, number of names); a sequence in the model's order with numbers, arrays of shape (n,), or
            both.
        names: Names of the model, in order.
        kind: What they are, for messages.

    Raises:
        ValueError, TypeError: a name is unknown, a shape does not fit, or a value is no finite number.
    """
    columns = Columns()
    if given is None:
        return columns
    if isinstance(given, Mapping) or hasattr(given, "items"):
        for key, value in given.items():
            _put_named(columns, str(key), value, names, kind)
        return columns
    if _is_mixed(given):
        _require_all(len(given), names, kind)
        for name, value in zip(names, given, strict=True):
            _put_named(columns, name, value, names, kind)
        return columns
    table = reals(given, f"values of {kind}s")
    if len(names) == 1 and table.ndim == 1 and len(table) != 1:
        table = table[:, None]
    if table.ndim < 2:
        columns.values.update(by_name(given, names, kind))
        return columns
    if table.ndim != 2:
        raise ValueError(f"values of {kind}s have shape {table.shape}, expected (n, {len(names)})")
    if table.shape[1] != len(names) == table.shape[0]:
        raise ValueError(
            f"values of {kind}s have shape {table.shape}, expected a row for each member, (n, {len(names)}): "
            f"of a column for each {kind} write np.column_stack([...]), or give them by name"
        )
    _require_all(table.shape[1], names, kind)
    for k, name in enumerate(names):
        columns.put(name, table[:, k], f"{kind} `{name}`")
    return columns


def drawn_columns(
    function: Any, names: tuple[str, ...], kind: str, n: int, draws: Draws, purpose: Purpose
) -> Columns:
    """Columns of what function(index, rng) gives for each member, by order or by name.

    Raises:
        ValueError: members name different values, or values are not as `Problem` takes them.
        TypeError: the function forgot its `return`.
    """
    argument = "p" if purpose is Purpose.PARAMETERS else "u0"
    first: tuple[str, ...] = ()
    table = np.empty((n, 0))
    for member in range(n):
        found = function(member, draws.generator(member, purpose))
        if found is None:
            raise TypeError(f"the function {argument}(index, rng) returned None: it must return the values")
        row = by_name(found, names, kind)
        if member == 0:
            first, table = tuple(row), np.empty((n, len(row)))
        elif row.keys() != set(first):
            raise ValueError(
                f"the function {argument}(index, rng) gives member {member} values of "
                f"{', '.join(row) or 'none'}, and member 0 of {', '.join(first) or 'none'}: the same names "
                "for all"
            )
        table[member] = [row[name] for name in first]
    values: dict[str, Column] = {name: table[:, k] for k, name in enumerate(first)}
    return Columns(values, n, f"the function {argument}")


def _require_all(found: int, names: Sequence[str], kind: str) -> None:
    if found != len(names):
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise ValueError(
            f"expected values of {len(names)} {kind}s ({shown}), found {found}: "
            "give those that differ by name"
        )


def _is_mixed(given: Any) -> bool:
    """Whether a sequence holds numbers beside arrays, each the values of one name."""
    if not isinstance(given, list | tuple):
        return False
    dimensions = {np.ndim(one) for one in given}
    return dimensions == {0, 1}


def _put_named(columns: Columns, name: str, value: Any, names: tuple[str, ...], kind: str) -> None:
    if name in names:
        columns.put(name, _column(value, f"{kind} `{name}`"), f"{kind} `{name}`")
        return
    arrays = arrays_of(names)
    if name not in arrays:
        raise unknown_name(name, kind, [*names[:12], *arrays, *names[12:]] if arrays else names)
    array = arrays[name]
    inside = names[array.start : array.stop]
    rows = _rows_of_array(value, array)
    if rows is None:
        for one, number in elements(value, name, names, arrays).items():
            columns.put(one, number, f"{kind} `{one}`")
        return
    for k, one in enumerate(inside):
        columns.put(one, rows[:, k], f"{kind} `{one}`")


def _column(value: Any, what: str) -> Column:
    if np.ndim(value) == 0:
        return real(value, what)
    column = reals(value, what)
    if column.ndim != 1:
        raise ValueError(
            f"{what} has shape {column.shape}: give a number, or one for each member (of a grid its ravel())"
        )
    return column


def _rows_of_array(value: Any, array: Array) -> np.ndarray | None:
    """Values of an array parameter, a row for each member; None where they are those of all members."""
    if isinstance(value, Mapping) or hasattr(value, "state_dict"):
        return None
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu().numpy()
    shape = np.shape(value)
    if len(shape) < 2 or shape in (array.shape, (array.size,)):
        return None
    if shape[1:] not in (array.shape, (array.size,)):
        return None  # refused there, with the shape that was expected
    return reals(value, "values").reshape(shape[0], array.size)
