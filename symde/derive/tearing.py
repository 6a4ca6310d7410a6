"""Loops of algebraic equations made smaller: variables that an equation gives once others are known.

A block of the block lower triangular form is a set of equations that must be solved together. Some of its
variables are torn: taken for known. The other ones then follow one after another, each from an equation of
its own, and become observed quantities; the equations that are left determine the torn ones.

A variable is taken out only where

- it stands in its equation with a number before it that is not zero, so that nothing is divided by what may
  vanish, and
- every other algebraic equation that reads it has it with a factor of parameters and numbers. Newton's
  iteration for the torn variables is then the same as it was for all: linear equations in what was taken out
  see it linearised either way, and
- errors of the torn variables are larger in it by a factor of `MOST_GROWTH` at most. Along a ring of n
  equations `0 = z_i - 0.3*z_(i-1) - 0.3*z_(i+1)` two torn variables would give all others, each by a division
  by 0.3, and rounding errors would grow by 3^n.

Sources: H. Elmqvist, M. Otter, Methods for tearing systems of equations in object-oriented modeling, ESM'94,
326-332; F. E. Cellier, E. Kofman, Continuous System Simulation (2006), 7.3, for the choice: where no equation
is left with one unknown, the variable that stands in most of those that are left is torn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from symde.derive.blocks import blocks
from symde.derive.elimination import constants_of, solved_for, take_out
from symde.derive.system import EquationSystem, Incidence, Row
from symde.language.syntax import Expr
from symde.model.bipartite import FREE, maximum_matching
from symde.model.definition import PI, Definition
from symde.model.evaluate import evaluate
from symde.model.functions import BUILT_IN
from symde.model.linear import NotLinearError, linear_in
from symde.model.walk import calls, identifiers

MOST_GROWTH = 30.0
"""Factor by which errors of torn variables may be larger in what is given by them. With 1000 starts of loops
of 40 equations are no longer solved down to rounding; 10 leaves a third more variables."""

BALANCINGS = 8
"""Rounds of scaling; each leaves the square root of what was missing to 1."""

Sizes = dict[tuple[int, int], float]
"""Equation and variable -> absolute value of the derivative."""


@dataclass(frozen=True, slots=True)
class Torn:
    """What became of a loop.

    Attributes:
        variables: Those that are solved for together.
        given: Those that follow from them, in order.
    """

    variables: tuple[str, ...]
    given: tuple[str, ...]


def tear(system: EquationSystem) -> list[Torn]:
    """Take out of every loop what its equations give; the loops that were made smaller."""
    if system.definition.delays is not None:  # what the past is read of keeps its place among the states
        return []
    variables, constants = system.algebraic, constants_of(system)
    rows = [row for row in system.rows if row.algebraic and not row.settled]
    incidence = Incidence(system, variables)
    graph = [incidence.of(row.value) for row in rows]
    matching = maximum_matching(graph, len(variables))
    found: list[Torn] = []
    for block in blocks(graph, matching):
        if len(block) == 1:
            continue
        columns = {matching.column_of[place] for place in block}
        loop = {place: [column for column in graph[place] if column in columns] for place in block}
        plain = _plain_columns(system, rows, graph, variables, columns)
        values = {
            (place, column): value
            for place in block
            for column in loop[place]
            if column in plain
            and (value := solved_for(rows[place], variables[column], constants)) is not None
            and column not in incidence.of(value)
        }
        order = _order(loop, values, balanced(_sizes(system, rows, loop, variables, constants)))
        for place, column in order:
            take_out(system, rows[place], variables[column], values[place, column])
        if order:
            given = [column for _, column in order]
            torn = [column for column in sorted(columns) if column not in given]
            found.append(Torn(tuple(variables[one] for one in torn), tuple(variables[one] for one in given)))
    return found


def balanced(sizes: Sizes) -> Sizes:
    """Entries of a matrix with rows and columns scaled so that the largest of each is about 1, whatever units
    the text has.

    Source: D. Ruiz, A scaling algorithm to equilibrate both rows and columns norms in matrices, Rutherford
    Appleton Laboratory RAL-TR-2001-034 (2001).
    """
    for _ in range(BALANCINGS):
        of_row: dict[int, float] = {}
        of_column: dict[int, float] = {}
        for (i, j), size in sizes.items():
            of_row[i] = max(of_row.get(i, 0.0), size)
            of_column[j] = max(of_column.get(j, 0.0), size)
        sizes = {
            (i, j): size / math.sqrt(of_row[i]) / math.sqrt(of_column[j]) for (i, j), size in sizes.items()
        }
    return sizes


def _plain_columns(
    system: EquationSystem,
    rows: list[Row],
    graph: list[list[int]],
    variables: list[str],
    columns: set[int],
) -> set[int]:
    """The columns that stand in all algebraic equations with a factor that stays what it is, and in no
    observed quantity that one of these reads."""
    definition = system.definition
    fixed = {PI, *(one.name for one in definition.constants), *definition.parameter_names}

    def is_fixed(expression: Expr) -> bool:
        own = all(call.function in BUILT_IN for call in calls(expression))
        return own and identifiers([expression]) <= fixed

    plain = set(columns)
    for place, row in enumerate(rows):
        wanted = {variables[column]: column for column in graph[place] if column in plain}
        while wanted:
            try:
                linear = linear_in(row.value, list(wanted), is_fixed)
            except NotLinearError as problem:
                wrong = wanted.keys() & problem.names or wanted.keys()
            else:
                wrong = wanted.keys() - linear.coefficients.keys()
                if not wrong:
                    break
            plain -= {wanted[name] for name in wrong}
            wanted = {name: column for name, column in wanted.items() if column in plain}
    return plain


def _sizes(
    system: EquationSystem,
    rows: list[Row],
    loop: Mapping[int, list[int]],
    variables: list[str],
    constants: Mapping[str, float],
) -> Sizes:
    """The sizes of a loop's derivatives for the values that its parameters have in the text; 1 where they are
    0, or not that simple."""
    values = _defaults(system.definition, {PI: math.pi, **constants})

    def is_number(expression: Expr) -> bool:
        return identifiers([expression]) <= values.keys()

    sizes: Sizes = {}
    for place, columns in loop.items():
        for column in columns:
            name, size = variables[column], 0.0
            try:
                linear = linear_in(
                    rows[place].value, (name,), lambda one: identifiers([one]) <= values.keys()
                )
                size = abs(evaluate(linear.coefficients[name], values))
            except (NotLinearError, KeyError, ArithmeticError, ValueError):
                pass
            sizes[place, column] = size if 0.0 < size < math.inf else 1.0
    return sizes


def _defaults(definition: Definition, known: Mapping[str, float]) -> dict[str, float]:
    """The numbers of constants and parameters, as far as the text tells them."""
    values, before = dict(known), -1
    while before != len(values):
        before = len(values)
        for one in definition.parameters:
            if one.default is not None and one.name not in values:
                try:
                    values[one.name] = evaluate(one.default, values)
                except (ArithmeticError, ValueError):  # of names that come later, or no number
                    continue
    return values


Pairs = list[tuple[int, int]]
"""Equations and the variables that they give, in order."""


def _order(loop: Mapping[int, list[int]], values: Mapping[tuple[int, int], Expr], sizes: Sizes) -> Pairs:
    """Which equation gives which variable, each from torn ones and those before it: the longest of what
    several choices of torn variables lead to. `sizes` are balanced."""
    given = {column for _, column in values}
    choices = (
        lambda counts, column: (counts[column], column not in given, -column),
        lambda counts, column: (column not in given, counts[column], -column),
        lambda counts, column: (-counts[column], -column),
    )
    return max((_greedy(loop, values, sizes, choice) for choice in choices), key=len)


def _greedy(
    loop: Mapping[int, list[int]],
    values: Mapping[tuple[int, int], Expr],
    sizes: Sizes,
    choice: Callable[[dict[int, int], int], tuple[int, ...]],
) -> Pairs:
    """As long as an equation gives the one variable that is left in it, take it; else tear the variable that
    a choice rates highest by how many equations read it. So is what errors would grow too much in."""
    unknown = {place: set(columns) for place, columns in loop.items()}
    growth: dict[int, float] = {}
    order: Pairs = []
    while any(unknown.values()):
        ready = (
            (place, column)
            for place, columns in unknown.items()
            if len(columns) == 1 and (place, column := next(iter(columns))) in values
        )
        place, column = next(ready, (FREE, FREE))
        if place != FREE:
            others = (sizes[place, one] * growth[one] for one in loop[place] if one != column)
            growth[column] = max(1.0, sum(others) / sizes[place, column])
            if growth[column] <= MOST_GROWTH:
                order.append((place, column))
                del unknown[place]
            else:
                growth[column] = 1.0
        else:
            counts: dict[int, int] = {}
            for columns in unknown.values():
                for one in columns:
                    counts[one] = counts.get(one, 0) + 1
            column = max(counts, key=partial(choice, counts))
            growth[column] = 1.0
        for columns in unknown.values():
            columns.discard(column)
    return order
