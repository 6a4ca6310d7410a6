"""How large the noise of each value is and how much the value counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symde.fit.data import Table
from symde.problem.values import reals, unknown_name


def per_value(given: Any, table: Table, quantities: tuple[str, ...], what: str) -> np.ndarray:
    """Numbers for all values of a table, shape (n_rows, k), NaN where a quantity has a name instead.

    Args:
        given: A number, one number a column, one a value, or a mapping of quantities (or columns) to any of
            these; for noise also names.
        table: The data.
        quantities: What the columns are of.
        what: For messages.
    """
    shape = table.values.shape
    if isinstance(given, str):
        return np.full(shape, np.nan)
    if isinstance(given, Mapping) or (hasattr(given, "columns") and hasattr(given, "items")):
        result = np.full(shape, 1.0)
        for key, value in given.items():
            column = _column(str(key), table, quantities, what)
            result[:, column] = np.nan if isinstance(value, str) else _column_values(value, shape[0], what)
        missing = [name for name in quantities if not _given(given, name, table, quantities)]
        if missing and what == "sigma":
            raise ValueError(f"sigma says nothing of {', '.join(missing)}: give every quantity its own")
        return result
    array = np.asarray(given)
    if array.dtype == bool:
        array = array.astype(float)
    values = reals(array, what)
    if values.shape == shape[:1] and shape[1] == 1:
        values = values[:, None]
    if values.ndim > 2 or (values.shape not in ((), (1,), shape[1:], shape)):
        raise ValueError(
            f"{what} has shape {values.shape}: it must be a number, one a column ({shape[1]},) or one a "
            f"value {shape}"
        )
    return np.broadcast_to(values, shape).copy()


def names_of(given: Any, table: Table, quantities: tuple[str, ...]) -> tuple[str | None, ...]:
    """Name of the quantity that is the noise scale of each column, None where it is a number."""
    if isinstance(given, str):
        return (given,) * len(quantities)
    result: list[str | None] = [None] * len(quantities)
    if isinstance(given, Mapping):
        for key, value in given.items():
            if isinstance(value, str):
                result[_column(str(key), table, quantities, "sigma")] = value
    return tuple(result)


def texts_in(given: Any) -> tuple[str, ...]:
    """The names among noise scales or weights."""
    if isinstance(given, str):
        return (given,)
    return tuple(one for one in given.values() if isinstance(one, str)) if isinstance(given, Mapping) else ()


def _column_values(value: Any, rows: int, what: str) -> np.ndarray:
    values = reals(np.asarray(value, dtype=float) if np.asarray(value).dtype == bool else value, what)
    if values.shape not in ((), (rows,)):
        raise ValueError(f"{what} of a column must be a number or {rows} numbers, found shape {values.shape}")
    return values


def _column(key: str, table: Table, quantities: tuple[str, ...], what: str) -> int:
    for names in (quantities, table.columns or ()):
        if key in names:
            return names.index(key)
    raise unknown_name(key, f"column in {what}", quantities)


def _given(given: Any, name: str, table: Table, quantities: tuple[str, ...]) -> bool:
    keys = {str(key) for key in given}
    column = None if table.columns is None else table.columns[quantities.index(name)]
    return name in keys or column in keys
