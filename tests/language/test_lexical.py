"""The lexical rules of the language, line by line."""

from __future__ import annotations

import unicodedata

import pytest

from symde.diagnostics import ModelError
from symde.language import parse, parse_expression
from symde.language.syntax import (
    Assignment,
    Call,
    Conditional,
    Derivative,
    Expr,
    Implicit,
    Name,
    Negate,
    Number,
    ParameterDeclaration,
    Power,
    Product,
    Sum,
    TimeSpan,
)


def n(value: int | float, text: str | None = None) -> Number:
    return Number(value, text if text is not None else str(value))


def implicit(value: Number, other: Expr) -> Product:
    return Product((("*", value), ("*", other)), implicit=True)


def targets(text: str) -> list[str]:
    (block,) = parse(text)
    return [one.target.id for one in block.statements if isinstance(one, Assignment | Derivative)]


def codes(text: str) -> list[str]:
    with pytest.raises(ModelError) as caught:
        parse(text)
    return [one.code for one in caught.value.diagnostics]


x, y, a, b, c = (Name(one) for one in "xyabc")


@pytest.mark.parametrize(
    "text, tree",
    [
        ("2x", implicit(n(2), x)),
        ("0.1u", implicit(n(0.1), Name("u"))),
        ("1/2x", Product((("*", n(1)), ("/", implicit(n(2), x))))),
        ("2x^2", implicit(n(2), Power(x, n(2)))),
        ("2(x+1)", implicit(n(2), Sum((("+", x), ("+", n(1)))))),
        ("2sin(x)", implicit(n(2), Call("sin", (x,)))),
        ("2e3", n(2000.0, "2e3")),
        ("2e3x", implicit(n(2000.0, "2e3"), x)),
        ("2e", implicit(n(2), Name("e"))),
        ("2exp(x)", implicit(n(2), Call("exp", (x,)))),
        ("1.5", n(1.5)),
        (".5", n(0.5, ".5")),
        ("2.", n(2.0, "2.")),
        ("x^-1", Power(x, Negate(n(1)))),
        ("x**-y^2", Power(x, Negate(Power(y, n(2))))),
        ("-x^2", Negate(Power(x, n(2)))),
        ("a^b^c", Power(a, Power(b, c))),
        ("a**b^c", Power(a, Power(b, c))),
        ("-a*b", Product((("*", Negate(a)), ("*", b)))),
        ("a - b + c", Sum((("+", a), ("-", b), ("+", c)))),
        ("a - (b + c)", Sum((("+", a), ("-", Sum((("+", b), ("+", c))))))),
        ("a/b/c", Product((("*", a), ("/", b), ("/", c)))),
        ("a/(b*c)", Product((("*", a), ("/", Product((("*", b), ("*", c))))))),
        ("a if b else c", Conditional(b, a, c)),
        ("b ? a : c", Conditional(b, a, c)),
        ("a ? b : c ? x : y", Conditional(a, b, Conditional(c, x, y))),
        ("sin (x)", Call("sin", (x,))),
        ("+x", x),
    ],
)
def test_expressions_group_as_the_rules_say(text: str, tree: Expr) -> None:
    assert parse_expression(text) == tree


def test_a_range_is_not_a_number_with_a_point() -> None:
    for text in ("time 0..1", "time 0 .. 1", "time 0. .. 1"):
        (block,) = parse(text)
        (span,) = block.statements
        assert isinstance(span, TimeSpan)
        assert isinstance(span.start, Number) and span.start.value == 0
        assert span.end == n(1)


@pytest.mark.parametrize(
    "text", ["k x", "2 x", "2 3", "(a)(b)", "(a)2", "(a)b", "x 2", "1.5.2", "2x y", "f(x)y"]
)
def test_anything_else_side_by_side_is_an_error_that_offers_a_product(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_expression(text)
    (error,) = caught.value.diagnostics
    assert error.code == "E102" and "*" in (error.help or "")


def test_statements_end_at_newlines_and_semicolons() -> None:
    assert targets("x = 1; y = 2\nz = 3\r\nu = 4\rv = 5;;\n") == ["x", "y", "z", "u", "v"]


@pytest.mark.parametrize(
    "text",
    ["x = a +\n  b\ny = 1", "x = min(a,\n b)\ny = 1", "x = (a\n + b)\ny = 1", "x = a + # why\n\n b\ny = 1",
     "x =\n a\ny = 1", "x = a if b < 1 and\n c < 2 else\n 3\ny = 1", "x = b < 1 ?\n a :\n c\ny = 1"],
)  # fmt: skip
def test_statements_go_on_after_operators_commas_and_inside_brackets(text: str) -> None:
    assert targets(text) == ["x", "y"]


def test_indentation_means_nothing() -> None:
    assert parse("      x' = -x\n\ty' = -y") == parse("x' = -x\ny' = -y")


def test_comments_are_left_out_and_may_hold_anything() -> None:
    assert parse("# a ( b \"\nx' = -x # (]} ' \" − ∂") == parse("x' = -x")


def test_names_take_letters_of_any_alphabet_and_subscripts() -> None:
    names = ["α", "β₁", "y₁", "_k", "температура", "速度", "x1", "ẋ", "N₁₂", "ʰx", "𝛼", "ñ"]
    assert targets("\n".join(f"{name} = 1" for name in names)) == names


def test_names_are_composed_but_never_folded() -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    assert targets(f"{decomposed} = 1\né = 1") == ["é", "é"]
    assert targets("y₁ = 1\ny1 = 1") == ["y₁", "y1"]
    assert targets("ﬁ = 1") == ["ﬁ"]  # NFKC would give `fi`
    assert targets("x̂ = 1\nx̂' = 2") == ["x̂", "x̂"]  # no composed form exists


def test_combining_marks_alone_are_no_names() -> None:
    assert codes("x = 2\u0302x") == ["E001"]


def test_primes_belong_to_the_name() -> None:
    (block,) = parse("x'' = -x'")
    (statement,) = block.statements
    assert statement == Derivative(x, 2, Negate(Name("x'")))
    assert statement.target.span is not None and statement.target.span.text == "x"


def test_units_stand_after_a_space() -> None:
    (block,) = parse('param k = 2 [1/s] in (0, 10) nominal 3 "rate", m [kg], s')
    assert block.statements[0] == ParameterDeclaration(Name("k"), n(2), "1/s", (n(0), n(10)), n(3), "rate")
    assert block.statements[1] == ParameterDeclaration(Name("m"), unit="kg")
    assert codes("param k = 2[1/s]") == ["E115"]
    assert codes("x' = 2 [1/s]*x") == ["E115"]


def test_properties_come_in_any_order_once() -> None:
    assert parse('param k = 1 "doc" nominal 2 [s]') == parse('param k = 1 [s] nominal 2 "doc"')
    assert codes("param k = 1 [s] [s]") == ["E116"]


def test_strings_know_escapes() -> None:
    (block,) = parse(r'model M "a \"b\" \\ c\nd"' + "\nx' = 1\nend")
    assert block.doc == 'a "b" \\ c\nd'


def test_a_name_or_call_in_brackets_is_an_implicit_equation() -> None:
    (block,) = parse("(x) = 1\n0 = x\nC*(x' - y') = i")
    assert all(isinstance(one, Implicit) for one in block.statements)


@pytest.mark.parametrize(
    "text, code",
    [
        ("x' = a − b", "E002"),
        ("x' = a × b", "E002"),
        ("x' = a·b", "E002"),
        ("x’ = a", "E002"),
        ("x' = x²", "E002"),
        ("param k = 1 “rate”", "E002"),
        ("x' = ∂", "E001"),
        ("x' = ½", "E001"),
        ("x' = \x00", "E003"),
        ("x' = a\u202eb", "E003"),
        ("x' = a # \u202e", "E003"),
        ('param k = 1 "\u2066"', "E003"),
        ("x' = a\u200bb", "E003"),
        ("x' = a\u2028y' = b", "E003"),
        ("x' = a\ud800", "E003"),
        ("x' = \ufeffa", "E003"),
        ("x' = 1_000*x", "E005"),
        ("x' = 0x1F*x", "E005"),
        ("x' = 1e999", "E401"),
        ("x' = 1e-999", "E401"),
        ("x' = " + "9" * 2000, "E401"),
    ],
)
def test_strange_characters_and_numbers_have_an_answer(text: str, code: str) -> None:
    found = codes(text)
    assert found[0] == code and len(found) <= 2


def test_look_alikes_are_reported_once_and_the_rest_is_read_on() -> None:
    assert codes("x' = a − b − c\ny' = (") == ["E002", "E006"]


def test_blanks_of_all_kinds_are_blanks() -> None:
    assert parse("\ufeffx'\u00a0=\u2003-x\t+\f1") == parse("x' = -x + 1")


def test_other_texts_may_stand_in_strings_and_comments() -> None:
    (block,) = parse('param k = 1 "“k” − 2·10² ½" # ∂ − “')
    assert block.statements[0] == ParameterDeclaration(Name("k"), n(1), doc="“k” − 2·10² ½")
