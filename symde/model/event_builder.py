"""Events of the text resolved: kinds and scope checked, conditions told from crossings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from symde.diagnostics import Diagnostics
from symde.language.event_syntax import AtClause, EventStatement, EveryClause, Reset, WhenClause
from symde.language.syntax import Compare, Expr, Name, Number, Sum
from symde.model.definition import TIME, Definition
from symde.model.draft import (
    CONSTANT,
    DISCRETE,
    OBSERVABLE,
    PARAMETER,
    STATE,
    base_of,
    first_seen,
    is_reserved,
)
from symde.model.evaluate import NotConstantError, evaluate
from symde.model.events import BOTH, At, Crossing, Effect, Every, ModelEvent, Trigger, When
from symde.model.functions import BOOLEAN, NUMBER
from symde.model.nearest import nearest
from symde.model.scope import EQUATION, EVENT_TIME, Context, Scope
from symde.model.walk import calls, names, postorder

Check = Callable[[Expr, Context, str], None]

_LOCATE = "write `when a == b` for a crossing, and decide in the effects: `y = ... if c else y`"


def check_events(
    statements: Sequence[EventStatement], scope: Scope, check: Check, values: Mapping[str, float]
) -> None:
    """Report what is wrong in the expressions and targets of events.

    Args:
        statements: The events.
        scope: Names and their kinds; takes the errors.
        check: Reports names and kinds in an expression: of a context, with the kind that is expected.
        values: Values of the constants.
    """
    for one in statements:
        match one.trigger:
            case WhenClause(condition=condition):
                check(condition, EQUATION, BOOLEAN)
            case AtClause() | EveryClause():
                for time in one.times():
                    check(time, EVENT_TIME, NUMBER)
        for value in (one.after, one.priority, *(reset.value for reset in one.resets)):
            if value is not None:
                check(value, EQUATION, NUMBER)
        _check_targets(one, scope)
        _check_sizes(one, scope.found, values)
    _check_names(statements, scope.found)


def _check_names(statements: Iterable[EventStatement], found: Diagnostics) -> None:
    known: dict[str, Name] = {}
    for one in statements:
        if one.name is None:
            continue
        if one.name.id in known:
            message = f"there are two events `{one.name.id}`"
            label = first_seen(known[one.name.id].span)
            found.error("E343", message, one.name.span, label, "rename one of them")
        known.setdefault(one.name.id, one.name)


def _check_targets(statement: EventStatement, scope: Scope) -> None:
    times = Counter(reset.target.id for reset in statement.resets)
    for reset in statement.resets:
        name = reset.target.id
        if times[name] > 1:
            message = f"the event sets `{name}` twice"
            help_text = "all effects take place at once: keep one of them"
            scope.found.error("E342", message, reset.target.span, "set twice", help_text)
            times[name] = 0
        if scope.kinds.get(name) not in (STATE, DISCRETE):
            _refuse_target(reset, scope)


def _refuse_target(reset: Reset, scope: Scope) -> None:
    name, found, span = reset.target.id, scope.found, reset.target.span
    kind = scope.kinds.get(name)
    if kind in (PARAMETER, CONSTANT):
        word = "param" if kind == PARAMETER else "const"
        help_text = f"declare it with `discrete {name} = ...` in place of `{word} {name} = ...`"
        message = f"an event cannot set the {kind} `{name}`"
        found.error("E340", message, span, "the same throughout", help_text)
    elif kind == OBSERVABLE:
        help_text = "set what it is computed from, or declare `discrete` what the event changes"
        message = f"an event cannot set the observed quantity `{name}`"
        found.error("E340", message, span, "computed", help_text)
    elif kind is not None:
        found.error("E340", f"an event cannot set the {kind} `{name}`", span, f"a {kind}")
    elif is_reserved(name):
        found.error("E340", f"an event cannot set `{base_of(name)}`", span, "reserved")
    elif (state := scope.derivative_of(name)) is not None:
        help_text = (
            f"set `{state}`, or write its equation as `{state}'' = ...`, which makes `{state}'` a state"
        )
        found.error("E340", f"an event cannot set the derivative of `{state}`", span, "computed", help_text)
    elif not scope.unknown_allowed:
        near = nearest(name, [one for one, k in scope.kinds.items() if k in (STATE, DISCRETE)], found)
        help_text = (
            f"there is a {scope.kinds[near]} `{near}`" if near else f"declare it: `discrete {name} = ...`"
        )
        found.error("E201", f"unknown name `{name}`", span, "not a state or discrete variable", help_text)


def _check_sizes(statement: EventStatement, found: Diagnostics, values: Mapping[str, float]) -> None:
    """Periods and delays whose value is known: positive, not negative."""
    if isinstance(statement.trigger, EveryClause):
        period = _number(statement.trigger.period, values)
        if period is not None and not period > 0:
            span = statement.trigger.period.span
            found.error("E346", f"a period is positive, and this is {period:g}", span, "not positive")
        start, end = (_number(one, values) for one in (statement.trigger.start, statement.trigger.end))
        if start is not None and end is not None and end < start:
            message = f"the event ends at {end:g} before it starts at {start:g}"
            found.error("E346", message, statement.trigger.span, "never happens", "exchange the two")
    delay = _number(statement.after, values)
    if delay is not None and statement.after is not None and delay < 0:
        message = f"a delay is not negative, and this is {delay:g}"
        found.error("E346", message, statement.after.span, "negative")


def _number(expression: Expr | None, values: Mapping[str, float]) -> float | None:
    """The value of an expression of numbers and constants; None where it is none (or none that exists)."""
    if expression is None:
        return None
    try:
        return evaluate(expression, values)
    except (NotConstantError, ArithmeticError, ValueError):
        return None


def resolved(
    statements: Sequence[EventStatement],
    definition: Definition,
    found: Diagnostics,
    derivatives: Iterable[str] = (),
) -> tuple[ModelEvent, ...]:
    """The events, numbered on from those the definition has; errors where a condition has no moment.

    Args:
        statements: Checked by :func:`check_events`.
        definition: The model that they belong to.
        found: Takes the errors.
        derivatives: Names of derivatives that the events read and the definition does not have.
    """
    moving = _moving_names(definition) | set(derivatives)
    first = len(definition.events) + 1
    events = []
    for number, one in enumerate(statements, first):
        effects = tuple(Effect(reset.target.id, reset.value, reset.span) for reset in one.resets)
        events.append(
            ModelEvent(
                one.name.id if one.name is not None else unnamed(number),
                _trigger(one, moving, found),
                effects,
                one.stop,
                one.after,
                one.priority,
                one.persistent,
                one.span,
            )
        )
    return tuple(events)


def unnamed(number: int) -> str:
    """What an event without a name is called by its place, counted from 1."""
    return f"event {number}"


def _trigger(statement: EventStatement, moving: set[str], found: Diagnostics) -> Trigger:
    match statement.trigger:
        case AtClause(times=times):
            return At(times)
        case EveryClause(period=period, start=start, end=end):
            return Every(period, start, end)
        case WhenClause(condition=condition, direction=direction):
            return _when(condition, direction, moving, found)
    raise TypeError(f"no trigger: {type(statement.trigger).__name__}")


def _when(condition: Expr, direction: str | None, moving: set[str], found: Diagnostics) -> Trigger:
    crossing = isinstance(condition, Compare) and condition.operators == ("==",)
    if direction is not None and not crossing:
        message = f"`{direction}` is a way to cross, and this is no crossing"
        help_text = f"write `when {direction} a == b`, or leave out `{direction}`"
        found.error("E345", message, condition.span, "no `a == b`", help_text)
        return When(condition)
    if crossing and (direction is not None or _moves(condition, moving)):
        assert isinstance(condition, Compare)
        return Crossing(_difference(condition), direction or BOTH)
    for node in postorder(condition):
        if isinstance(node, Compare) and _moves(node, moving):
            word = next((one for one in node.operators if one in ("==", "!=")), None)
            if word is not None:
                what = "holds for no time at all" if word == "==" else "fails for no time at all"
                message = f"`{word}` of values that move {what}: no moment at which this turns true"
                found.error("E344", message, node.span, "inside of a condition", _LOCATE)
    return When(condition)


def _difference(condition: Compare) -> Expr:
    left, right = condition.operands
    if isinstance(right, Number) and right.value == 0:
        return left
    return Sum((("+", left), ("-", right)), span=condition.span)


def _moves(expression: Expr, moving: set[str]) -> bool:
    """Whether an expression reads what changes between events."""
    return any(name.id in moving for name in names(expression)) or any(
        f"{call.function}()" in moving for call in calls(expression)
    )


def _moving_names(definition: Definition) -> set[str]:
    """The names whose values change between events; functions as `f()`."""
    moving = {state.name for state in definition.states if not state.discrete} | {TIME}
    moving |= {f"{one.name}()" for one in definition.externs}
    parts = [(one.name, one.value) for one in definition.observables]
    parts += [(f"{one.name}()", one.body) for one in definition.functions]
    while found := {name for name, value in parts if name not in moving and _moves(value, moving)}:
        moving |= found
    return moving
