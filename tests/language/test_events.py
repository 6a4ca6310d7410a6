"""Events, discrete variables and domains: what is read, and what is said where nothing can be."""

from __future__ import annotations

from typing import Any

import pytest

from symde.diagnostics import ModelError
from symde.language import parse, parse_expression
from symde.language.event_syntax import (
    AtClause,
    DiscreteDeclaration,
    DomainDeclaration,
    EventStatement,
    EveryClause,
    Reset,
    WhenClause,
)
from symde.language.syntax import Assignment, Name, Number


def statement(text: str) -> Any:
    (block,) = parse(f"x' = -x\n{text}\ny' = -y")
    _, one, _ = block.statements
    return one


def reset(target: str, value: str) -> Reset:
    return Reset(Name(target), parse_expression(value))


ONE = Number(1, "1")


def test_an_event_has_condition_properties_and_effects() -> None:
    assert statement("hit: when falling h == 0 after 2*d priority 3 persistent: v = -0.9v, h = 0, stop") == (
        EventStatement(
            Name("hit"),
            WhenClause(parse_expression("h == 0"), "falling"),
            (reset("v", "-0.9v"), reset("h", "0")),
            stop=True,
            after=parse_expression("2*d"),
            priority=Number(3, "3"),
            persistent=True,
        )
    )


SPELLINGS = {
    "when x > 1: x = 0, y = 1": [
        "when x > 1 {\n  x = 0\n  y = 1\n}",
        "when x > 1: {\n  x = 0; y = 1 # both\n\n}",
        "when x > 1 { x = 0, y = 1 }",
        "when x > 1: { x = 0,\n y = 1\n }",
        "when x > 1 {\n  x = (0 +\n 0) - 0*(0\n)\n y = 1}",
        "when x > 1:\n  x = 0,\n  y = 1",
    ],
    "when falling x == 1 after 2 persistent priority 3: stop": [
        "when x == 1 falling after 2 persistent priority 3: stop",
        "when x == 1 priority 3 persistent after 2 falling: {stop}",
        "when falling x == 1 persistent priority 3 after 2 {\nstop\n}",
    ],
    "when x > 1: x = x + 2*y, y = y - 1, z = z*3, w = w/2": ["when x > 1: x += 2*y, y -= 1, z *= 3, w /= 2"],
    "when x > 1: x' = 3": ["when x > 1: D(x) = 3"],
    "dom 0 <= x <= 1": ["dom 1 >= x >= 0"],
    "dom x >= 0": ["dom 0 <= x"],
    "dom x <= k": ["dom (k + 0) - 0*k >= x"],
}


@pytest.mark.parametrize(
    ("short", "long"), [(short, one) for short, several in SPELLINGS.items() for one in several]
)
def test_spellings(short: str, long: str) -> None:
    if "0*" in long:  # another expression in the same places
        assert type(statement(long)) is type(statement(short))
    else:
        assert statement(long) == statement(short)


def test_known_times() -> None:
    assert statement("dose: at t = 1, 2*T priority 1: x += 1") == EventStatement(
        Name("dose"), AtClause((ONE, parse_expression("2*T"))), (reset("x", "x + 1"),), priority=ONE
    )
    assert statement("every T from t0 until 9: stop") == EventStatement(
        None, EveryClause(Name("T"), Name("t0"), Number(9, "9")), stop=True
    )
    assert statement("every T until 9: stop").trigger == EveryClause(Name("T"), None, Number(9, "9"))


def test_declarations() -> None:
    (block,) = parse('discrete m = 1, n [mV] nominal 2 "doc"\ndom x >= -1, 0 <= y <= k')
    assert block.statements == (
        DiscreteDeclaration(Name("m"), ONE),
        DiscreteDeclaration(Name("n"), None, "mV", Number(2, "2"), "doc"),
        DomainDeclaration(Name("x"), parse_expression("-1")),
        DomainDeclaration(Name("y"), Number(0, "0"), Name("k")),
    )


def test_a_direction_is_a_name_where_an_operator_follows() -> None:
    for text, direction, condition in [
        ("when rising > 1: stop", None, "rising > 1"),
        ("when rising - x == 1: stop", None, "rising - x == 1"),
        ("when rising(x) == 1: stop", None, "rising(x) == 1"),
        ("when rising and y > 1: stop", None, "rising and y > 1"),
        ("when rising -x == 1: stop", "rising", "-x == 1"),
        ("when rising (x + 1)*2 == 1: stop", "rising", "(x + 1)*2 == 1"),
        ("when rising rising == 1: stop", "rising", "rising == 1"),
        ("when falling falling: stop", None, "falling"),
    ]:
        trigger = statement(text).trigger
        if text.startswith("when falling falling"):
            assert (trigger.condition, trigger.direction) == (Name("falling"), "falling")
        else:
            assert trigger == WhenClause(parse_expression(condition), direction), text


def test_words_of_events_are_names_elsewhere() -> None:
    text = (
        "stop = after + priority*persistent\nfrom' = until - rising\nafter(a) = a\ndom = 1\nat = 1\nevery = 1"
    )
    (block,) = parse(text)
    assert len(block.statements) == 6
    assert [type(one) for one in block.statements[3:]] == [Assignment] * 3
    one = statement("when stop > 1: stop = 0, stop")
    assert (one.resets, one.stop) == ((reset("stop", "0"),), True)


MISTAKES = [
    ("when x > 1: x == 3", "E140", "x == 3", "`==` compares", "write `x = 3`"),
    ("when x > 1: x", "E140", "x", "an effect without a value", "stop"),
    ("when x > 1: x + y = 2", "E140", "x + y", "an effect sets one variable", ""),
    ("when x > 1: f(x) = 2", "E140", "f(x)", "an effect sets one variable", ""),
    ("when x > 1 {}", "E141", "when x > 1 {}", "changes nothing", "stop"),
    ("at s = 1: x = 0", "E142", "s", "followed by times", "at t ="),
    ("at t = 1 after 2: x = 0", "E143", "after 2", "belongs to events with `when`", "add the delay"),
    ("every 2 persistent: x = 0", "E143", "persistent", "belongs to events with `when`", ""),
    ("at t = 1 rising: x = 0", "E143", "rising", "belongs to events with `when`", ""),
    ("when x > 1 persistent: x = 0", "E143", "persistent", "has no delay", "after d"),
    ("when x > 1 after 1 after 2: x = 0", "E116", "after 2", "two of this: after", ""),
    ("when rising x == 1 falling: x = 0", "E116", "falling", "two of this: direction", ""),
    ("e': when x > 1: x = 0", "E143", "e'", "a plain name", ""),
    ("dom x", "E144", "x", "a domain has a bound", "dom x >= 0"),
    ("dom x > 0", "E144", "x > 0", "includes its bounds", "dom x >= 0"),
    ("dom 0 <= x >= 1", "E144", "0 <= x >= 1", "a lower bound, an upper one, or both", ""),
    ("dom x + y >= 0", "E144", "x + y", "of a state", ""),
    ("discrete m = 1 in (0, 2)", "E117", "0, 2", "a discrete variable has no bounds", ""),
    ("discrete m' = 1", "E118", "m'", "a discrete variable has no derivative", ""),
]


@pytest.mark.parametrize(("text", "code", "caret", "message", "remedy"), MISTAKES)
def test_mistakes(text: str, code: str, caret: str, message: str, remedy: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(text)
    (error,) = caught.value.diagnostics
    assert error.code == code, str(error)
    assert error.span is not None and error.span.text == caret
    assert message in error.message and remedy in (error.help or "")
