"""Keywords are words only where they stand: everywhere else they are names."""

from __future__ import annotations

import pytest

from symde.language import parse, parse_expression
from symde.language.mistakes import WORDS
from symde.language.syntax import (
    Assignment,
    Derivative,
    FunctionDefinition,
    InitialValue,
    Later,
    Name,
    Number,
    ParameterDeclaration,
    StateDeclaration,
    Sum,
)

INNER = ["if", "else", "and", "or", "in", "for", "nominal", "begin", "stiff", "nonstiff", "not", "parameter"]
ORDINARY = ["gamma", "beta", "lambda", "sum", "I", "E", "S", "N", "Q", "zeta", "class", "D", "d", "exp", "t0"]
NAMES = [*WORDS, *INNER, *ORDINARY]
ONE = Number(1, "1")


@pytest.mark.parametrize("word", NAMES)
def test_a_word_before_an_equals_sign_or_a_prime_is_a_name(word: str) -> None:
    (block,) = parse(f"{word} = 1\n{word}' = 1\n{word}'(t0) = 1\nd{word} = 1\n{word}=1")
    assert block.statements == (
        Assignment(Name(word), ONE),
        Derivative(Name(word), 1, ONE),
        InitialValue(Name(word), 1, Name("t0"), ONE),
        Assignment(Name(f"d{word}"), ONE),
        Assignment(Name(word), ONE),
    )


@pytest.mark.parametrize("word", [one for one in NAMES if one != "D"])
def test_a_word_before_a_bracket_is_a_name(word: str) -> None:
    (block,) = parse(f"{word}(0) = 1\n{word}(a, b) = 1\n{word} (a) = 1")
    assert block.statements == (
        InitialValue(Name(word), 0, Number(0, "0"), ONE),
        FunctionDefinition(Name(word), (Name("a"), Name("b")), ONE),
        FunctionDefinition(Name(word), (Name("a"),), ONE),
    )


@pytest.mark.parametrize("word", NAMES)
def test_a_word_before_an_index_is_a_name(word: str) -> None:
    (block,) = parse(f"{word}[1] = 2")
    assert block.statements == (Later("arrays", "["),)


@pytest.mark.parametrize("word", NAMES)
def test_a_word_is_declared_and_read_as_a_name(word: str) -> None:
    (block,) = parse(f"param {word} = 1\nstate {word}\nx' = a + {word}")
    assert block.statements == (
        ParameterDeclaration(Name(word), ONE),
        StateDeclaration(Name(word)),
        Derivative(Name("x"), 1, Sum((("+", Name("a")), ("+", Name(word))))),
    )
    assert parse_expression(f"{word}*2") == parse_expression(f"({word})*2")


@pytest.mark.parametrize("word", NAMES)
def test_a_word_names_models_and_listed_parameters(word: str) -> None:
    if word == "begin":
        return
    (block,) = parse(f"@ode_def {word} begin\n dx = -{word}\nend {word} a")
    assert block.name == Name(word) and block.parameters == (Name(word), Name("a"))
    (block,) = parse(f"model {word}\n x' = -{word}\nend")
    assert block.name == Name(word)
