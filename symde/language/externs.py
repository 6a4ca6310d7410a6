"""Functions from outside the text: their declaration, and names for what they give."""

from __future__ import annotations

from typing import Any

from symde.diagnostics import Diagnostics, Span
from symde.language.syntax import Call, Expr, ExternDeclaration, Name, Number, Outputs, Statement

MOST_OUTPUTS = 10_000
"""Values that one function may give; more is an accident."""


def extern(
    name: Name, arguments: tuple[Name, ...], outputs: Number, span: Span, found: Diagnostics
) -> tuple[Statement, ...]:
    """The declaration `extern name(arguments) -> outputs`; none, with an error, where it declares nothing."""
    primed = next((one for one in (name, *arguments) if one.id.endswith("'")), None)
    if primed is not None:
        help_text = "give it a plain name: `extern net(x, y) -> 2`"
        found.error("E128", "a function from outside has plain names", primed.span, "primed", help_text)
        return ()
    if not arguments:
        help_text = f"name its arguments: `extern {name.id}(x, y) -> {outputs.text}`"
        found.error("E128", f"`{name.id}` has no arguments", span, "nothing to depend on", help_text)
        return ()
    count = outputs.value
    if not isinstance(count, int) or not 1 <= count <= MOST_OUTPUTS:
        help_text = f"behind `->` stands how many values it gives: `extern {name.id}(...) -> 2`"
        label = f"not a whole number from 1 to {MOST_OUTPUTS:,}"
        found.error("E128", "no number of values", outputs.span, label, help_text)
        return ()
    return (ExternDeclaration(name, arguments, count, span=span),)


def outputs(targets: tuple[Any, ...], value: Expr, span: Span, found: Diagnostics) -> tuple[Statement, ...]:
    """The statement `(targets) = value`; none, with an error, where it names no values of a call."""
    for target in targets:
        if not isinstance(target, Name):
            help_text = "write a plain name, or `x'` for a derivative: `(f, x') = net(x, y)`"
            found.error("E129", "several values get names", target.span, "not a name", help_text)
            return ()
    if not isinstance(value, Call):
        names = ", ".join(one.id for one in targets)
        help_text = f"write one equation for each, or `({names}) = net(...)` with a function from outside"
        label = "not a call"
        found.error("E129", "only a function from outside gives several values", value.span, label, help_text)
        return ()
    return (Outputs(targets, value, span=span),)
