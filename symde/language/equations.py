"""What `left = right` means, told by the left side alone."""

from __future__ import annotations

import re

from symde.diagnostics import Diagnostics, Span
from symde.language.syntax import (
    Assignment,
    Call,
    Derivative,
    Expr,
    FunctionDefinition,
    Implicit,
    InitialValue,
    Name,
    Number,
    Power,
    Product,
    Statement,
)

INITIAL_TIME = "t0"
_DERIVATIVE = "D"


def equation(
    left: Expr, bracketed: bool, right: Expr, span: Span, found: Diagnostics
) -> tuple[Statement, ...]:
    """The statement `left = right`; none, with an error, where the left side says nothing of the language.

    A name gives an observed quantity or a derivative, `name(...)` an initial value, a derivative or a
    function. Everything else, also a name in brackets, is an implicit equation.
    """
    if bracketed:
        return (Implicit(left, right, span=span),)
    if isinstance(left, Name):
        target, order = without_primes(left)
        if order:
            return (Derivative(target, order, right, span=span),)
        return (Assignment(target, right, span=span),)
    if isinstance(left, Call):
        return _of_call(left, right, span, found)
    other_notation = quotient(left)
    if other_notation is not None:
        name, order = other_notation
        primed = name + "'" * order
        alone = isinstance(left, Product) and len(left.factors) == 2
        help_text = f"write `{primed} = ...`" if alone else f"write `{primed}` for the derivative"
        found.error("E106", "a derivative is not written as a quotient", left.span, "not a name", help_text)
        return ()
    return (Implicit(left, right, span=span),)


def without_primes(name: Name) -> tuple[Name, int]:
    """The name that is differentiated, and how often."""
    base = name.id.rstrip("'")
    order = len(name.id) - len(base)
    if order == 0 or name.span is None:
        return Name(base, span=name.span), order
    return Name(base, span=Span(name.span.source, name.span.start, name.span.end - order)), order


def _of_call(left: Call, right: Expr, span: Span, found: Diagnostics) -> tuple[Statement, ...]:
    name = _called(left)
    target, order = without_primes(name)
    arguments = left.arguments
    if name.id == _DERIVATIVE and len(arguments) == 1:
        derivative = differentiated(left)
        if derivative is not None:
            return (Derivative(*derivative, right, span=span),)
    if len(arguments) == 1 and _is_a_time(arguments[0]):
        return (InitialValue(target, order, arguments[0], right, span=span),)
    if order:
        help_text = f"write `{name.id} = ...`, or `{name.id}(t0) = ...` for an initial value"
        found.error("E106", "a derivative takes no arguments", left.span, "not a name", help_text)
        return ()
    names = [one for one in arguments if isinstance(one, Name) and not one.id.endswith("'")]
    for argument in arguments:
        if argument not in names:
            help_text = f"define `{name.id}(a, b) = ...`; for an equation write `0 = ...`"
            found.error(
                "E120", "arguments of a definition are plain names", argument.span, "no name", help_text
            )
            return ()
    return (FunctionDefinition(target, tuple(names), right, span=span),)


def _called(call: Call) -> Name:
    span = call.span
    if span is None:
        return Name(call.function)
    # The name is the text up to the bracket; its length in the source may differ from the normalised one.
    end = span.source.text.find("(", span.start, span.end)
    written = span.source.text[span.start : end].rstrip()
    return Name(call.function, span=Span(span.source, span.start, span.start + len(written)))


def differentiated(call: Expr) -> tuple[Name, int] | None:
    """What `D(D(x))` differentiates, and how often; None where it is something else."""
    depth = 0
    while isinstance(call, Call) and call.function == _DERIVATIVE and len(call.arguments) == 1:
        call = call.arguments[0]
        depth += 1
    if depth == 0 or not isinstance(call, Name) or (call.id == INITIAL_TIME and depth == 1):
        return None
    target, order = without_primes(call)
    return target, order + depth


def _is_a_time(argument: Expr) -> bool:
    """Whether `x(argument) = e` gives a value at a time: all but plain names do, and `t0`."""
    return not isinstance(argument, Name) or argument.id == INITIAL_TIME


_D_NAME = re.compile(r"d([^\W\d]\w*)")


def quotient(left: Expr) -> tuple[str, int] | None:
    """The x and n of `dx/dt`, `d(x)/dt`, `d^2x/dt^2`, which other notations use for a derivative."""
    if not isinstance(left, Product) or left.implicit or left.factors[-1][0] != "/":
        return None
    below = left.factors[-1][1]
    order = 1
    if isinstance(below, Power):
        below, exponent = below.base, below.exponent
        order = exponent.value if isinstance(exponent, Number) and isinstance(exponent.value, int) else 0
    if not (isinstance(below, Name) and below.id == "dt") or not 1 <= order <= 9:
        return None
    above = left.factors[-2][1]
    if isinstance(above, Name):
        match = _D_NAME.fullmatch(above.id)
        return (match[1], order) if match else ("x", order)
    if isinstance(above, Call) and len(above.arguments) == 1:
        inner = above.arguments[0]
        match = _D_NAME.fullmatch(above.function)
        if above.function == "d" and isinstance(inner, Name):
            return inner.id, order
        return (match[1], order) if match else ("x", order)
    return "x", order
