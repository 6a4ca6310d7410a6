"""From the entries of `param`, `state`, `const` and `discrete` to declarations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symde.diagnostics import Diagnostics, Span
from symde.language.event_syntax import DiscreteDeclaration
from symde.language.syntax import (
    ConstantDeclaration,
    Expr,
    Name,
    ParameterDeclaration,
    StateDeclaration,
    Statement,
)


@dataclass(slots=True)
class Entry:
    """`k = e [unit] in (lo, hi) nominal s "doc"`; modifiers by name, with their places."""

    name: Name
    value: Expr | None
    modifiers: dict[str, tuple[Any, Span]]
    span: Span


_ALLOWED = {
    "PARAM": ("parameter", ("unit", "bounds", "nominal", "doc")),
    "STATE": ("state", ("unit", "nominal", "doc")),
    "CONST": ("constant", ("unit", "doc")),
    "DISCRETE": ("discrete variable", ("unit", "nominal", "doc")),
}
_WORDS = {"bounds": "bounds", "nominal": "nominal size"}
_INSTEAD = {"bounds": "bounds belong to parameters", "nominal": "sizes belong to states and parameters"}


def declared(keyword: str, entry: Entry, found: Diagnostics) -> Statement | None:
    """The declaration that an entry makes after a keyword, None (with an error) where it makes none."""
    kind, allowed = _ALLOWED[keyword]
    name, span = entry.name, entry.span
    for modifier, (_, where) in entry.modifiers.items():
        if modifier not in allowed:
            message = f"a {kind} has no {_WORDS[modifier]}"
            found.error("E117", message, where, "not for this", _INSTEAD[modifier])
    unit, bounds, nominal, doc = (
        entry.modifiers.get(one, (None, None))[0] for one in ("unit", "bounds", "nominal", "doc")
    )
    if name.id.endswith("'") and keyword != "STATE":
        found.error("E118", f"a {kind} has no derivative", name.span, "primed", "leave out the `'`")
        return None
    if keyword == "PARAM":
        return ParameterDeclaration(name, entry.value, unit, bounds, nominal, doc, span=span)
    if keyword == "STATE":
        return StateDeclaration(name, entry.value, unit, nominal, doc, span=span)
    if keyword == "DISCRETE":
        return DiscreteDeclaration(name, entry.value, unit, nominal, doc, span=span)
    if entry.value is None:
        help_text = f"write `const {name.id} = ...`, or declare it with `param`"
        found.error("E119", f"constant `{name.id}` has no value", name.span, "no value", help_text)
        return None
    return ConstantDeclaration(name, entry.value, unit, doc, span=span)
