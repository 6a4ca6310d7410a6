"""Which names are parameters: those the text or the caller names, else every undefined symbol of the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symde.language.syntax import Expr, Name, ParameterDeclaration
from symde.model.definition import INITIAL_TIME
from symde.model.derivative_names import differentiated, draft_expressions
from symde.model.draft import PARAMETER, Draft, base_of, is_reserved
from symde.model.equations import StateDraft
from symde.model.names import is_name, normalised
from symde.model.scope import INFINITY, is_noise
from symde.model.walk import names


def collect_parameters(
    draft: Draft, states: dict[str, StateDraft], caller: Sequence[str] | None
) -> dict[str, ParameterDeclaration]:
    """The parameters in order, as declarations; undeclared ones have no default.

    Raises:
        ValueError: the caller names parameters of a text that names its own, names one twice, or names
            something that the text defines otherwise.
    """
    named = bool(draft.parameters) or draft.listed is not None
    if caller is not None:
        return _from_caller(draft, states, caller, named)
    if named or draft.block.form != "anonymous":
        return draft.parameters
    return {name.id: _undeclared(name) for name in _undefined(draft, states)}


def _undeclared(name: Name) -> ParameterDeclaration:
    return ParameterDeclaration(name, None, None, None, None, None, span=name.span)


def _from_caller(
    draft: Draft, states: dict[str, StateDraft], caller: Sequence[str], named: bool
) -> dict[str, ParameterDeclaration]:
    wanted = [normalised(name) for name in caller]
    if named:
        if wanted == list(draft.parameters):
            return draft.parameters
        own = ", ".join(draft.parameters) or "none"
        raise ValueError(
            f"the text names its parameters itself ({own}); leave out parameters={list(caller)!r}"
        )
    first = {name.id: name for name in reversed(list(_readings(draft)))}
    declarations: dict[str, ParameterDeclaration] = {}
    for name in wanted:
        kind = "state" if name in states else draft.kind_of(name)
        if not is_name(name) or name.endswith("'"):
            raise ValueError(f"{name!r} is no name and cannot be a parameter")
        if is_reserved(name):
            raise ValueError(f"`{name}` is reserved and cannot be a parameter")
        if kind is not None and kind != PARAMETER:
            raise ValueError(f"`{name}` is a {kind} of the model and cannot be a parameter")
        if name in declarations:
            raise ValueError(f"parameter `{name}` is named twice")
        declarations[name] = _undeclared(first.get(name, Name(name, span=draft.block.span)))
    return declarations


def _undefined(draft: Draft, states: dict[str, StateDraft]) -> Iterable[Name]:
    """The first reading of every symbol that no statement defines, in order of appearance."""
    undefined: dict[str, Name] = {}
    for name in _readings(draft):
        word = name.id
        defined = word in states or word in draft.declared or word in undefined or is_reserved(word)
        derivative = base_of(word) != word or differentiated(word) in states
        if not (defined or derivative or is_noise(word)):
            undefined[word] = name
    return undefined.values()


def _readings(draft: Draft) -> Iterator[Name]:
    """Names read anywhere, in order of the text; functions' arguments, the initial time and the infinite
    bounds of domains left out."""
    found: list[Name] = []
    initial: set[int] = set()
    values: list[Expr] = [one.value for one in draft.initial_values]
    values += [one.at for one in draft.initial_values]
    values += [one.initial for one in draft.states.values() if one.initial is not None]
    values += [one.initial for one in draft.discretes.values() if one.initial is not None]
    values += [time for event in draft.events for time in event.times()]
    for value in values:
        initial |= {id(name) for name in names(value)}
    bounds = [bound for one in draft.domains for bound in (one.low, one.high) if bound is not None]
    infinite = {id(name) for bound in bounds for name in names(bound)}
    for expression in draft_expressions(draft):
        for name in names(expression):
            known = (name.id == INITIAL_TIME and id(name) in initial) or (
                name.id == INFINITY and id(name) in infinite
            )
            if not known:
                found.append(name)
    for function in draft.functions.values():
        own = {parameter.id for parameter in function.parameters}
        found += (name for name in names(function.body) if name.id not in own)
    return iter(sorted(found, key=lambda name: name.span.start if name.span is not None else 0))
