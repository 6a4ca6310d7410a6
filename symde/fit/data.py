"""Data in whatever form they come, as one table: times, values and what each value is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.problem.values import reals

TIME_COLUMNS = ("t", "time")
"""Columns of a frame that are its times, where nothing else is said."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Measured values.

    Attributes:
        t: Times as they came, in any order and repeated or not, shape (n_rows,).
        values: Shape (n_rows, k); NaN where a value is missing.
        columns: Names of the columns in the data, k of them; None where they have none.
        quantities: Names of the quantities they are of, k of them; None: the states in their order.
    """

    t: np.ndarray
    values: np.ndarray
    columns: tuple[str, ...] | None
    quantities: tuple[str, ...] | None


def table_of(data: Any, names: Any, time: Any) -> Table:
    """Data as a table.

    Args:
        data: (times, values), a data frame, or a mapping of columns.
        names: Quantities of the columns in their order; of a frame or mapping, the columns to take, or a
            mapping of columns to quantities.
        time: Column of the times, of a frame or mapping.

    Raises:
        ValueError, TypeError: what was found, and what to write instead.
    """
    if isinstance(data, Mapping) or (hasattr(data, "columns") and hasattr(data, "index")):
        return _of_columns(data, names, time)
    if time is not None:
        raise ValueError("time= names a column of a frame: data given as (times, values) have their times")
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(
            "data must be (times, values), a data frame or a mapping of columns, found "
            f"{type(data).__name__}{f' of {len(data)}' if isinstance(data, tuple | list) else ''}"
        )
    t, values = _times(data[0]), reals(_filled(data[1]), "the data")
    values = values.reshape(-1, 1) if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(t):
        raise ValueError(
            f"the data have shape {np.shape(data[1])}: with {len(t)} times it must be ({len(t)}, quantities)"
        )
    return _checked(Table(t, values, None, _names(names, values.shape[1])))


def _of_columns(data: Any, names: Any, time: Any) -> Table:
    present = [str(name) for name in (data.keys() if isinstance(data, Mapping) else data.columns)]
    original = dict(zip(present, data.keys() if isinstance(data, Mapping) else data.columns, strict=True))
    if len(original) < len(present):
        raise ValueError(f"the data have two columns of one name: {', '.join(present)}")
    clock = _clock(data, present, time)
    t = _times(getattr(data, "index", None) if clock is None else data[original[clock]])
    if names is None:
        chosen = {name: name for name in present if name != clock}
    elif isinstance(names, Mapping):
        chosen = {str(column): str(quantity) for column, quantity in names.items()}
    else:
        chosen = {str(name): str(name) for name in ((names,) if isinstance(names, str) else names)}
    for column in chosen:
        if column not in present:
            raise ValueError(f"the data have no column {column!r}: there are {', '.join(present)}")
    if not chosen:
        raise ValueError(f"the data have no column beside their times: {', '.join(present)}")
    parts = [reals(_filled(data[original[column]]), f"column {column!r}") for column in chosen]
    for column, part in zip(chosen, parts, strict=True):
        if part.shape != t.shape:
            raise ValueError(f"column {column!r} has shape {part.shape}, and there are {len(t)} times")
    return _checked(Table(t, np.stack(parts, axis=1), tuple(chosen), tuple(chosen.values())))


def _clock(data: Any, present: Sequence[str], time: Any) -> str | None:
    """The column of times; None: the index."""
    if time is not None:
        if str(time) not in present:
            raise ValueError(f"the data have no column {time!r} of times: there are {', '.join(present)}")
        return str(time)
    index: Any = getattr(data, "index", None) if not isinstance(data, Mapping) else None
    if index is None or index.name is None:
        for name in TIME_COLUMNS:
            if name in present:
                return name
    # an index that nobody chose counts rows, not time
    if index is None or (index.name is None and type(index).__name__ == "RangeIndex"):
        raise ValueError(
            "the data have no times: name their column with time=..., or call it 't' or 'time'"
            + ("" if index is None else ", or set the index: frame.rename_axis('t')")
        )
    return None


def _times(given: Any) -> np.ndarray:
    t = reals(given, "the times of the data")
    if t.ndim != 1 or not len(t):
        raise ValueError(f"the times of the data must be a list of one time or more, found shape {t.shape}")
    if not np.isfinite(t).all():
        raise ValueError(f"time {int(np.argmin(np.isfinite(t)))} of the data is not finite")
    return t


def _filled(values: Any) -> Any:
    """Masked values and pandas' own missing ones as NaN."""
    if hasattr(values, "filled") and hasattr(values, "mask"):
        return values.astype(float).filled(np.nan)
    if hasattr(values, "to_numpy") and hasattr(values, "isna") and values.isna().any():
        return values.to_numpy(dtype=float, na_value=np.nan)
    return values


def _names(names: Any, count: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    listed = (names,) if isinstance(names, str) else tuple(str(name) for name in names)
    if len(listed) != count:
        raise ValueError(f"the data have {count} columns, and names has {len(listed)}: {', '.join(listed)}")
    return listed


def _checked(table: Table) -> Table:
    if np.isinf(table.values).any():
        row, column = np.argwhere(np.isinf(table.values))[0]
        raise ValueError(f"the value in row {row}, column {column} of the data is infinite (missing: NaN)")
    if np.isnan(table.values).all():
        raise ValueError("the data hold no value: all are missing")
    return table
