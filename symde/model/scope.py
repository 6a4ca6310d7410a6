"""Scopes: what a name means, where it may be read, and what to say where it means nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from symde.diagnostics import Diagnostics, Span
from symde.language.syntax import Expr, Name
from symde.model.definition import INITIAL_TIME, PI, TIME
from symde.model.derivative_names import differentiated
from symde.model.draft import (
    CALLED,
    CONSTANT,
    DISCRETE,
    EXTERN,
    OBSERVABLE,
    PARAMETER,
    STATE,
    base_of,
    primes_of,
)
from symde.model.functions import BUILT_IN
from symde.model.nearest import nearest
from symde.model.walk import calls, names

ARGUMENT = "argument"
INFINITY = "inf"


@dataclass(frozen=True, slots=True)
class Context:
    """Where an expression stands: the kinds of names it may read, in messages `place` and `remedy`."""

    place: str
    kinds: frozenset[str]
    special: frozenset[str]
    remedy: str


EQUATION = Context(
    "an equation",
    frozenset({STATE, DISCRETE, PARAMETER, CONSTANT, OBSERVABLE, ARGUMENT}),
    frozenset({TIME, PI}),
    "",
)
HISTORY = Context(
    "a history",
    frozenset({PARAMETER, CONSTANT}),
    frozenset({TIME, PI}),
    "a history may read `t`, parameters and constants",
)
INITIAL = Context(
    "an initial value",
    frozenset({PARAMETER, CONSTANT, OBSERVABLE}),
    frozenset({INITIAL_TIME, PI}),
    "an initial value may read parameters, constants and `t0`",
)
DEFAULT = Context(
    "a parameter's default",
    frozenset({PARAMETER, CONSTANT}),
    frozenset({PI}),
    "a default may read other parameters and constants",
)
TIME_SPAN = Context(
    "the time span",
    frozenset({PARAMETER, CONSTANT}),
    frozenset({PI}),
    "a time span may read parameters and constants",
)
EVENT_TIME = Context(
    "the times of an event",
    frozenset({PARAMETER, CONSTANT}),
    frozenset({INITIAL_TIME, PI}),
    "times of events may read parameters, constants and `t0`",
)
BOUND = Context(
    "a bound", frozenset({CONSTANT}), frozenset({PI, INFINITY}), "a bound is a number, a `const` or `inf`"
)
FIXED = Context(
    "a constant",
    frozenset({CONSTANT}),
    frozenset({PI}),
    "its value must be known before any parameter: write a number or a `const`",
)


@dataclass(slots=True)
class Scope:
    """The names of a model and their kinds.

    Attributes:
        kinds: kind of every name that a statement (or the caller) defines.
        bodies: for each function, the names that its own body reads beyond its arguments, and the functions
            that it calls; callees come first.
        unknown_help: what to do about a name that nothing is like, with `{name}` in its place.
        unknown_allowed: undefined names are no errors, because a feature of a later version may define them.
        followed: discrete variables with the name of a parameter, which is what is read before the solve.
        derivative_reads: `dx` and `x'` that were read without being defined -> the state they differentiate.
    """

    found: Diagnostics
    kinds: dict[str, str]
    bodies: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    unknown_help: str = ""
    unknown_allowed: bool = False
    followed: frozenset[str] = frozenset()
    derivative_reads: dict[str, str] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    _offences: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def derivative_of(self, name: str) -> str | None:
        """The state whose derivative an undefined `dx`, `x'` or `x''` means, None where there is none."""
        if name in self.kinds:
            return None
        if primes_of(name):
            state = name[:-1]
        else:
            state = differentiated(name) or ""
        return state if self.kinds.get(state) == STATE else None

    def check(self, expression: Expr, context: Context, arguments: Iterable[str] = ()) -> None:
        """Report every name in `expression` that means nothing, or that its place may not read."""
        own = set(arguments)
        for name in names(expression):
            if name.id not in own:
                self._check_name(name, context)
        if context is not EQUATION:
            for call in calls(expression):
                self._check_body(call.function, call.span, context)

    def _check_name(self, name: Name, context: Context) -> None:
        word = name.id
        kind = self.kinds.get(word)
        if kind in context.kinds or (kind is None and word in context.special):
            return
        if word in self.followed and PARAMETER in context.kinds:
            return
        if kind is not None and kind not in CALLED:
            self._refuse(name, kind, context)
        elif kind is None and word in (TIME, PI, INITIAL_TIME):
            self._refuse(name, "the time" if word == TIME else "the initial time", context)
        elif (state := self.derivative_of(word)) is not None:
            if STATE in context.kinds:
                self.derivative_reads.setdefault(word, state)
            else:
                self._refuse(name, f"derivative of `{state}`", context)
        elif word not in self.reported:
            self.reported.add(word)
            self._unknown(name)

    def _check_body(self, function: str, span: Span | None, context: Context) -> None:
        if self.kinds.get(base_of(function)) in (STATE, OBSERVABLE):
            message = f"{context.place} cannot read `{function}` at another time"
            self.found.error("E208", message, span, "a value of the solution", context.remedy)
            return
        if self.kinds.get(function) == EXTERN:
            message = f"`{function}` cannot be called in {context.place}"
            self.found.error("E208", message, span, f"a {EXTERN}", context.remedy)
            return
        word = self._offence(function, context)
        if word is not None:
            message = f"function `{function}` cannot be called in {context.place}: it reads `{word}`"
            reads = describe(self.kinds.get(word), word)
            self.found.error("E208", message, span, f"reads {reads}", context.remedy)

    def _offence(self, function: str, context: Context) -> str | None:
        """A name that a function reads, itself or through others, and that `context` may not read."""
        if context.place not in self._offences:
            offences: dict[str, str | None] = {}
            for name, (reads, callees) in self.bodies.items():
                own = (word for word in reads if not self._may_read(word, context))
                own = (*own, *(callee for callee in callees if self.kinds.get(callee) == EXTERN))
                below = (offences[callee] for callee in callees if offences.get(callee) is not None)
                offences[name] = next(iter(own), None) or next(below, None)
            self._offences[context.place] = offences
        return self._offences[context.place].get(function)

    def _may_read(self, word: str, context: Context) -> bool:
        """Whether a function called in `context` may read a name; observed quantities only from equations."""
        kind = self.kinds.get(word)
        if kind is None:
            return word in context.special
        if word in self.followed and PARAMETER in context.kinds:
            return True
        return kind in context.kinds and (kind != OBSERVABLE or context is EQUATION)

    def _refuse(self, name: Name, kind: str, context: Context) -> None:
        if name.id == INITIAL_TIME:
            message, label = f"`{INITIAL_TIME}` cannot be read in {context.place}", "the initial time"
            help_text = context.remedy or f"`{INITIAL_TIME}` is known to initial values only"
        else:
            article = "" if kind.startswith(("the ", "derivative")) else "an " if kind[0] in "aeiou" else "a "
            message, label = f"{context.place} cannot read `{name.id}`", f"{article}{kind}"
            help_text = context.remedy
        self.found.error("E208", message, name.span, label, help_text or None)

    def _unknown(self, name: Name) -> None:
        word = name.id
        if is_noise(word):
            message = f"`{word}` is read in a stochastic differential equation alone"
            help_text = "multiply by it there: `dx = f*dt + g*dW`"
            self.found.error("E390", message, name.span, "a differential", help_text)
            return
        if self.unknown_allowed:
            return
        kind = self.kinds.get(word)
        if kind in CALLED or word in BUILT_IN:
            label, help_text = "a function, not a value", f"call it with its arguments: `{word}(...)`"
        elif primes_of(word):
            label = f"`{base_of(word)}` has no such derivative"
            help_text = f"`{base_of(word)}` is not a state with an equation of that order"
        else:
            label, near = "not a state, parameter or function", nearest(word, self.kinds, self.found)
            known = f"there is a {self.kinds[near]} `{near}`" if near is not None else None
            help_text = known or self.unknown_help.format(name=word)
        self.found.error("E201", f"unknown name `{word}`", name.span, label, help_text or None)


def describe(kind: str | None, name: str) -> str:
    """A name with its kind, for labels: ``"the state `x`"``."""
    if kind is None:
        return "the time `t`" if name == TIME else f"`{name}`"
    return f"the {kind} `{name}`"


def is_noise(name: str) -> bool:
    """Whether an undefined name is a stochastic differential (`dt` beside `dW`, `dW1`, `dW_name`)."""
    return name == "dt" or name.startswith("dW")
