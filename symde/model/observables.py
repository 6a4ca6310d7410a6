"""Observed quantities in order of dependence, and which of them are known before the solve starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symde.diagnostics import Diagnostics, Span
from symde.language.syntax import Expr
from symde.model.definition import TIME, Observable
from symde.model.draft import DISCRETE, EXTERN, STATE, Draft
from symde.model.equations import StateDraft
from symde.model.order import describe_cycle, order_by_dependence
from symde.model.scope import Scope
from symde.model.walk import calls, names, substitute


@dataclass(frozen=True, slots=True)
class Observed:
    """The observed quantities of a model.

    Attributes:
        observables: in order of dependence.
        written: each without the names of others (as a DAG: shared parts stay shared).
        late: those not known before the solve starts -> a state that they read, or `t`.
    """

    observables: tuple[Observable, ...]
    written: dict[str, Expr]
    late: dict[str, str]


def collect_observables(draft: Draft, states: Mapping[str, StateDraft], scope: Scope) -> Observed:
    """The observed quantities and the derivatives that are read by name; cycles are reported."""
    values = {name: one.value for name, one in draft.observables.items() if name in scope.kinds}
    spans = {name: draft.observables[name].target.span for name in values}
    for word, state in scope.derivative_reads.items():
        if state in states:
            values[word] = states[state].derivative
            spans[word] = states[state].equation
    reads = {name: _reads(value) for name, value in values.items()}
    # Functions stand in the graph too, as `f()`: what their bodies read is read where they are called.
    for name, (own, below) in scope.bodies.items():
        reads[f"{name}()"] = [*own, *(f"{callee}()" for callee in below)]
    order, cycles = order_by_dependence(reads)
    for cycle in cycles:
        _refuse_cycle(cycle, spans, draft.found)
    observables = tuple(Observable(name, values[name], spans[name]) for name in order if name in values)
    return Observed(observables, _written_out(observables), _late(order, reads, scope))


def _reads(value: Expr) -> list[str]:
    """The names that an expression reads, and the functions it calls as `f()`."""
    return [*(name.id for name in names(value)), *(f"{call.function}()" for call in calls(value))]


def _refuse_cycle(cycle: list[str], spans: Mapping[str, Span | None], found: Diagnostics) -> None:
    first = next((position for position, name in enumerate(cycle) if name in spans), None)
    if first is None:
        return  # functions alone: reported as recursion
    cycle = cycle[first:] + cycle[:first]
    found.error(
        "E305",
        f"`{cycle[0]}` depends on itself: {describe_cycle(cycle)}",
        spans[cycle[0]],
        "defined through itself",
        "an observed quantity is computed from states, parameters and other observed quantities",
    )


def _late(order: Iterable[str], reads: Mapping[str, Iterable[str]], scope: Scope) -> dict[str, str]:
    calls_of: dict[str, set[str]] = {name: set() for name in scope.kinds}
    for read in (one for all_read in reads.values() for one in all_read if one.endswith("()")):
        calls_of.setdefault(read.removesuffix("()").partition("[")[0], set()).add(read)
    late = {name: name for name, kind in scope.kinds.items() if kind in (STATE, DISCRETE)} | {TIME: TIME}
    # what a function from outside gives is known once something is bound to it, and that is later
    late |= {read: name for name, kind in scope.kinds.items() if kind == EXTERN for read in calls_of[name]}
    found: dict[str, str] = {}
    for name in order:
        reason = next((late[one] for one in reads[name] if one in late), None)
        if reason is not None:
            late[name] = found[name] = reason
    return found


def _written_out(observables: Iterable[Observable]) -> dict[str, Expr]:
    written: dict[str, Expr] = {}
    for one in observables:
        written[one.name] = substitute(one.value, written)
    return written
