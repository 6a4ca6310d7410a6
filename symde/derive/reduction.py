"""From the equations of a model to those that are solved: M u' = f of index 1, and invariants.

The stages, each on the `EquationSystem` that the one before left:

1. `independent_rows.make_independent`    rows of M that depend on each other, as constraints
2. `elimination.eliminate_explicit`       algebraic variables given outright, as observed quantities
   `guesses.guess_derivatives`            a start for derivatives that equations are linear in
3. here                                   index 1 or not: can every row have a state of its own?
   `tearing.tear`                         loops made smaller, where there are no constraints to differentiate
4. `index_reduction.reduce_index`         constraints differentiated, where not; then again from 1
5. `guesses.guess_states`                 initial values that are left out and constraints determine
6. here                                   rows in the places of the states that they determine
"""

from __future__ import annotations

import dataclasses

from symde.derive.changes import refuse_events
from symde.derive.elimination import eliminate_explicit
from symde.derive.guesses import guess_derivatives, guess_states
from symde.derive.independent_rows import make_independent
from symde.derive.index_reduction import reduce_index
from symde.derive.system import EquationSystem, Incidence, Row, system_of
from symde.derive.tearing import tear
from symde.model.bipartite import Matching, empty_matching, maximum_matching
from symde.model.definition import Definition, Observable, State
from symde.model.implicit import Invariant, MassEntry
from symde.model.order import order_by_dependence
from symde.model.syntax_derivative import ONE
from symde.model.walk import calls, names


def solvable(definition: Definition, torn: bool = True) -> Definition:
    """The model as the engine solves it: M u' = f, of structural index 1.

    Rows with entries of M are independent. Row i of an algebraic variable reads that variable, and row i of
    others holds the derivative of state i. Algebraic variables that an equation gives outright are observed
    quantities. Of a model of higher index all states are kept; constraints that were differentiated are
    `invariants` with `at_zero` and `projected`, in the order in which they were differentiated.

    A model without implicit equations is given back as it is.

    Args:
        definition: The model.
        torn: Whether loops of equations are made smaller, as for all but messages.

    Raises:
        ModelError: the equations do not determine the unknowns, or cannot be differentiated; an event sets
            what they determine.
    """
    if definition.mass is None:
        return definition
    refuse_events(definition)
    system = system_of(definition)
    make_independent(system)
    eliminate_explicit(system)
    guess_derivatives(system)
    matching = _match(system)
    while not matching.perfect:
        reduce_index(system)
        make_independent(system)  # a derivative of a constraint may depend on rows that were there
        eliminate_explicit(system)
        matching = _match(system)
    if torn and not system.constraints and not system.raised and tear(system):
        eliminate_explicit(system)
        matching = _match(system)
    guess_states(system)
    return _assemble(system, matching)


def _match(system: EquationSystem) -> Matching:
    """Which row determines which implicit state, derivatives and algebraic variables first."""
    columns = system.implicit
    place = {name: index for index, name in enumerate(columns)}
    incidence = Incidence(system, columns)
    algebraic = {place[name] for name in system.algebraic}
    graph: list[list[int]] = []
    wanted: list[list[int]] = []
    for row in system.rows:
        read = [place[name] for name in row.mass] or incidence.of(row.value)
        if place.get(row.home) in read:  # what fits already, stays
            read = list(dict.fromkeys([place[row.home], *read]))
        graph.append(read)
        wanted.append([one for one in read if row.mass or one in algebraic])
    matching = maximum_matching(wanted, len(columns), empty_matching(len(graph), len(columns)))
    return maximum_matching(graph, len(columns), matching)


def _assemble(system: EquationSystem, matching: Matching) -> Definition:
    columns = system.implicit
    row_of = {columns[column]: system.rows[row] for row, column in enumerate(matching.column_of)}
    place = {name: index for index, name in enumerate(system.states)}
    states: list[State] = []
    entries: list[MassEntry] = []
    for index, (name, state) in enumerate(system.states.items()):
        if name in system.explicit:
            entries.append(MassEntry(index, index, ONE))
            states.append(dataclasses.replace(state, derivative=system.explicit[name]))
            continue
        row = row_of[name]
        states.append(_determined(state, row))
        entries += sorted(
            (MassEntry(index, place[other], value) for other, value in row.mass.items()),
            key=lambda entry: entry.column,
        )
    identity = len(entries) == len(states) == len(system.explicit)
    return dataclasses.replace(
        system.definition,
        states=tuple(states),
        observables=_ordered(system),
        mass=None if identity else tuple(entries),
        invariants=(*system.definition.invariants, *_invariants(system)),
        reactions=(),  # their equations are among those of the states
    )


def _determined(state: State, row: Row) -> State:
    return dataclasses.replace(
        state, derivative=row.value, equation=row.span, algebraic=row.algebraic, split=None
    )


def _invariants(system: EquationSystem) -> list[Invariant]:
    return [
        Invariant(value, True, True, row.span, order)
        for row in (*system.constraints, *system.rows)
        for order, value in enumerate(row.lower)
    ]


def _ordered(system: EquationSystem) -> tuple[Observable, ...]:
    """The observed quantities, those first that others read."""
    bodies = {f"{one.name}()": one.body for one in system.definition.functions}
    values = bodies | {name: one.value for name, one in system.observables.items()}
    reads = {
        name: [*(one.id for one in names(value)), *(f"{call.function}()" for call in calls(value))]
        for name, value in values.items()
    }
    order, _ = order_by_dependence(reads)
    return tuple(system.observables[name] for name in order if name in system.observables)
