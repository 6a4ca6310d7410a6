"""Reactions and jumps as statements: what is read, written as it was, and refused with its place."""

from __future__ import annotations

import pytest

from symde.diagnostics import ModelError
from symde.language import parse, unparse
from symde.language.reaction_syntax import Change, JumpStatement, ReactionStatement, Term
from symde.language.syntax import Name, Number


def _only(text: str):
    (block,) = parse(text)
    (statement,) = block.statements
    return statement


@pytest.mark.parametrize(
    "text",
    [
        "k, A + 2B --> C",
        "(kf, kr), A <--> B",
        "k*A/(1 + A), A => B",
        "(a, b), 2A <=> 0",
        "k, 0 --> A",
        "k, A --> 0",
        "2*k + t, 10A --> 3*e1 + 2*_x",
        "(time + 1), A --> B",
        "jump beta*S*I/N: S -= 1, I += 1",
        "jump (-k): x *= 2, y /= 3, z = x + y",
        "jump k if x > 1 else 0: x = 0",
    ],
)
def test_statements_are_written_as_they_are_read(text: str) -> None:
    assert unparse(_only(text)) == text


def test_the_parts_of_a_reaction() -> None:
    statement = _only("k, A + 2*B --> 3C + A")
    assert statement == ReactionStatement(
        (Name("k"),),
        "-->",
        (Term(1, Name("A")), Term(2, Name("B"))),
        (Term(3, Name("C")), Term(1, Name("A"))),
    )
    assert statement.reactants[1].span.text == "2*B"


def test_the_parts_of_a_jump() -> None:
    statement = _only("jump k*x: x -= 1, y = 2")
    changes = (Change(Name("x"), "-=", Number(1, "1")), Change(Name("y"), "=", Number(2, "2")))
    assert isinstance(statement, JumpStatement) and statement.changes == changes


@pytest.mark.parametrize("text", ["end, A => B", "end, A --> B", "time, A --> B", "jump, A --> B"])
def test_rates_may_be_called_like_words_of_the_language(text: str) -> None:
    statement = _only(text)
    assert isinstance(statement, ReactionStatement) and parse(unparse(statement))[0].statements == (
        statement,
    )


MISTAKES = [
    ("A + B --> C", "E161", "A + B --> C", "write the rate, a comma, the reaction: `k, A + B --> C`"),
    ("0 --> A", "E161", "0 --> A", "`k, 0 --> A`"),
    ("A <--> B", "E161", "A <--> B", "`(kf, kr), A <--> B`"),
    ("k, A <--> B", "E161", "k, A <--> B", "`(kf, kr), A <--> B`"),
    ("(a, b), A --> B", "E161", "(a, b), A --> B", "`(kf, kr), A <--> B`"),
    ("k, 2E1 --> C", "E160", "2E1", "write `2*E1`"),
    ("k, A + 3 --> C", "E160", "3", "`3*A`"),
    ("k, A - B --> C", "E160", "B", "join the species of a side with `+`"),
    ("k, A*B --> C", "E160", "A*B", "`A + 2B`"),
    ("k, A' --> C", "E160", "A'", "`A + 2B`"),
    ("k, A^2 --> C", "E160", "A^2", "`A + 2B`"),
    ("k, 0 --> 0", "E160", "k, 0 --> 0", "name a species"),
    ("k, 1.5A --> C", "E162", "1.5", "whole numbers"),
    ("k, 0*A --> C", "E162", "0", "whole numbers"),
    ("k, 2000000A --> C", "E162", "2000000", "whole numbers"),
    ("jump k: x -= 1, x += 2", "E163", "x += 2", "write its change once"),
    ("k1: A + B -> C", "E101", "->", "`k, A + B --> C`"),
]


@pytest.mark.parametrize(("text", "code", "place", "remedy"), MISTAKES)
def test_mistakes_are_told_with_their_place_and_remedy(text: str, code: str, place: str, remedy: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse(text)
    (one,) = caught.value.diagnostics
    assert one.code == code and one.span is not None and one.span.text == place
    assert remedy in (one.help or "")
