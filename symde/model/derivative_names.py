"""Is `dNAME = e` a differential equation or an observed quantity that happens to begin with d?

Inside `@ode_def` it is an equation. Elsewhere it is one where NAME is declared as a state, initialised or
read; where only `dNAME` is read it is an observed quantity; where neither or both hold it is an error that
offers `NAME' = e`, so that `dose = 5*k` never silently makes a state `ose`.
"""

from __future__ import annotations

from collections.abc import Iterator

from symde.language.syntax import Assignment, Expr, Name
from symde.model.draft import OBSERVABLE, STATE, Draft, Equation, base_of, first_seen, is_reserved, line_of
from symde.model.noise_draft import is_stochastic
from symde.model.reactions import changed_by, expressions_of
from symde.model.walk import names


def differentiated(name: str) -> str | None:
    """NAME of a `dNAME`, None where the rest is no name (`d`, `d1`, `d₁`)."""
    rest = name[1:]
    if name[:1] != "d" or not rest or not (rest[0].isalpha() or rest[0] == "_"):
        return None
    return rest


def classify_assignments(draft: Draft, caller_parameters: frozenset[str]) -> None:
    """Move every assignment to the draft's equations or observables; an error where neither fits."""
    read = names_read(draft)
    initialised = {base_of(one.target.id) for one in draft.initial_values}
    defined = {equation.name for equation in draft.equations}
    defined |= {name.id for one in draft.reactions for name in changed_by(one)}
    assigned = {one.target.id for one in draft.assignments}
    for assignment in draft.assignments:
        target = assignment.target
        base = differentiated(target.id)
        if base is None or draft.kind_of(target.id) is not None or target.id in caller_parameters:
            _observe(draft, assignment)
        elif _always_equation(draft, base) or is_stochastic(assignment.value, draft):
            _differentiate(draft, assignment, base)
        else:
            kind = draft.kind_of(base)
            free = kind is None and base not in caller_parameters and base not in assigned
            fits_state = kind == STATE or (free and (base in initialised | read | defined))
            fits_observable = target.id in read
            if fits_state and not fits_observable:
                _differentiate(draft, assignment, base)
            elif fits_observable and not fits_state:
                _observe(draft, assignment)
            else:
                _refuse(draft, assignment, base, both=fits_state)


def _always_equation(draft: Draft, base: str) -> bool:
    """Inside `@ode_def`; a decorated function names its states, so there only for those."""
    form = draft.block.form
    return form == "short" or (form == "function" and draft.kind_of(base) == STATE) or is_reserved(base)


def names_read(draft: Draft) -> set[str]:
    """Every name that some expression of the model reads (arguments inside their function excepted)."""
    read = {name.id for expression in draft_expressions(draft) for name in names(expression)}
    for function in draft.functions.values():
        own = {parameter.id for parameter in function.parameters}
        read |= {name.id for name in names(function.body)} - own
    read |= {reset.target.id for event in draft.events for reset in event.resets}
    return read


def draft_expressions(draft: Draft) -> Iterator[Expr]:
    """The expressions of a draft, functions' bodies excepted, in no particular order."""
    yield from (one.value for one in draft.assignments)
    yield from (one.value for one in draft.equations)
    yield from (one.value for one in draft.hamiltonians)
    yield from (one.coefficient for one in draft.noise)
    yield from (side for one in draft.implicit for side in (one.left, one.right))
    yield from (one.value for one in draft.conserved)
    yield from (one.value for one in draft.histories)
    yield from expressions_of(draft.reactions)
    yield from (one.value for one in draft.initial_values)
    yield from (one.at for one in draft.initial_values)
    yield from (one.value for one in draft.constants.values())
    yield from (one.initial for one in draft.states.values() if one.initial is not None)
    for parameter in draft.parameters.values():
        yield from (one for one in (parameter.default, parameter.nominal) if one is not None)
        yield from parameter.bounds or ()
    yield from (one.nominal for one in draft.states.values() if one.nominal is not None)
    if draft.timespan is not None:
        yield from (draft.timespan.start, draft.timespan.end)
    for event in draft.events:
        yield from (*event.times(), *event.values())
    for one in draft.discretes.values():
        yield from (value for value in (one.initial, one.nominal) if value is not None)
    for one in draft.domains:
        yield from (bound for bound in (one.low, one.high) if bound is not None)


def _differentiate(draft: Draft, assignment: Assignment, base: str) -> None:
    target = assignment.target
    draft.equations.append(Equation(base, 1, assignment.value, target.span, assignment.span))


def _observe(draft: Draft, assignment: Assignment) -> None:
    target: Name = assignment.target
    kind = draft.kind_of(target.id)
    if kind == OBSERVABLE:
        draft.found.error(
            "E203",
            f"`{target.id}` is assigned twice",
            target.span,
            first_seen(draft.declared[target.id][1]),
            "remove or rename one of them",
        )
    elif kind == STATE:
        draft.found.error(
            "E308",
            f"state `{target.id}` cannot be assigned",
            target.span,
            "declared as a state",
            f"write `{target.id}' = ...` for its differential equation, `0 = {target.id} - ...` for an "
            "algebraic one, or choose another name",
        )
    elif kind is not None:
        draft.found.error(
            "E308",
            f"`{target.id}` is a {kind} and cannot be assigned",
            target.span,
            f"declared as a {kind} in line {line_of(draft.declared[target.id][1])}",
            "choose another name for the observed quantity",
        )
    elif draft.declare(target.id, OBSERVABLE, target.span):
        draft.observables[target.id] = assignment


def _refuse(draft: Draft, assignment: Assignment, base: str, both: bool) -> None:
    target = assignment.target
    if both:
        message = f"`{target.id} = ...` may be the equation of `{base}` or an observed quantity"
        label = f"`{target.id}` is read, and so is `{base}`"
    elif draft.kind_of(base) is not None:
        message = f"`{target.id} = ...` is no equation: `{base}` is a {draft.kind_of(base)}"
        label = "only a state has a differential equation"
    else:
        message = f"`{target.id} = ...` is neither an equation nor an observed quantity that is read"
        label = f"nothing reads `{base}` or `{target.id}`"
    kind = draft.kind_of(base)
    if kind is not None and kind != STATE:
        help_text = f"rename the observed quantity, or make `{base}` a state"
    else:
        help_text = f"write `{base}' = ...` for a differential equation, or rename the observed quantity"
    draft.found.error("E304", message, target.span, label, help_text)
