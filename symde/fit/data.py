"""Data in whatever form they come, as one table: times, values and what each value is of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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


def table_of(data: Any, names: Any, time: Any, besides: Collection[str] = ()) -> Table:
    """Data as a table.

    Args:
        data: (times, values), a data frame, or a mapping of columns.
        names: Quantities of the columns in their order; of a frame or mapping, the columns to take, or a
            mapping of columns to quantities.
        time: Column of the times, of a frame or mapping.
        besides: Columns that are not compared unless `names` says so: they tell of noise or weights.

    Raises:
        ValueError, TypeError: what was found, and what to write instead.
    """
    data, names = _usual(data, names)
    if _has_columns(data):
        return _of_columns(data, names, time, besides)
    if time is not None:
        raise ValueError("time= names a column of a frame: data given as (times, values) have their times")
    if not isinstance(data, tuple | list) or len(data) != 2:
        found = type(data).__name__ + (f" of {len(data)}" if isinstance(data, tuple | list) else "")
        raise TypeError(
            f"data must be (times, values), a data frame or a mapping of columns, found {found}{_hint(data)}"
        )
    if _has_columns(data[0]):
        raise TypeError(
            "two frames are no times and values: data of several experiments are a list of "
            "symde.Experiment(frame, ...), each with its conditions"
        )
    if isinstance(data[1], Mapping):
        one = next(map(str, data[1]), "x")
        raise ValueError(
            "values by name come with their times in one mapping of columns: write "
            f"{{'t': times, {one!r}: values, ...}}"
        )
    if names is None and _has_columns(data[1]) and all(isinstance(one, str) for one in data[1].columns):
        names = list(data[1].columns)
    t, values = _times(data[0]), _numbers(data[1], "the data")
    values = values.reshape(-1, 1) if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(t):
        raise ValueError(
            f"the data have shape {np.shape(data[1])}: with {len(t)} times it must be ({len(t)}, quantities)"
        )
    return _checked(Table(t, values, None, _names(names, values.shape[1])))


def column_of(data: Any, name: str) -> np.ndarray | None:
    """The numbers of a column, shape (n_rows,); None where the data have no such column."""
    data, _ = _usual(data, None)
    if not _has_columns(data):
        return None
    for one in data.keys() if isinstance(data, Mapping) else data.columns:
        if str(one) == name:
            return _numbers(data[one], f"column {name!r}")
    return None


def _usual(data: Any, names: Any) -> tuple[Any, Any]:
    """Series as times and values, records and labelled arrays as columns."""
    if hasattr(data, "to_frame") and hasattr(data, "index") and not hasattr(data, "columns"):
        if data.index.name is None and type(data.index).__name__ == "RangeIndex":
            raise ValueError("the series has no times: set its index, series.set_axis(times)")
        named = [data.name] if names is None and isinstance(data.name, str) else names
        return (data.index, data), named
    if getattr(getattr(data, "dtype", None), "names", None):
        return {name: data[name] for name in data.dtype.names}, names
    return (data.to_dataframe() if hasattr(data, "to_dataframe") else data), names


def _has_columns(data: Any) -> bool:
    return isinstance(data, Mapping) or (hasattr(data, "columns") and hasattr(data, "__getitem__"))


def _hint(data: Any) -> str:
    """What to write instead, where what was meant can be guessed."""
    if hasattr(data, "t") and hasattr(data, "u"):
        return ": write (solution.t, solution.u)"
    if isinstance(data, np.ndarray):
        return ": an array alone has no times, write (times, values)"
    if isinstance(data, list) and not data:
        return ": there is no experiment in the list"
    if isinstance(data, list) and any(_has_columns(one) for one in data):
        return ": data of several experiments are a list of symde.Experiment(frame, ...)"
    return ""


def _of_columns(data: Any, names: Any, time: Any, besides: Collection[str]) -> Table:
    present = [str(name) for name in (data.keys() if isinstance(data, Mapping) else data.columns)]
    original = dict(zip(present, data.keys() if isinstance(data, Mapping) else data.columns, strict=True))
    if len(original) < len(present):
        raise ValueError(f"the data have two columns of one name: {', '.join(present)}")
    clock = _clock(data, present, time)
    t = _times(getattr(data, "index", None) if clock is None else data[original[clock]])
    if names is None:
        chosen = {name: name for name in present if name != clock and name not in besides}
    elif isinstance(names, Mapping):
        chosen = {str(column): str(quantity) for column, quantity in names.items()}
    else:
        chosen = {str(name): str(name) for name in ((names,) if isinstance(names, str) else names)}
    for column in chosen:
        if column not in present:
            raise ValueError(f"the data have no column {column!r}: there are {', '.join(present)}")
    if not chosen:
        raise ValueError(f"the data have no column beside their times: {', '.join(present)}")
    parts = [_numbers(data[original[column]], f"column {column!r}") for column in chosen]
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
    t = _numbers(given, "the times of the data")
    if t.ndim == 1 and not len(t):
        raise ValueError("the data are empty: they have no rows")
    if t.ndim != 1:
        raise ValueError(f"the times of the data must be a list of one time or more, found shape {t.shape}")
    if not np.isfinite(t).all():
        row = int(np.argmin(np.isfinite(t)))
        raise ValueError(f"time {row} of the data is {t[row]}: leave out the rows without a time")
    return t


def _numbers(given: Any, what: str) -> np.ndarray:
    """Real numbers, NaN for what is missing.

    Raises:
        TypeError: text, dates or truth values, with how numbers are made of them.
    """
    kind = getattr(getattr(given, "dtype", None), "kind", "")
    if kind in ("M", "m"):
        span = "t" if kind == "m" else "(t - start)"
        raise TypeError(
            f"{what} must be numbers in the model's unit, found {given.dtype}: hours, for one, are "
            f"{span} / pandas.Timedelta('1h')"
        )
    filled = _filled(given)
    array = np.asarray(filled) if not isinstance(filled, list | tuple) else None
    if array is not None and array.dtype.kind in ("O", "U", "T"):
        text = next((one for one in array.flat if isinstance(one, str)), None)
        if text is not None:
            raise TypeError(
                f"{what} must be numbers, found the text {str(text)!r}: make numbers of it with "
                "pandas.to_numeric(column, errors='coerce'), or say which columns to take, names=[...]"
            )
    if array is not None and array.dtype.kind == "b":
        raise TypeError(f"{what} must be numbers, found truth values")
    return reals(filled, what)


def _filled(values: Any) -> Any:
    """Masked values and pandas' own missing ones as NaN."""
    if hasattr(values, "filled") and hasattr(values, "mask"):
        return values.astype(float).filled(np.nan)
    if hasattr(values, "to_numpy") and hasattr(values, "isna") and np.any(values.isna()):
        try:
            return values.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):  # text among them, of which `reals` tells
            return values
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
