"""No input, however long or deep, crashes, hangs or is read beyond its bounds."""

from __future__ import annotations

import pytest

from symde.diagnostics import ModelError
from symde.language import Limits, parse, parse_expression
from symde.language.syntax import Sum

MANY = 100_000


def only_code(text: str, limits: Limits | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        parse(text, limits=limits)
    (error,) = caught.value.diagnostics
    return error.code


@pytest.mark.parametrize(
    "text",
    [
        "x' = " + "(" * MANY + "x" + ")" * MANY,
        "x' = " + "(" * MANY,
        "x' = " + "f(" * MANY,
        "when x {" * MANY,
        "x' = " + "-" * MANY + "x",
        "x' = " + "- " * MANY + "x",
        "x' = " + "not " * MANY + "x",
        "x' = " + "x^" * MANY + "x",
        "x' = " + "x**" * MANY + "x",
        "x' = " + "x if x else " * MANY + "x",
        "x' = " + "x ? x : " * MANY + "x",
    ],
    ids=lambda text: text[:20],
)
def test_deep_texts_are_refused(text: str) -> None:
    assert only_code(text) == "E402"


def test_nesting_up_to_the_limit_is_read() -> None:
    parse_expression("(" * 200 + "x" + ")" * 200)
    parse_expression("-" * 200 + "x")
    parse_expression("x^" * 200 + "x")
    for text in (
        "(" * 201 + "x" + ")" * 201,
        "-" * 201 + "x",
        "x^" * 201 + "x",
        "-(" * 150 + "x" + ")" * 150,
    ):
        if text.startswith("-("):
            parse_expression(text)
        else:
            with pytest.raises(ModelError, match="deeper than 200"):
                parse_expression(text)


def test_flat_sums_and_products_are_no_nesting() -> None:
    tree = parse_expression("+".join(["a*b"] * 20_000))
    assert isinstance(tree, Sum) and len(tree.terms) == 20_000
    parse_expression("*".join(["a"] * 20_000))
    parse_expression(" and ".join(["a < b"] * 5_000))
    parse_expression("f(" + ",".join(["a"] * 20_000) + ")")


def test_long_texts_are_refused_at_once() -> None:
    assert only_code("x' = -x\n" * 1_300_000) == "E403"
    assert only_code("x' = -x\n", Limits(characters=5)) == "E403"


def test_numbers_stay_in_the_range_of_float64() -> None:
    assert only_code("x' = 1e999") == "E401"
    assert only_code("x' = " + "9" * 400) == "E401"
    assert only_code("x' = " + "9" * 100_000) == "E401"
    assert only_code("param k = 0." + "0" * 400 + "1") == "E401"
    parse_expression("1.7976931348623157e308 + 5e-324 + 0e999")


def test_power_towers_are_not_evaluated() -> None:
    parse_expression("9**9**9**9**9")


def test_reading_stops_at_too_many_mistakes() -> None:
    for text in ("a b\n" * 1000, "x = (a\n" * 1000, "a)\n" * 1000, "end\n" * 1000):
        with pytest.raises(ModelError) as caught:
            parse(text, limits=Limits(errors=10))
        assert 10 <= len(caught.value.diagnostics) <= 11


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "8"])
def test_limits_are_positive_whole_numbers(wrong: object) -> None:
    with pytest.raises(ValueError, match="Limits.nesting"):
        Limits(nesting=wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "text",
    [
        '"' * 99_999,
        "'" * MANY,
        "x" + "'" * MANY + " = 1 2",
        "=" * MANY,
        "x = " + "?" * MANY,
        "x = " + "," * MANY,
        "x = a " + "end " * 20_000,
        "x = " + " " * MANY + "a b",
        "x = (" + "\n" * MANY,
        "param k = 3 " + "'a' " * 20_000,
        'param k = "' + "\\" * MANY,
        "time " + "(a" * 199,
        "x = " + "a." * MANY,
        "\u0301" * MANY,
        "−" * MANY,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_long_nonsense_is_answered(text: str) -> None:
    with pytest.raises(ModelError):
        parse(text)
