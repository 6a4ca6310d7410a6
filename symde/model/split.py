"""The stiff part of a model: `stiff(e)` around terms of an equation, `stiff: dx = e` around a whole one.

A mark changes nothing of what an equation says. The derivative of a state is kept without marks, and once
more with them where there are any; from the latter come the two parts, whose sum is the derivative.
"""

from __future__ import annotations

import dataclasses

from symde.diagnostics import Span
from symde.language.syntax import Call, Expr, Negate, Number, Product, Sum
from symde.model.definition import Definition
from symde.model.draft import Draft, Equation
from symde.model.walk import calls, children, fold, postorder, with_children

STIFF, NONSTIFF = "stiff", "nonstiff"
MARKS = (STIFF, NONSTIFF)

Parts = tuple[Expr | None, Expr | None]
"""The stiff part and the other, None where there is none of it."""


class MisplacedMark(ValueError):
    """A mark stands where it splits nothing."""

    def __init__(self, span: Span | None) -> None:
        super().__init__("stiff(...) is no term of the equation")
        self.span = span


def take_marks(draft: Draft) -> None:
    """Join `stiff: dx = e` with `nonstiff: dx = f`, and put every equation's marks apart from its value."""
    for name in MARKS:
        own = draft.functions.get(name) or draft.externs.get(name)
        if own is not None:
            draft.found.error(
                "E204",
                f"`{name}` is reserved",
                own.name.span,
                "marks terms of equations",
                "choose another name for the function",
            )
            return
    draft.equations = _joined(draft.equations)
    for equation in draft.equations:
        if not _is_marked(equation.value):
            continue
        try:
            stiff, _ = parts(equation.value)
        except MisplacedMark as mark:
            _refuse(draft, mark.span)
        else:
            equation.split = None if stiff is None else equation.value
        equation.value = without_marks(equation.value)
    for place, implicit in enumerate(draft.implicit):
        mark = next((call for call in calls(implicit.left, implicit.right) if call.function in MARKS), None)
        if mark is not None:
            _refuse(draft, mark.span)
            left, right = without_marks(implicit.left), without_marks(implicit.right)
            draft.implicit[place] = dataclasses.replace(implicit, left=left, right=right)
    for name, one in draft.observables.items():
        if _is_marked(one.value):
            _refuse(draft, next(call.span for call in calls(one.value) if call.function in MARKS))
            draft.observables[name] = dataclasses.replace(one, value=without_marks(one.value))


def _refuse(draft: Draft, span: Span | None) -> None:
    draft.found.error(
        "E323",
        "`stiff(...)` marks terms of a differential equation",
        span,
        "not a term of one",
        "write it around whole terms: `x' = stiff(-k*x) + sin(t)`",
    )


def _joined(equations: list[Equation]) -> list[Equation]:
    """The equations, those of one state's two parts as one."""
    joined: list[Equation] = []
    sides: dict[tuple[str, int], list[Equation]] = {}
    for equation in equations:
        same_side = sides.setdefault((equation.name, equation.order), [])
        other = next((one for one in same_side if _are_two_parts(one, equation)), None)
        if other is None:
            joined.append(equation)
            same_side.append(equation)
        else:
            other.value = Sum((("+", other.value), ("+", equation.value)), span=other.value.span)
            other.span = _together(other.span, equation.span)
    return joined


def _together(first: Span | None, second: Span | None) -> Span | None:
    """The place of both statements where nothing else stands between them, else of the first."""
    if first is None or second is None or first.source.text[first.end : second.start].strip(" \t\r\n;"):
        return first
    return first.to(second)


def _are_two_parts(one: Equation, other: Equation) -> bool:
    """Whether two equations of one left side are its stiff part and its other part."""
    marks = {value.function for value in (one.value, other.value) if isinstance(value, Call)}
    return marks == set(MARKS)


def _is_marked(expression: Expr) -> bool:
    return any(call.function in MARKS for call in calls(expression))


def without_marks(expression: Expr) -> Expr:
    """What a marked expression says."""

    def combine(node: Expr, operands: tuple[Expr, ...]) -> Expr:
        if isinstance(node, Call) and node.function in MARKS and len(operands) == 1:
            return operands[0]
        return with_children(node, operands)

    return fold(expression, combine)


def parts(expression: Expr) -> Parts:
    """The stiff part of a marked expression and the other.

    Marks may stand around terms, also within brackets, with signs and factors before or behind them.

    Raises:
        MisplacedMark: a mark is inside of a function, a power, a condition, a divisor or another mark, or
            two are multiplied.
    """
    marked: set[int] = set()
    for node in postorder(expression):
        if _is_mark(node) or any(id(child) in marked for child in children(node)):
            marked.add(id(node))
    return _parts(expression, marked)


def _is_mark(node: Expr) -> bool:
    return isinstance(node, Call) and node.function in MARKS


def _parts(node: Expr, marked: set[int]) -> Parts:
    if id(node) not in marked:
        return None, node
    inner = [child for child in children(node) if id(child) in marked]
    match node:
        case Call(function=function, arguments=(argument,)) if function in MARKS and not inner:
            return (argument, None) if function == STIFF else (None, argument)
        case Sum(terms=terms):
            pairs = [(sign, _parts(term, marked)) for sign, term in terms]
            stiff = [(sign, one) for sign, (one, _) in pairs if one is not None]
            other = [(sign, one) for sign, (_, one) in pairs if one is not None]
            return _sum(stiff, node.span), _sum(other, node.span)
        case Negate(operand=operand):
            stiff, other = _parts(operand, marked)
            return _with(node, operand, stiff), _with(node, operand, other)
        case Product(factors=factors) if len(inner) == 1 and ("*", inner[0]) in factors:
            stiff, other = _parts(inner[0], marked)
            return _with(node, inner[0], stiff), _with(node, inner[0], other)
    raise MisplacedMark(node.span)


def _sum(terms: list[tuple[str, Expr]], span: Span | None) -> Expr | None:
    if not terms:
        return None
    (sign, first), *rest = terms
    if not rest:
        return first if sign == "+" else Negate(first, span=first.span)
    return Sum(tuple(terms), span=span)


def _with(node: Expr, old: Expr, new: Expr | None) -> Expr | None:
    """`node` with another operand in the place of one; nothing where there is none."""
    if new is None:
        return None
    return with_children(node, tuple(new if child is old else child for child in children(node)))


def is_split(definition: Definition) -> bool:
    """Whether any equation has a stiff part."""
    return any(state.split is not None for state in definition.states)


def part_of(definition: Definition, mark: str) -> Definition:
    """The model with one part of its right-hand side in the place of the whole."""
    states = []
    for state in definition.states:
        stiff, other = (None, state.derivative) if state.split is None else parts(state.split)
        value = stiff if mark == STIFF else other
        zero = Number(0, "0", span=None)
        states.append(dataclasses.replace(state, derivative=zero if value is None else value, split=None))
    return dataclasses.replace(definition, states=tuple(states))


def join(stiff: Definition, nonstiff: Definition) -> Definition:
    """One split model of two with the same states: its right-hand side is the sum of theirs."""
    states = []
    for one, other in zip(stiff.states, nonstiff.states, strict=True):
        marked = Call(STIFF, (one.derivative,), span=None)
        whole = Sum((("+", one.derivative), ("+", other.derivative)), span=None)
        split = Sum((("+", marked), ("+", other.derivative)), span=None)
        states.append(dataclasses.replace(one, derivative=whole, split=split))
    return dataclasses.replace(stiff, states=tuple(states))
