"""Kinds and calls: numbers and conditions where they belong, known functions, right arity."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import chain

from symde.diagnostics import Diagnostics, Span
from symde.language.syntax import Call, Compare, Conditional, Expr, Logic, Name, Not
from symde.model.delay_rules import check_time
from symde.model.draft import CALLED, EXTERN, FUNCTION, OBSERVABLE, STATE
from symde.model.evaluate import NotConstantError, value_of
from symde.model.functions import BOOLEAN, BUILT_IN, FOREIGN, NUMBER
from symde.model.marks import MARKS, refuse_draw
from symde.model.nearest import nearest
from symde.model.walk import children, postorder


def check_expression(
    root: Expr,
    found: Diagnostics,
    kinds: Mapping[str, str],
    arities: Mapping[str, int],
    values: Mapping[str, float],
    incomplete: bool = False,
    kind: str = NUMBER,
    arguments: Collection[str] = (),
    drawn: bool = False,
) -> None:
    """Report wrong calls, wrong kinds and constant parts that are no finite number.

    Args:
        root: an expression.
        found: takes the errors.
        kinds: kind of every name of the model.
        arities: number of arguments of every function of the model.
        values: values of the constants.
        incomplete: a later feature may define more functions, so unknown ones are not reported.
        kind: what is expected of it, a number or a truth value.
        arguments: names that stand for whatever a function is given.
        drawn: whether random numbers are drawn in it, as in the effects of jumps.
    """
    timed = {*arguments, *(name for name, kind in kinds.items() if kind in (FUNCTION, OBSERVABLE, STATE))}
    constants: dict[int, float] = {}
    _expect(root, kind, found)
    for node in postorder(root):
        if isinstance(node, Call):
            if _reads_past(node, kinds):
                _check_delayed(node, timed, values, found)
            else:
                _check_call(node, found, kinds, arities, incomplete, drawn)
        for operand, kind in zip(children(node), operand_kinds(node, arities), strict=True):
            _expect(operand, kind, found)
        _check_constant(node, constants, found, arities, values)


def kind_of(node: Expr) -> str:
    """Whether a node gives a number or a truth value."""
    return BOOLEAN if isinstance(node, (Compare, Logic, Not)) else NUMBER


def operand_kinds(node: Expr, arities: Mapping[str, int]) -> tuple[str, ...]:
    """The kinds that a node expects of its operands."""
    count = len(children(node))
    if isinstance(node, (Logic, Not)):
        return (BOOLEAN,) * count
    if isinstance(node, Conditional):
        return (BOOLEAN, NUMBER, NUMBER)
    if isinstance(node, Call) and node.function not in arities and node.function in BUILT_IN:
        return tuple(BUILT_IN[node.function].kind(position, count) for position in range(count))
    return (NUMBER,) * count


def _expect(node: Expr, kind: str, found: Diagnostics) -> None:
    if kind_of(node) == kind:
        return
    text = node.span.text if node.span is not None else "..."
    short = text if len(text) <= 40 and "\n" not in text else "..."
    if kind == NUMBER:
        message, label = "a number is expected here, and this is a condition", "true or false, not a number"
        help_text = f"choose the numbers it stands for: `ifelse({short}, 1, 0)`"
    else:
        message, label = "a condition is expected here, and this is a number", "a number, not true or false"
        help_text = f"compare it with something: `{short} > 0` or `{short} != 0`"
    found.error("E312", message, node.span, label, help_text)


def _check_call(
    call: Call,
    found: Diagnostics,
    kinds: Mapping[str, str],
    arities: Mapping[str, int],
    incomplete: bool,
    drawn: bool,
) -> None:
    name, count = call.function, len(call.arguments)
    kind = kinds.get(name)
    if kind is None and name in arities:
        return  # one of several values of a function from outside: checked where they are named
    if kind == EXTERN and name not in arities:
        message = f"`{name}` gives several values, and an expression reads one"
        help_text = f"give them names: `(f, g) = {name}(...)`, and read those"
        found.error("E327", message, call.span, "several values", help_text)
    elif kind in CALLED:
        if count != arities[name]:
            expected = f"{arities[name]} argument{'s' * (arities[name] != 1)}"
            _wrong_arity(call, expected, found)
    elif kind is not None:
        found.error(
            "E205",
            f"`{name}` is a {kind} and cannot be called",
            name_span(call),
            f"declared as a {kind}",
            f"write `{name}*(...)` to multiply",
        )
    elif name in BUILT_IN:
        if not BUILT_IN[name].accepts(count):
            _wrong_arity(call, BUILT_IN[name].arity, found)
    elif name in MARKS:
        if not drawn:
            refuse_draw(call, found)
        elif count != MARKS[name].arguments:
            expected = MARKS[name].arguments
            _wrong_arity(call, f"{expected} argument{'s' * (expected != 1)}", found)
    elif not incomplete:
        _unknown_function(call, found, arities)


def _wrong_arity(call: Call, expected: str, found: Diagnostics) -> None:
    count = len(call.arguments)
    given = f"{count} argument{'s' * (count != 1)} given"
    known = BUILT_IN.get(call.function) or MARKS.get(call.function)
    meaning = None if known is None else known.meaning
    message = f"`{call.function}` takes {expected}, and {count} {'is' if count == 1 else 'are'} given"
    found.error("E206", message, call.span, given, f"`{call.function}`: {meaning}" if meaning else None)


def _reads_past(call: Call, kinds: Mapping[str, str]) -> bool:
    """Whether a call is the value of a state, of its derivative or of an observed quantity at a time."""
    name = call.function
    derivative = name not in kinds and name.endswith("'") and kinds.get(name[:-1]) == STATE
    return derivative or kinds.get(name) in (STATE, OBSERVABLE)


def _check_delayed(
    call: Call, timed: Collection[str], values: Mapping[str, float], found: Diagnostics
) -> None:
    name, arguments = call.function, call.arguments
    what = "derivative" if name not in timed else "value"
    if len(arguments) != 1:
        message = f"`{name}(...)` is a {what} at a time, and has one argument"
        help_text = f"write `{name}(t - tau)`, or `{name}*(...)` to multiply"
        found.error("E206", message, call.span, f"{len(arguments)} arguments given", help_text)
    elif isinstance(arguments[0], Name) and arguments[0].id == "t":
        found.error(
            "E205",
            f"state `{name}` is written without its time",
            call.span,
            "the value at time t",
            f"write `{name}`",
        )
    else:
        check_time(call, timed, values, found)


def _unknown_function(call: Call, found: Diagnostics, arities: Mapping[str, int]) -> None:
    name = call.function
    near = FOREIGN.get(name) or FOREIGN.get(name.lower()) or nearest(name, chain(arities, BUILT_IN), found)
    if near is None and name.lower() in BUILT_IN:
        near = name.lower()
    if name == "pow":
        help_text = "write a power as `x^n`"
    elif near is not None:
        help_text = f"did you mean `{near}`?"
    else:
        help_text = f"define it: `{name}(x) = ...`, or write `{name}*(...)` to multiply"
    found.error("E202", f"unknown function `{name}`", name_span(call), "no function of that name", help_text)


def name_span(call: Call) -> Span | None:
    """The place of a call's function name."""
    span = call.span
    if span is None or not span.text.startswith(call.function):
        return span
    return Span(span.source, span.start, span.start + len(call.function))


def _check_constant(
    node: Expr,
    constants: dict[int, float],
    found: Diagnostics,
    arities: Mapping[str, int],
    values: Mapping[str, float],
) -> None:
    """Fold parts made of numbers alone; what is no finite float64 number (`9^9^9`, `1/0`) is a mistake."""
    operands = children(node)
    if isinstance(node, Call) and (node.function in arities or not operands):
        return
    if any(id(operand) not in constants for operand in operands):
        return
    try:
        value = value_of(node, tuple(constants[id(operand)] for operand in operands), values)
    except NotConstantError:
        return
    except OverflowError:
        value = math.inf
    except (ArithmeticError, ValueError):
        value = math.nan
    if math.isfinite(value):
        constants[id(node)] = value
    elif isinstance(node, Name):
        return
    elif math.isnan(value):
        found.error("E318", "this is no number", node.span, "undefined", None)
    else:
        message = "this is too large for a number"
        found.error("E318", message, node.span, "beyond 1.8e308", None)
