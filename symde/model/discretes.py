"""Discrete variables as states that only events change, and the domains of states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from symde.language.event_syntax import DiscreteDeclaration
from symde.language.syntax import Expr, Name, Number, ParameterDeclaration
from symde.model.definition import State
from symde.model.draft import STATE, Draft
from symde.model.equations import StateDraft
from symde.model.values import FixedValues

ZERO = Number(0, "0", span=None)
"""The derivative of what is constant between events."""


def collect_discretes(
    draft: Draft,
    parameters: Mapping[str, ParameterDeclaration],
    initial: Callable[[StateDraft], Expr | None],
    values: FixedValues,
) -> Iterator[State]:
    """The discrete variables in the order of the text; one named as a parameter starts at its value."""
    for name, one in draft.discretes.items():
        start = _start(one, name in parameters)
        value = initial(StateDraft(name, ZERO, one.name.span, one.span, initial=start))
        nominal = values.nominal(one.nominal)
        span = one.name.span
        yield State(name, ZERO, value, one.unit, nominal, one.doc, span, one.span, discrete=True)


def _start(declaration: DiscreteDeclaration, follows: bool) -> Expr | None:
    return Name(declaration.name.id, span=declaration.name.span) if follows else declaration.initial


def collect_domains(
    draft: Draft, kinds: Mapping[str, str], values: FixedValues
) -> dict[str, tuple[float | None, float | None]]:
    """State -> the ends of its domain, None for an open one."""
    domains: dict[str, tuple[float | None, float | None]] = {}
    for one in draft.domains:
        name, kind = one.name.id, kinds.get(one.name.id)
        if kind != STATE:
            if kind is not None or not draft.incomplete:
                label = f"a {kind}" if kind is not None else "unknown"
                message = f"`{name}` is no state, and only states have a domain"
                draft.found.error("E341", message, one.name.span, label)
            continue
        low, high = values.domain(one.low, one.high)
        if name not in domains:
            domains[name] = (low, high)
            continue
        before_low, before_high = domains[name]
        if (before_low is not None and low is not None) or (before_high is not None and high is not None):
            message = f"the domain of `{name}` is bounded twice on one side"
            draft.found.error("E341", message, one.span, "bounded before", "keep one of the bounds")
        domains[name] = (
            low if before_low is None else before_low,
            high if before_high is None else before_high,
        )
    return domains
