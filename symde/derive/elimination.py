"""Algebraic variables that an equation gives outright become observed quantities: z in 0 = z - g(x).

Only equations in which the variable stands once, with a number before it, are solved: nothing is divided by
what may become zero, and what is computed is what the text says. A variable is taken out where its equation
determines nothing else with it (a block of its own), or is an alias, z = w or z = -w. What of loops of
equations is taken out, `tearing` says.
"""

from __future__ import annotations

from collections.abc import Mapping

from symde.derive.blocks import blocks
from symde.derive.system import EquationSystem, Incidence, Row
from symde.language.syntax import Expr, Name, Negate, Number
from symde.model.bipartite import maximum_matching
from symde.model.definition import Observable
from symde.model.evaluate import evaluate
from symde.model.linear import NotLinearError, linear_in
from symde.model.syntax_derivative import negative, number, product
from symde.model.walk import identifiers


def eliminate_explicit(system: EquationSystem) -> None:
    """Take out aliases, and then the variables that equations give outright."""
    _eliminate_aliases(system)
    while _eliminate_blocks(system):
        pass


def _eliminate_aliases(system: EquationSystem) -> None:
    """z = w and z = -w, where z is an algebraic variable and w another state; of two algebraic variables the
    one that has a guess other than 0 stays."""
    variables = dict.fromkeys(_free(system))
    constants = constants_of(system)
    for row in [row for row in system.rows if row.algebraic]:
        read = identifiers([row.value])
        for name in sorted(
            (name for name in variables if name in read), key=lambda one: _guessed(one, system)
        ):
            solved = solved_for(row, name, constants)
            if solved is not None and _is_alias(solved, system):
                take_out(system, row, name, solved)
                del variables[name]
                break


def _free(system: EquationSystem) -> list[str]:
    """The algebraic variables that may go: one that is read at earlier times has a past of its own, which
    what it is made of need not have."""
    delays = system.definition.delays
    if delays is None:
        return system.algebraic
    past = {*delays.states, *delays.slopes, *(one.state for one in delays.histories)}
    return [name for name in system.algebraic if name not in past]


def _guessed(name: str, system: EquationSystem) -> bool:
    initial = system.states[name].initial
    return initial is not None and not (isinstance(initial, Number) and initial.value == 0)


def _is_alias(value: Expr, system: EquationSystem) -> bool:
    inner = value.operand if isinstance(value, Negate) else value
    return isinstance(inner, Name) and inner.id in system.states


def _eliminate_blocks(system: EquationSystem) -> bool:
    """One round over the blocks of a single variable; whether any was taken out.

    What is taken out may leave others in blocks of their own.
    """
    variables, constants, free = system.algebraic, constants_of(system), set(_free(system))
    rows = [row for row in system.rows if row.algebraic]
    incidence = Incidence(system, variables)
    graph = [incidence.of(row.value) for row in rows]
    values: dict[tuple[int, int], Expr] = {}
    for place, row in enumerate(rows):
        for column in graph[place]:
            if variables[column] not in free:
                continue
            solved = solved_for(row, variables[column], constants)
            if solved is not None and column not in incidence.of(solved):
                values[place, column] = solved
    solvable = [
        [column for column in columns if (place, column) in values] for place, columns in enumerate(graph)
    ]
    matching = maximum_matching(solvable, len(variables))
    matching = maximum_matching(graph, len(variables), matching)
    found = False
    for block in blocks(graph, matching):
        place = block[0]
        column = matching.column_of[place]
        last = len(system.states) == 1  # something must be left to solve
        if len(block) == 1 and (place, column) in values and not last:
            take_out(system, rows[place], variables[column], values[place, column])
            found = True
    return found


def constants_of(system: EquationSystem) -> dict[str, float]:
    """The values of the constants."""
    return {one.name: one.value for one in system.definition.constants}


def solved_for(row: Row, name: str, constants: Mapping[str, float]) -> Expr | None:
    """The value of a variable from 0 = c*name + rest with a number c; None where that is not the form.

    The rest may still read it through observed quantities.
    """

    def is_fixed(expression: Expr) -> bool:
        try:
            return evaluate(expression, constants) != 0
        except (ArithmeticError, ValueError):
            return False

    try:
        linear = linear_in(row.value, (name,), is_fixed)
    except NotLinearError:
        return None
    coefficient = linear.coefficients.get(name)
    factor = 0.0 if coefficient is None else evaluate(coefficient, constants)
    if coefficient is None or factor == 0:
        return None
    rest = linear.rest if linear.rest is not None else number(0)
    if factor == -1:
        return rest
    if factor != 1:
        rest = product([("*", rest), ("/", coefficient)], rest.span)
    return negative(rest, rest.span)


def take_out(system: EquationSystem, row: Row, name: str, value: Expr) -> None:
    """Make a variable an observed quantity, and leave its row out."""
    system.rows.remove(row)
    system.retire(row)
    state = system.states.pop(name)
    system.observables[name] = Observable(name, value, state.span)
