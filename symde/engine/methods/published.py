"""Coefficients kept as they were published beside the float64 arrays that the engine reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from symde.engine.methods.exact import Exact, ExactRows, exact_row, exact_rows, float_row, float_rows
from symde.engine.methods.method import Described


def exact_values(values: Any, width: int | None) -> Fraction | Exact | ExactRows | None:
    """Coefficients without rounding: rows of a width, one row where it is None, one number where it is 0."""
    if values is None:
        return None
    if width == 0:
        return exact_row((values,))[0]
    return exact_row(values) if width is None else exact_rows(values, width)


def float_values(values: Any, width: int | None) -> np.ndarray | float:
    """The float64 nearest to each coefficient; arrays are read-only."""
    if width == 0:
        return float(float_row((values,))[0])
    return float_row(values) if width is None else float_rows(values, width)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Published(Described):
    """A method made of published coefficients.

    They are given as fractions or decimals in text (`symde.engine.methods.exact`) and read back as float64
    arrays; `exact` keeps all their digits. Rows may be given without their last zeros.

    Attributes:
        given: the coefficients as published, by name, and the width of their rows: None for one row, 0 for
            one number.
    """

    given: dict[str, tuple[Any, int | None]] = field(init=False, default_factory=dict)

    @property
    def exact(self) -> Mapping[str, Any]:
        """All coefficients as fractions, by name: tuples of numbers, or of rows."""
        return {key: exact_values(values, width) for key, (values, width) in self.given.items()}

    def _round(self, matrices: Mapping[str, int], rows: Sequence[str], single: Sequence[str] = ()) -> None:
        """Put float64 numbers in the place of the coefficients given; what is None stays so."""
        widths: dict[str, int | None] = {**matrices, **dict.fromkeys(rows), **dict.fromkeys(single, 0)}
        for key, width in widths.items():
            values = getattr(self, key)
            self.given[key] = (values, width)
            if values is not None:
                object.__setattr__(self, key, float_values(values, width))
