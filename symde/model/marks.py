"""Random numbers in the effects of jumps: `normal(m, s)`, `uniform(a, b)`, `exponential(r)`.

Each call of the text is one draw at each jump. In place of a call stand its arguments and a number of a fixed
distribution, which whoever follows the path draws: m + s*Z, a + (b - a)*U, E/r with Z standard normal, U
uniform in [0, 1), E exponential of mean 1.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import IntEnum

from symde.diagnostics import Diagnostics
from symde.language.syntax import Call, Compare, Expr, Name, Number, Product, Sum
from symde.model.walk import calls, fold, with_children


class Draw(IntEnum):
    """The fixed distribution behind a mark."""

    NORMAL = 0
    UNIFORM = 1
    EXPONENTIAL = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A distribution of the language.

    Attributes:
        draw: what is drawn for it.
        arguments: how many it has.
        meaning: one line for messages and documentation.
        needs: what its arguments must fulfil, in words.
    """

    draw: Draw
    arguments: int
    meaning: str
    needs: str


MARKS = {
    "normal": Mark(Draw.NORMAL, 2, "normal, of mean m and standard deviation s", "s >= 0"),
    "uniform": Mark(Draw.UNIFORM, 2, "uniform from a to b", "a <= b"),
    "exponential": Mark(Draw.EXPONENTIAL, 1, "exponential, of rate r and mean 1/r", "r > 0"),
}
"""By name; a function of the model of the same name is that function."""


def marks_in(expression: Expr, functions: Collection[str]) -> list[Call]:
    """The draws of an expression, in order; `functions` are those of the model."""
    return [call for call in calls(expression) if call.function in MARKS and call.function not in functions]


@dataclass(slots=True)
class WrittenOut:
    """Expressions with a name in place of each number that is drawn.

    Attributes:
        draws: distribution of each number.
        names: their names, which no text can have.
        conditions: what must hold of the arguments.
    """

    draws: list[Draw] = field(default_factory=list)
    conditions: list[Expr] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name_of(place) for place in range(len(self.draws))]

    def expand(self, root: Expr, functions: Collection[str]) -> Expr:
        """An expression without distributions; its draws come behind those so far."""
        if not marks_in(root, functions):
            return root

        def combine(node: Expr, operands: tuple[Expr, ...]) -> Expr:
            if isinstance(node, Call) and node.function in MARKS and node.function not in functions:
                return self._one(node, operands)
            return with_children(node, operands)

        return fold(root, combine)

    def _one(self, call: Call, operands: tuple[Expr, ...]) -> Expr:
        span, draw = call.span, MARKS[call.function].draw
        number = Name(name_of(len(self.draws)), span=span)
        self.draws.append(draw)
        match draw:
            case Draw.NORMAL:
                mean, deviation = operands
                self.conditions.append(Compare((ZERO, deviation), ("<=",), span=span))
                return Sum((("+", mean), ("+", _product("*", deviation, number))), span=span)
            case Draw.UNIFORM:
                low, high = operands
                self.conditions.append(Compare((low, high), ("<=",), span=span))
                length = Sum((("+", high), ("-", low)), span=span)
                return Sum((("+", low), ("+", _product("*", length, number))), span=span)
            case Draw.EXPONENTIAL:
                (rate,) = operands
                self.conditions.append(Compare((ZERO, rate), ("<",), span=span))
                return _product("/", number, rate)


ZERO = Number(0, "0", span=None)


def name_of(place: int) -> str:
    """What a number that is drawn is called."""
    return f"draw {place}"


def _product(sign: str, left: Expr, right: Expr) -> Expr:
    return Product((("*", left), (sign, right)), span=left.span)


def refuse_draw(call: Call, found: Diagnostics) -> None:
    """Report a random number where none is drawn: a rate or an equation has one value."""
    message = f"`{call.function}` draws a random number, and only the effects of jumps do"
    help_text = "write it on the right side of a jump, `jump rate: x += normal(0, 1)`; noise is `dW`"
    found.error("E363", message, call.span, "nothing is drawn here", help_text)
