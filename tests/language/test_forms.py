"""Models as texts: short, long, anonymous, several in a file."""

from __future__ import annotations

import pickle

import pytest

from symde.diagnostics import ModelError
from symde.language import parse, parse_expression
from symde.language.syntax import Assignment, Later, Name, Number, ParameterDeclaration, StateDeclaration

ROBER = """@ode_def Rober begin
  dy₁ = -k₁*y₁+k₃*y₂*y₃
  dy₂ =  k₁*y₁-k₂*y₂^2-k₃*y₂*y₃
  dy₃ =  k₂*y₂^2
end k₁ k₂ k₃
"""


def test_the_short_form_is_read_to_the_letter() -> None:
    (block,) = parse(ROBER)
    assert (block.form, block.name) == ("short", Name("Rober"))
    assert [one.target.id for one in block.statements if isinstance(one, Assignment)] == ["dy₁", "dy₂", "dy₃"]
    assert block.parameters == (Name("k₁"), Name("k₂"), Name("k₃"))
    assert block.span is not None and block.span.text == ROBER.strip()


@pytest.mark.parametrize(
    "text",
    [
        " ".join(ROBER.replace("₃\n", "₃;").split()),
        ROBER.replace("@ode_def", "rober = @ode_def"),
        ROBER.replace("@ode_def", "@ode_def_bare"),
        ROBER.replace("@ode_def", "@ode_def_all"),
        ROBER.replace("k₁ k₂ k₃", "k₁, k₂, k₃"),
        "# Robertson\n\n" + ROBER.replace("\n", "\r\n"),
    ],
)
def test_spellings_of_the_short_form_are_one_model(text: str) -> None:
    assert parse(text) == parse(ROBER)


def test_the_short_form_may_have_no_name_and_no_parameters() -> None:
    (block,) = parse("@ode_def begin\ndx = -x\nend")
    assert block.name is None and block.parameters == ()


def test_the_long_form_declares() -> None:
    (block,) = parse('model M "doc"\n  param a = 1, b\n  state x = 2 [m] "height"\n  x\' = -a*x\nend')
    assert (block.form, block.name, block.doc, block.parameters) == ("long", Name("M"), "doc", None)
    assert block.statements[:3] == (
        ParameterDeclaration(Name("a"), Number(1, "1")),
        ParameterDeclaration(Name("b")),
        StateDeclaration(Name("x"), Number(2, "2"), "m", None, "height"),
    )


def test_a_text_holds_several_models_and_imports_belong_to_each() -> None:
    first, second = parse('import "x.symde"\nmodel A\nx\' = 1\nend\n@ode_def B begin\ndy = 1\nend')
    assert (first.name, second.name) == (Name("A"), Name("B"))
    assert isinstance(first.statements[0], Later) and isinstance(second.statements[0], Later)


def test_end_after_an_expression_closes_the_model() -> None:
    (block,) = parse("@ode_def begin dx = -end*x + end end end")
    assert block.parameters == (Name("end"),) and len(block.statements) == 1


def test_statements_without_frame_are_one_anonymous_model() -> None:
    (block,) = parse("x' = -k*x\ny = 2x")
    assert (block.form, block.name, block.parameters) == ("anonymous", None, None)


def test_spans_point_at_what_was_written() -> None:
    (block,) = parse("x' = (a + b)*c^2")
    value = block.statements[0].value  # pyright: ignore[reportAttributeAccessIssue]
    assert value.span.text == "(a + b)*c^2"
    assert value.factors[0][1].span.text == "a + b"
    assert value.factors[1][1].span.text == "c^2"


def test_file_names_stand_in_errors() -> None:
    with pytest.raises(ModelError, match=r"--> rober.symde:2:8"):
        parse("x' = 1\ny' = k y", filename="rober.symde")


def test_errors_survive_pickling() -> None:
    with pytest.raises(ModelError) as caught:
        parse("y' = k y")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)


@pytest.mark.parametrize("wrong", [None, 3, b"x' = 1", ["x"]])
def test_only_text_is_parsed(wrong: object) -> None:
    with pytest.raises(TypeError, match="str"):
        parse(wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="str"):
        parse_expression(wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("text", ["", "a\nb", "a = b", "k, A", "U[1]"])
def test_an_expression_is_one_expression(text: str) -> None:
    with pytest.raises(ModelError):
        parse_expression(text)
