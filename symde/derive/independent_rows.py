"""Rows of M u' = f whose left sides depend on each other: combinations without derivatives are constraints.

Capacitors between two nodes of a circuit give rows C*(x' - y') = f and C*(y' - x') = g, and their sum is
0 = f + g. A derivative that is an algebraic variable, because something reads it, counts as one on the left
all the same where it has a factor of parameters.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from symde.derive.system import EquationSystem, Row
from symde.language.syntax import Expr
from symde.model.definition import PI
from symde.model.evaluate import evaluate
from symde.model.functions import BUILT_IN
from symde.model.inline import Inliner
from symde.model.linear import NotLinearError, linear_in
from symde.model.syntax_derivative import ZERO, Factors, negative, number, product, total
from symde.model.walk import calls, identifiers

RANK = 1e-10
"""Part of its row's largest entry below which an entry that elimination leaves counts as zero."""

SAMPLES = 2
"""Values of the parameters, as good as any others, at which M is looked at."""


def make_independent(system: EquationSystem) -> None:
    """Replace rows of M that depend on others by the constraints that follow.

    Gaussian elimination on numbers, at several values of the parameters at once, tells which rows vanish; the
    factors of a combination are numbers where they are the same for all, else quotients of entries of M.
    """
    samples = _samples(system)
    pivots: list[_Pivot] = []
    for row in system.rows:
        entries, rest = _derivatives(system, row)
        if not entries:
            continue
        left = _Left(entries, {name: _values(system, one, samples) for name, one in entries.items()})
        size = max(abs(value) for value, *_ in left.values.values())
        combined: Factors = [("+", rest)]
        for pivot in pivots:
            if pivot.column in left.values:
                factor = left.subtract(pivot, size)
                combined.append(("-", product([("*", factor), ("*", pivot.value)], row.span)))
        left.drop(size)
        value = total(combined, row.span)
        if left.values:
            column = max(left.values, key=lambda name, of=left.values: abs(of[name][0]))
            pivots.append(_Pivot(column, left, value))
        else:
            system.retire(row)
            row.mass, row.value = {}, value


def _derivatives(system: EquationSystem, row: Row) -> tuple[dict[str, Expr], Expr]:
    """The factor of each state's derivative on the left, and what is left of the right side."""
    slopes = system.slopes
    fixed = {PI, *(one.name for one in system.definition.constants), *system.definition.parameter_names}

    def is_fixed(expression: Expr) -> bool:
        own = all(call.function in BUILT_IN for call in calls(expression))
        return own and identifiers([expression]) <= fixed

    try:
        linear = linear_in(row.value, slopes, is_fixed)
    except NotLinearError:
        return dict(row.mass), row.value
    entries = dict(row.mass)
    for slope, factor in linear.coefficients.items():
        entries[slopes[slope]] = negative(factor, factor.span)
    return entries, linear.rest if linear.rest is not None else ZERO


Values = tuple[float, ...]
"""The value of an entry at each sample."""


@dataclass(slots=True)
class _Left:
    """The left side of a row: entries of M and their values, by state."""

    entries: dict[str, Expr]
    values: dict[str, Values]

    def subtract(self, pivot: _Pivot, size: float) -> Expr:
        """Take away the multiple of another row that leaves nothing in its pivot's column; the factor."""
        column, other = pivot.column, pivot.left
        ratios = [a / b for a, b in zip(self.values[column], other.values[column], strict=True)]
        factor = _factor(self.entries[column], other.entries[column], ratios)
        for name, theirs in other.values.items():
            own = self.values.get(name, (0.0,) * SAMPLES)
            self.values[name] = tuple(a - r * b for a, r, b in zip(own, ratios, theirs, strict=True))
            taken = product([("*", factor), ("*", other.entries[name])], None)
            kept: Factors = [("+", self.entries[name])] if name in self.entries else []
            self.entries[name] = total([*kept, ("-", taken)], None)
        del self.values[column], self.entries[column]
        self.drop(size)
        return factor

    def drop(self, size: float) -> None:
        """Leave out entries that are zero."""
        for name in [name for name, one in self.values.items() if max(map(abs, one)) <= RANK * size]:
            del self.values[name], self.entries[name]


@dataclass(frozen=True, slots=True)
class _Pivot:
    """A row that depends on none before it, after elimination, and the state whose column it clears."""

    column: str
    left: _Left
    value: Expr


def _samples(system: EquationSystem) -> list[dict[str, float]]:
    """Values of parameters and constants; fixed, so that a model is always reduced in the same way."""
    draw = random.Random(11)
    known = {PI: math.pi} | {one.name: one.value for one in system.definition.constants}
    names = system.definition.parameter_names
    return [known | {name: draw.uniform(0.5, 1.5) for name in names} for _ in range(SAMPLES)]


def _values(system: EquationSystem, entry: Expr, samples: list[dict[str, float]]) -> tuple[float, ...]:
    written = Inliner(system.definition.functions).inline(entry)
    try:
        return tuple(evaluate(written, sample) for sample in samples)
    except (ArithmeticError, ValueError):  # samples are not the model's own values: any number will do
        draw = random.Random(sorted(identifiers([written]))[0])
        return tuple(draw.uniform(0.5, 1.5) for _ in samples)


def _factor(entry: Expr, pivot: Expr, ratios: list[float]) -> Expr:
    """entry / pivot, a number where it does not depend on parameters."""
    if max(ratios) - min(ratios) > RANK * abs(ratios[0]):
        return product([("*", entry), ("/", pivot)], entry.span)
    whole = round(ratios[0])
    return number(whole if abs(whole - ratios[0]) <= RANK else ratios[0])
