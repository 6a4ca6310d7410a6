"""From the parts of an event statement, and of a domain, to the syntax tree; what they cannot say is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symde.diagnostics import Diagnostics, Span
from symde.language.event_syntax import (
    AtClause,
    DomainDeclaration,
    EventStatement,
    EveryClause,
    Reset,
    WhenClause,
)
from symde.language.syntax import Call, Compare, Expr, Name, Number, Product, Sum

STOP = "stop"
_TIME = "t"
_REMEDY = f"write `x = value`, `x += change` or `{STOP}`"


@dataclass(frozen=True, slots=True)
class Option:
    """`after e`, `priority e`, `persistent`, `rising` or `falling` behind the trigger of an event."""

    word: str
    value: Expr | None
    span: Span


def event(
    name: Name | None,
    trigger: WhenClause | AtClause | EveryClause,
    options: Sequence[Option],
    effects: Sequence[Reset | None],
    statement: Span,
    found: Diagnostics,
) -> EventStatement | None:
    """One event; `effects` has None for each `stop`. None, with an error, where it is wrong."""
    if name is not None and name.id.endswith("'"):
        found.error("E143", "an event has a plain name", name.span, "primed", "leave out the `'`")
        return None
    if not effects:
        help_text = f"write `x = value` there, or `{STOP}` to end the solve"
        found.error("E141", "the event changes nothing", statement, "no effects", help_text)
    given: dict[str, Option] = {}
    for one in options:
        kind = "direction" if one.value is None and one.word != "persistent" else one.word
        if kind in given or (kind == "direction" and getattr(trigger, "direction", None) is not None):
            found.error("E116", f"the event has two of this: {kind}", one.span, "given before", "keep one")
        given[kind] = one
    if not isinstance(trigger, WhenClause):
        for kind in ("after", "direction", "persistent"):
            if kind in given:
                message = f"`{given[kind].word}` belongs to events with `when`"
                help_text = "add the delay to the times" if kind == "after" else "leave it out"
                found.error("E143", message, given[kind].span, "these times are known", help_text)
    elif "direction" in given:
        trigger = WhenClause(trigger.condition, given["direction"].word, span=trigger.span)
    if "persistent" in given and "after" not in given and isinstance(trigger, WhenClause):
        message = "`persistent` tells what becomes of a delayed event, and this has no delay"
        found.error("E143", message, given["persistent"].span, "no `after`", "write `after d persistent`")
    resets = tuple(one for one in effects if one is not None)
    stop = len(resets) < len(effects)
    after, priority = (given[one].value if one in given else None for one in ("after", "priority"))
    return EventStatement(name, trigger, resets, stop, after, priority, "persistent" in given, span=statement)


def effect(left: Expr, sign: str | None, right: Expr | None, span: Span, found: Diagnostics) -> Reset | None:
    """One effect: a reset, or None for `stop` (and, with an error, for what is no effect)."""
    if isinstance(left, Call) and left.function == "D" and len(left.arguments) == 1:
        inner = left.arguments[0]
        left = Name(inner.id + "'", span=left.span) if isinstance(inner, Name) else left
    if right is None:
        if not (isinstance(left, Name) and left.id == STOP):
            _no_effect(left, span, found)
        return None
    if not isinstance(left, Name):
        found.error("E140", "an effect sets one variable", left.span, "not a name", _REMEDY)
        return None
    if sign in ("+=", "-="):
        right = Sum((("+", left), (sign[0], right)), span=span)
    elif sign in ("*=", "/="):
        right = Product((("*", left), (sign[0], right)), span=span)
    return Reset(left, right, span=span)


def _no_effect(left: Expr, span: Span, found: Diagnostics) -> None:
    if isinstance(left, Compare) and left.operators == ("==",):
        text = span.text.replace("==", "=", 1)
        found.error("E140", "`==` compares, and an effect sets", span, "a comparison", f"write `{text}`")
    else:
        found.error("E140", "an effect without a value", span, "sets nothing", _REMEDY)


def at_times(left: Expr, times: Iterable[Expr], span: Span, found: Diagnostics) -> AtClause:
    """`at t = e1, e2`; an error where something else than `t` is given times."""
    if not (isinstance(left, Name) and left.id == _TIME):
        help_text = "write `at t = 1, 2: ...`; what depends on other values is `when rising a == b: ...`"
        found.error("E142", "`at` is followed by times", left.span, "not `t`", help_text)
    return AtClause(tuple(times), span=span)


def domain(expression: Expr, span: Span, found: Diagnostics) -> DomainDeclaration | None:
    """`x >= low`, `x <= high`, `low <= x <= high` and the like; None, with an error, for anything else."""
    help_text = "write `dom x >= 0`, or `dom 0 <= x <= 1`"
    if not isinstance(expression, Compare):
        found.error("E144", "a domain has a bound", expression.span, "no bound", help_text)
        return None
    operands, operators = expression.operands, expression.operators
    if any(one in ("<", ">") for one in operators):
        found.error("E144", "a domain includes its bounds", expression.span, "leaves one out", help_text)
        return None
    if set(operators) not in ({"<="}, {">="}) or len(operands) > 3:
        found.error("E144", "a domain is a lower bound, an upper one, or both", span, "neither", help_text)
        return None
    low, name, high = _ends(operands, turned=operators[0] == ">=")
    if not isinstance(name, Name):
        found.error("E144", "a domain is one of a state", name.span, "not a name", help_text)
        return None
    return DomainDeclaration(name, low, high, span=span)


def _ends(operands: Sequence[Expr], turned: bool) -> tuple[Expr | None, Expr, Expr | None]:
    """Lower bound, state and upper bound of an ascending chain (`turned`: descending).

    Of two names the first is the state.
    """
    first, second, *more = operands
    if more:
        low, name, high = first, second, more[0]
    elif isinstance(first, Name) or isinstance(second, Number):
        low, name, high = None, first, second
    else:
        low, name, high = first, second, None
    return (high, name, low) if turned else (low, name, high)
