"""From the grammar's rules to the syntax tree: one method a rule, called by the parser as it reduces.

Brackets leave a :class:`Group` behind until the rule around them has taken its place from it: `(a + b)*c`
begins at the bracket, while the sum inside does not.
"""

from __future__ import annotations

import math
import re
from typing import Any

from lark import Token, Transformer

from symde.diagnostics import Diagnostics, Source, Span
from symde.language.declarations import Entry, declared
from symde.language.equations import equation
from symde.language.event_syntax import AtClause, EveryClause, Reset, WhenClause
from symde.language.events import Option, at_times, domain, effect, event
from symde.language.externs import extern, outputs
from symde.language.normal import normalised
from symde.language.parts import Closing, Group, Opening, Parsed, bare
from symde.language.reaction_syntax import Change
from symde.language.reactions import jump, reaction
from symde.language.strings import unquote
from symde.language.syntax import (
    Assignment,
    Call,
    Compare,
    Conditional,
    Conserved,
    Derivative,
    Hamiltonian,
    History,
    Later,
    Logic,
    Name,
    Negate,
    Not,
    Number,
    Power,
    Product,
    Statement,
    Stratonovich,
    Sum,
    TimeSpan,
)

_OTHER_NOTATION = re.compile(r"[0-9]+(?:_[0-9]+)+|0[xXbBoO][0-9a-fA-F]+(?!\w)")

_NOTHING = object()
"""An empty place between separators."""

LONGEST_NUMBER = 1000
"""Digits of the longest number that is read."""

ARRAYS = "arrays"
PARTS = "parts of models (use)"
FEATURES = {
    "import": "imports of other files",
    "use": PARTS,
}
"""What the words stand for that begin a statement of a later version."""


def _as_derivative(statement: Statement) -> Statement:
    """`dx = e` as `x' = e`."""
    if not isinstance(statement, Assignment) or not re.fullmatch(r"d[^\W\d]\w*", statement.target.id):
        return statement
    name = Name(statement.target.id[1:], span=statement.target.span)
    return Derivative(name, 1, statement.value, span=statement.span)


class TreeBuilder(Transformer):
    """Makes the nodes; `read` sets what they belong to before each statement."""

    def read(self, statement: Span, found: Diagnostics) -> None:
        """Begin a statement: its place, and where its mistakes go."""
        self.statement = statement
        self.source: Source = statement.source
        # The parser counts from the beginning of the statement.
        self.offset = statement.start
        self.found = found
        self.feature: tuple[str, str] | None = None

    # ---- statements

    def model(self, c: list[Any]) -> Opening:
        doc = unquote(self._text(c[2])) if len(c) > 2 else None
        return Opening("long", self._name(c[1]), doc, True, self.statement)

    def ode_def(self, c: list[Any]) -> Opening:
        names = [self._name(token) for token in c if token.type == "NAME"]
        begun = any(token.type == "BEGIN" for token in c if token is not None)
        return Opening("short", names[0] if names else None, None, begun, self.statement)

    def end(self, c: list[Any]) -> Closing:
        return Closing(tuple(self._name(token) for token in c[1:]), self.statement)

    def declaration(self, c: list[Any]) -> Parsed:
        keyword = c[0].type
        return self._unless_later(tuple(declared(keyword, entry, self.found) for entry in c[1:]), str(c[0]))

    def time_span(self, c: list[Any]) -> Parsed:
        return self._unless_later((TimeSpan(bare(c[1]), bare(c[3]), span=self.statement),), "time")

    def equation(self, c: list[Any]) -> Parsed:
        left, right = c[0], bare(c[2])
        if self.feature is not None:
            return self._unless_later((), "=")
        bracketed = type(left) is Group
        return equation(bare(left), bracketed, right, self.statement, self.found)

    def part(self, c: list[Any]) -> Parsed:
        """`stiff: dx = e` is `dx = stiff(e)`."""
        word, left, right = self._name(c[0]), c[1], bare(c[3])
        if self.feature is not None:
            return self._unless_later((), "=")
        marked = Call(word.id, (right,), span=right.span)
        statements = equation(bare(left), type(left) is Group, marked, self.statement, self.found)
        # without the mark `dy = e` might be an observed quantity
        statements = tuple(map(_as_derivative, statements))
        if all(isinstance(one, Derivative) for one in statements):
            return statements
        message = f"`{word.id}:` marks the {word.id} part of a differential equation"
        self.found.error("E126", message, word.span, "this is none", f"write `{word.id}: x' = ...`")
        return ()

    def hamiltonian(self, c: list[Any]) -> Parsed:
        pairs = tuple(c[4:])
        energy = Hamiltonian(self._name(c[1]), bare(c[3]), pairs, span=self.statement)
        return self._unless_later((energy,), str(c[0]))

    # ---- events

    def event(self, c: list[Any]) -> Parsed:
        name = self._name(c[0]) if c[0] is not None else None
        one = event(name, c[1], c[2:-1], c[-1], self.statement, self.found)
        return self._unless_later((one,), "when")

    def when_trigger(self, c: list[Any]) -> WhenClause:
        direction = str(c[1]) if len(c) == 3 else None
        return WhenClause(bare(c[-1]), direction, span=self._span(c[0], c[-1]))

    def at_trigger(self, c: list[Any]) -> AtClause:
        return at_times(bare(c[1]), map(bare, c[3:]), self._span(c[0], c[-1]), self.found)

    def every_trigger(self, c: list[Any]) -> EveryClause:
        last = next(one for one in reversed(c) if one is not None)
        return EveryClause(*map(bare, c[1:]), span=self._span(c[0], last))

    def option(self, c: list[Any]) -> Option:
        return Option(str(c[0]), bare(c[1]) if len(c) > 1 else None, self._span(c[0], c[-1]))

    def effects(self, c: list[Any]) -> tuple[Reset | None, ...]:
        return tuple(one for one in c if one is not _NOTHING)

    def item(self, c: list[Any]) -> Any:
        return _NOTHING

    def effect(self, c: list[Any]) -> Any:
        left, sign, right = c
        span = self._span(left, right if right is not None else left)
        sign = str(sign) if sign is not None else None
        return effect(bare(left), sign, bare(right), span, self.found)

    def domain(self, c: list[Any]) -> Parsed:
        found = (domain(bare(one), one.span, self.found) for one in c[1:])
        return self._unless_later(tuple(found), "dom")

    def stratonovich(self, c: list[Any]) -> Parsed:
        """`stratonovich`"""
        return (Stratonovich(span=self.statement),)

    def pair(self, c: list[Any]) -> tuple[Name, Name]:
        return self._name(c[1]), self._name(c[2])

    def conserved(self, c: list[Any]) -> Parsed:
        """`conserved e`"""
        return self._unless_later((Conserved(bare(c[1]), span=self.statement),), str(c[0]))

    def history(self, c: list[Any]) -> Parsed:
        return self._unless_later(tuple(c[1:]), str(c[0]))

    def past(self, c: list[Any]) -> History:
        return History(self._name(c[0]), bare(c[2]), span=self.statement)

    def reaction(self, c: list[Any]) -> Parsed:
        *rates, left, arrow, right = (one for one in c if type(one) is not Token or one.type == "ARROW")
        given = rates[0] if rates and isinstance(rates[0], tuple) else tuple(map(bare, rates))
        found = reaction(given, str(arrow), bare(left), bare(right), self.statement, self.found)
        return self._unless_later(found, str(arrow))

    def jump(self, c: list[Any]) -> Parsed:
        changes = (one for one in c[2:] if not isinstance(one, Token))
        return self._unless_later(jump(bare(c[1]), changes, self.statement, self.found), "jump")

    def change(self, c: list[Any]) -> Change:
        return Change(self._name(c[0]), str(c[1]), bare(c[2]), span=self._span(c[0], c[2]))

    def extern(self, c: list[Any]) -> Parsed:
        """`extern net(a, b) -> 2`"""
        arguments = tuple(self._name(one) for one in c[3:-3] if one is not None)
        return extern(self._name(c[1]), arguments, self._number(c[-1]), self.statement, self.found)

    def outputs(self, c: list[Any]) -> Parsed:
        """`(f, g) = net(x, y)`"""
        return self._unless_later(outputs(c[0], bare(c[2]), self.statement, self.found), "=")

    def later(self, c: list[Any]) -> Parsed:
        word = str(c[1])
        return (Later(FEATURES[word], word, span=self.statement),)

    def _unless_later(self, statements: tuple[Statement | None, ...], keyword: str) -> Parsed:
        if self.feature is not None:
            feature, sign = self.feature
            return (Later(feature, sign or keyword, span=self.statement),)
        return tuple(one for one in statements if one is not None)

    # ---- declarations

    def entry(self, c: list[Any]) -> Entry:
        entry = Entry(self._name(c[0]), None, {}, self._span(c[0], c[0]))
        for child in c[1:]:
            if isinstance(child, tuple):
                kind, value, span = child
                if kind in entry.modifiers:
                    message = f"`{entry.name.id}` has two of this: {kind}"
                    self.found.error("E116", message, span, "given before", "keep one of them")
                entry.modifiers[kind] = (value, span)
                entry.span = entry.span.to(span)
            elif child is not None and not isinstance(child, Token):
                entry.value = bare(child)
                entry.span = entry.span.to(child.span)
            elif isinstance(child, Token) and child.type == "INDEX":
                self._mark(ARRAYS, "[")
        return entry

    def unit(self, c: list[Any]) -> tuple[str, Any, Span]:
        return "unit", normalised(self._text(c[0])[1:-1].strip()) or None, self._span(c[0], c[0])

    def bounds(self, c: list[Any]) -> tuple[str, Any, Span]:
        return "bounds", (bare(c[0]), bare(c[1])), self._span(c[0], c[1])

    def nominal(self, c: list[Any]) -> tuple[str, Any, Span]:
        return "nominal", bare(c[0]), c[0].span

    def doc(self, c: list[Any]) -> tuple[str, Any, Span]:
        return "doc", unquote(self._text(c[0])), self._span(c[0], c[0])

    def clause(self, c: list[Any]) -> None:
        self._mark(ARRAYS, "for")

    # ---- expressions

    def conditional(self, c: list[Any]) -> Conditional:
        return Conditional(bare(c[1]), bare(c[0]), bare(c[2]), span=self._span(c[0], c[2]))

    def choice(self, c: list[Any]) -> Conditional:
        return Conditional(bare(c[0]), bare(c[1]), bare(c[2]), span=self._span(c[0], c[2]))

    def disjunction(self, c: list[Any]) -> Logic:
        return Logic("or", tuple(map(bare, c)), span=self._span(c[0], c[-1]))

    def conjunction(self, c: list[Any]) -> Logic:
        return Logic("and", tuple(map(bare, c)), span=self._span(c[0], c[-1]))

    def inversion(self, c: list[Any]) -> Not:
        return Not(bare(c[1]), span=self._span(c[0], c[1]))

    def comparison(self, c: list[Any]) -> Compare:
        operators = tuple(str(one) for one in c[1::2])
        return Compare(tuple(map(bare, c[::2])), operators, span=self._span(c[0], c[-1]))

    def sum(self, c: list[Any]) -> Sum:
        signs = ["+", *("+" if one == "+" else "-" for one in c[1::2])]
        return Sum(tuple(zip(signs, map(bare, c[::2]), strict=True)), span=self._span(c[0], c[-1]))

    def product(self, c: list[Any]) -> Product:
        signs = ["*", *("*" if one == "*" else "/" for one in c[1::2])]
        return Product(tuple(zip(signs, map(bare, c[::2]), strict=True)), span=self._span(c[0], c[-1]))

    def signed(self, c: list[Any]) -> Negate | Group:
        span = self._span(c[0], c[1])
        return Negate(bare(c[1]), span=span) if c[0] == "-" else Group(bare(c[1]), span)

    def implicit(self, c: list[Any]) -> Product:
        self._check_notation(c[0])
        factors = (("*", self._number(c[0])), ("*", bare(c[1])))
        return Product(factors, implicit=True, span=self._span(c[0], c[1]))

    def power(self, c: list[Any]) -> Power:
        return Power(bare(c[0]), bare(c[2]), span=self._span(c[0], c[2]))

    def number(self, c: list[Any]) -> Number:
        return self._number(c[0])

    def name(self, c: list[Any]) -> Name:
        return self._name(c[0])

    def call(self, c: list[Any]) -> Call:
        arguments = tuple(bare(one) for one in c[2:-1] if one is not None)
        return Call(self._name(c[0]).id, arguments, span=self._span(c[0], c[-1]))

    def group(self, c: list[Any]) -> Group:
        return Group(bare(c[1]), self._span(c[0], c[2]))

    def element(self, c: list[Any]) -> Name:
        self._mark(ARRAYS, "[")
        return self._name(c[0])

    def member(self, c: list[Any]) -> Name:
        self._mark(PARTS, ".")
        return self._name(c[0])

    def argument(self, c: list[Any]) -> Any:
        return c[0]

    def several(self, c: list[Any]) -> tuple[Any, ...]:
        return tuple(bare(one) for one in c[1:-1])

    # ---- tokens

    def _mark(self, feature: str, sign: str) -> None:
        if self.feature is None:
            self.feature = (feature, sign)

    def _span(self, first: Any, last: Any) -> Span:
        start = self.offset + (first.start_pos or 0) if type(first) is Token else first.span.start
        end = self.offset + (last.end_pos or 0) if type(last) is Token else last.span.end
        return Span(self.source, start, end)

    def _text(self, token: Token) -> str:
        return self._span(token, token).text

    def _name(self, token: Token) -> Name:
        span = self._span(token, token)
        # The text that the parser sees has stand-ins for combining marks.
        return Name(normalised(span.text), span=span)

    def _check_notation(self, token: Token) -> None:
        """`1_000` and `0x1F` are numbers elsewhere; here they would silently be products."""
        match = _OTHER_NOTATION.match(self.source.text, self.offset + (token.start_pos or 0))
        if match is not None:
            span = Span(self.source, match.start(), match.end())
            help_text = "write the digits together" if "_" in match[0] else "write it in decimal digits"
            self.found.error("E005", f"`{match[0]}` is no number here", span, "another notation", help_text)

    def _number(self, token: Token) -> Number:
        text, span = str(token), self._span(token, token)
        value: int | float = 0
        if len(text) > LONGEST_NUMBER:
            message = f"a number of {len(text)} characters"
            self.found.error("E401", message, span, f"at most {LONGEST_NUMBER}", "write it as `1.5e10`")
            text = "0"
        elif math.isinf(value := float(text)):
            self.found.error("E401", "number out of range", span, "larger than 1.797e308")
        elif value == 0.0 and any(digit in "123456789" for digit in text.lower().partition("e")[0]):
            self.found.error("E401", "number out of range", span, "nearer to 0 than 5e-324")
        elif text.isdigit():
            value = int(text)
        return Number(value, text, span=span)
