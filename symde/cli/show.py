"""`symde show`: a model as symde understood it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from symde.cli.models import models
from symde.cli.table import table
from symde.derive.conservation import conservation_laws
from symde.derive.reduction import solvable
from symde.language import unparse
from symde.model.definition import Definition
from symde.model.model import Model
from symde.model.text import domain_statements, event_statements, left_sides, statements_of, stochastic

GRID_LIMIT, ENTRY_LIMIT = 40, 200
"""States up to which the pattern is drawn, and Jacobian entries up to which they are listed."""


def run(options: argparse.Namespace) -> int:
    """Print each model of the file."""
    for model in models(options.file, options.model):
        print(model.latex() if options.latex else "\n".join(_sections(model)))
    return 0


def _sections(model: Model) -> Iterator[str]:
    definition, noise = model.definition, model.noise
    yield f"model {model.name}" + (f": {model.doc}" if model.doc else "")
    written = [[unparse(one)] for one in statements_of(definition)]
    more = (
        (len(definition.reactions), "reaction"),
        (len(definition.jumps), "jump"),
        (len(definition.events), "event"),
        (len(noise.motions) if noise is not None else 0, "Brownian motion"),
    )
    counts = (
        (len(definition.states), "state"),
        (len(definition.parameters), "parameter"),
        (len(definition.observables), "observed quantity"),
        *((count, word) for count, word in more if count),
    )
    yield ", ".join(f"{count} {_plural(word, count)}" for count, word in counts) + "\n"
    yield from _section("reactions and jumps", written)
    laws = [[str(law), "stays what it is"] for law in conservation_laws(model)]
    stated = [[unparse(one.value), "as the model says"] for one in definition.invariants]
    yield from _section("conserved", laws + stated)
    # a process of jumps has no equations
    states = () if definition.jumps else definition.states
    terms = () if noise is None else noise.terms
    noisy = {one.state: unparse(stochastic(definition, one.state)) for one in terms}
    equations = [
        list(noisy[one.name].partition(" ")[::2])
        if one.name in noisy
        else [unparse(left), f"= {unparse(one.derivative)}"]
        for left, one in zip(left_sides(definition), states, strict=False)
        if not one.discrete
    ]
    equations += [[one.name, f"= {unparse(one.value)}"] for one in definition.observables]
    yield from _section("equations", equations)
    yield from _section("what is solved", _solved(definition))
    yield from _section("domains", [[unparse(one)] for one in domain_statements(definition)])
    yield from _section("events", [[unparse(one)] for one in event_statements(definition)])
    functions = [
        [f"{one.name}({', '.join(one.parameters)})", f"= {unparse(one.body)}"] for one in definition.functions
    ]
    yield from _section("functions", functions)
    yield from _section("constants", [[one.name, f"= {one.value:g}"] for one in definition.constants])
    states = [
        [
            one.name,
            f"= {unparse(one.initial)}" if one.initial is not None else "",
            one.unit or "",
            one.doc or "",
            "discrete" if one.discrete else "",
        ]
        for one in definition.states
    ]
    yield from _section("initial values", states)
    delays = definition.delays
    past = () if delays is None else delays.histories
    yield from _section("history", [[one.state, f"= {unparse(one.value)}"] for one in past])
    parameters = [
        [
            one.name,
            f"= {unparse(one.default)}" if one.default is not None else "",
            one.unit or "",
            f"in ({one.bounds[0]:g}, {one.bounds[1]:g})" if one.bounds else "",
            one.doc or "",
        ]
        for one in definition.parameters
    ]
    yield from _section("parameters", parameters)
    if definition.tspan is not None:
        yield f"time {unparse(definition.tspan[0])} .. {unparse(definition.tspan[1])}\n"
    if not definition.jumps and noise is None:
        yield from _jacobian(model)


def _solved(definition: Definition) -> list[list[str]]:
    """What implicit equations are solved as: the states that are left, what is computed from them, and the
    constraints that were differentiated."""
    if definition.mass is None:
        return []
    solved, text = solvable(definition), set(definition.state_names)
    rows = [["unknowns", ", ".join(solved.state_names)]]
    rows += [[one.name, f"= {unparse(one.value)}"] for one in solved.observables if one.name in text]
    kept: dict[str, int] = {}
    for one in solved.invariants:
        if one.at_zero and one.span is not None:
            words = " ".join(one.span.text.split())
            kept[words] = max(kept.get(words, 0), one.derivative + 1)
    return rows + [[words, f"differentiated {count} times"] for words, count in kept.items()]


def _plural(word: str, count: int) -> str:
    if count == 1:
        return word
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def _section(title: str, rows: list[list[str]]) -> Iterator[str]:
    """A title and an indented table without empty columns; nothing where there are no rows."""
    kept = [column for column in range(len(rows[0]) if rows else 0) if any(row[column] for row in rows)]
    if rows:
        text = table([[row[column] for column in kept] for row in rows])
        yield f"{title}\n" + "\n".join(f"  {line}" for line in text.splitlines()) + "\n"


def _jacobian(model: Model) -> Iterator[str]:
    pattern = model.sparsity()
    n, count = len(pattern), int(pattern.sum())
    yield f"Jacobian: {count} of {n * n} entries ({100 * count / max(n * n, 1):.3g} %)"
    if n <= GRID_LIMIT:
        yield "\n".join("  " + " ".join("x" if entry else "." for entry in row) for row in pattern) + "\n"
    if count <= ENTRY_LIMIT:
        jacobian, names = model.jacobian(), model.state_names
        rows = names if model.definition.mass is None else [f"row {row}" for row in range(1, n + 1)]
        prime = "'" if model.definition.mass is None else ""
        entries = [
            [f"∂({rows[row]}{prime})/∂{names[column]}", f"= {jacobian[row, column]}"]
            for row, column in np.argwhere(pattern)
        ]
        yield from _section("entries", entries)
