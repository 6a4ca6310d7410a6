"""Hamilton's equations from a Hamiltonian: q' = dH/dp, p' = -dH/dq, derived exactly.

Source: H. Goldstein, Classical Mechanics (1980), 8-1, equations (8-18).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symde.language.syntax import Expr, Hamiltonian
from symde.model.definition import Function
from symde.model.draft import DERIVED, OBSERVABLE, STATE, Draft, base_of
from symde.model.equations import StateDraft
from symde.model.inline import Inliner
from symde.model.order import order_by_dependence
from symde.model.scope import Scope
from symde.model.syntax_derivative import Differentiator, NoDerivativeError, negative
from symde.model.walk import calls, names


def derive_equations(
    draft: Draft, states: Mapping[str, StateDraft], functions: Sequence[Function], scope: Scope
) -> None:
    """Put the derived equations in their places in `states`; an error where that is not possible."""
    if not draft.hamiltonians:
        return
    inliner = Inliner(functions)
    values = {name: inliner.inline(one.value) for name, one in draft.observables.items()}
    reads = {name: [one.id for one in names(value)] for name, value in values.items()}
    if order_by_dependence(reads)[1]:
        return  # observed quantities in a circle, which is reported where they are put in order
    for hamiltonian in draft.hamiltonians:
        value = inliner.inline(hamiltonian.value)
        if not _reads_more_than_states(draft, value, values, scope):
            _derive(draft, hamiltonian, value, values, states)


def _reads_more_than_states(draft: Draft, value: Expr, values: Mapping[str, Expr], scope: Scope) -> bool:
    """Whether an energy reads the derivative of a state, or a state at another time, itself or through
    observed quantities."""
    seen: set[str] = set()
    pending = [value]
    while pending:
        part = pending.pop()
        for call in calls(part):
            if scope.kinds.get(base_of(call.function)) in (STATE, OBSERVABLE):
                message = f"a Hamiltonian reads the present, and `{call.function}` is read at another time"
                help_text = "write the equations of these states themselves"
                draft.found.error("E325", message, call.span, "read by the Hamiltonian", help_text)
                return True
        for name in names(part):
            if name.id in scope.derivative_reads:
                message = f"a Hamiltonian reads states, and `{name.id}` is a derivative"
                help_text = "write it with the momentum in place of the velocity"
                draft.found.error("E325", message, name.span, "read by the Hamiltonian", help_text)
                return True
            if name.id in values and name.id not in seen:
                seen.add(name.id)
                pending.append(values[name.id])
    return False


def _derive(
    draft: Draft,
    hamiltonian: Hamiltonian,
    value: Expr,
    values: Mapping[str, Expr],
    states: Mapping[str, StateDraft],
) -> None:
    variables = tuple(state.id for pair in hamiltonian.pairs for state in pair)
    differentiate = Differentiator(values, variables)
    try:
        for position, momentum in hamiltonian.pairs:
            slope = differentiate.derivative(value, position.id)
            _put(states, position.id, differentiate.derivative(value, momentum.id))
            _put(states, momentum.id, negative(slope, hamiltonian.span))
    except NoDerivativeError as problem:
        help_text = "write the equations of these states themselves"
        draft.found.error("E325", str(problem), problem.node.span, "in a Hamiltonian", help_text)


def _put(states: Mapping[str, StateDraft], name: str, value: Expr) -> None:
    # where a state has another equation, that is reported and keeps its place
    if name in states and states[name].derivative is DERIVED:
        states[name].derivative = value
