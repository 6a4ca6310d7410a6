"""Delayed values and histories of a model, with their mistakes: `x(t - tau)`, `x'(t - tau)`, `history x =
e`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from symde.diagnostics import Diagnostics, Span
from symde.language.syntax import Call, Expr, Name
from symde.language.syntax import History as Statement
from symde.model.definition import INITIAL_TIME, TIME
from symde.model.delays import Delays, History, delayed
from symde.model.draft import base_of, first_seen
from symde.model.evaluate import evaluate
from symde.model.nearest import nearest
from symde.model.walk import calls, fold, identifiers, substitute, with_children

SAMPLES = (0.0, 1.0, 0.375, 2.625, -1.25)
"""Times at which a delay is the same if it is constant: `x(t^2)` has none at 0 and 1 alone."""

ROUNDING = 1e-12
"""By how much they may differ."""


def collect_delays(
    roots: Iterable[Expr],
    statements: Iterable[Statement],
    states: Collection[str],
    found: Diagnostics,
    check: Callable[[Expr], None],
) -> Delays | None:
    """What a model reads of the past; None where there is nothing of the kind.

    Args:
        roots: Expressions that may read delayed values.
        statements: `history` statements.
        states: Names of the states, in order.
        found: Takes the errors.
        check: Reports what a history may not read.
    """
    histories: dict[str, History] = {}
    for one in statements:
        name = one.target.id
        if name not in states:
            _refuse_history(name, states, one.target.span, found)
        elif name in histories:
            where = first_seen(histories[name].span)
            found.error(
                "E381", f"state `{name}` has two histories", one.target.span, where, "keep one of them"
            )
        else:
            check(one.value)
            histories[name] = History(name, one.value, one.target.span)
    reads = {delayed(call.function, states) for call in calls(*roots)} - {None}
    if not (reads or histories):
        return None
    values = tuple(name for name in states if (name, 0) in reads)
    slopes = tuple(name for name in states if (name, 1) in reads)
    return Delays(values, slopes, tuple(histories[name] for name in states if name in histories))


def _refuse_history(name: str, states: Collection[str], span: Span | None, found: Diagnostics) -> None:
    near = nearest(name, states, found)
    help_text = f"there is a state `{near}`" if near else f"write its equation: `{base_of(name)}' = ...`"
    found.error("E380", f"history of `{name}`, which is not a state", span, "not a state", help_text)


def initial_from_history(histories: Iterable[Statement]) -> dict[str, Expr]:
    """A state with a history and no initial value begins where its history ends."""
    return {one.target.id: substitute(one.value, {TIME: Name(INITIAL_TIME)}) for one in histories}


def check_time(call: Call, timed: Collection[str], known: Mapping[str, float], found: Diagnostics) -> None:
    """Report a delayed value whose time is none, is the present, or lies ahead.

    Args:
        timed: What may change with t: names of states, observed quantities, functions and arguments.
        known: Values of the constants.
    """
    (time,) = call.arguments
    text = time.span.text if time.span is not None else "..."
    if not (identifiers([time]) | {one.function for one in calls(time)}) & {TIME, INITIAL_TIME, *timed}:
        label = f"`{call.function}` at a time that does not change"
        help_text = (
            f"for a delay write `{call.function}(t - {text})`, for a product `{call.function}*({text})`"
        )
        found.error("E382", "a delayed value is read at an earlier time", call.span, label, help_text)
        return
    try:
        lags = [t - evaluate(time, {**known, TIME: t}) for t in SAMPLES]
    except (ArithmeticError, ValueError):
        return
    if not max(lags) - min(lags) <= ROUNDING:
        return
    if lags[0] == 0.0:
        help_text = f"write `{call.function}` for the value at time t"
        found.error("E383", "this delay is 0", call.span, "the present value", help_text)
    elif lags[0] < 0.0:
        message = f"`{call.function}({text})` is a value of the future"
        help_text = f"a delay looks back: `{call.function}(t - {-lags[0]:g})`"
        found.error("E383", message, call.span, "later than t", help_text)


class DelayedObservables:
    """Writes out observed quantities at other times: `y(t - 1)` with `y = 2*x` is `2*x(t - 1)`.

    Args:
        written: Each observed quantity in states, parameters and t.
        states: Names of the states.
        simple: Whether an expression calls no function of the model.
    """

    def __init__(
        self,
        written: Mapping[str, Expr],
        states: Collection[str],
        simple: Callable[[Call], bool],
        found: Diagnostics,
    ) -> None:
        self._written, self._states, self._simple, self._found = written, states, simple, found

    def expand(self, root: Expr) -> Expr:
        """The expression without observed quantities at other times."""
        if not any(call.function in self._written for call in calls(root)):
            return root
        return fold(root, self._combine)

    def _combine(self, node: Expr, operands: tuple[Expr, ...]) -> Expr:
        if not (isinstance(node, Call) and node.function in self._written and len(operands) == 1):
            return with_children(node, operands)
        value = self._written[node.function]
        if not all(self._simple(call) for call in calls(value)):
            self._found.error(
                "E384",
                f"`{node.function}` cannot be read at another time",
                node.span,
                "it calls functions, or reads delayed values itself",
                "write out what it is made of, with the states at that time",
            )
            return node
        (time,) = operands
        at = {name: Call(name, (time,), span=node.span) for name in self._states}
        return substitute(value, {**at, TIME: time})
