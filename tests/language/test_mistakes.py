"""The table of known mistakes is its own test; and what is said where no entry applies."""

from __future__ import annotations

import pytest

from symde.diagnostics import Diagnostic, ModelError
from symde.language import parse
from symde.language.mistakes import MISTAKES, Mistake


def mistakes_in(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(ModelError) as caught:
        parse(text)
    return caught.value.diagnostics


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.example)
def test_each_known_mistake_is_told_as_its_entry_says(mistake: Mistake) -> None:
    (error,) = mistakes_in(mistake.example)
    assert error.code == mistake.code, str(error)
    assert error.label == mistake.label
    assert error.span is not None and error.span.text == mistake.caret
    if "{" not in mistake.message + mistake.help:
        assert (error.message, error.help) == (mistake.message, mistake.help)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.example)
def test_a_known_mistake_does_not_hide_another(mistake: Mistake) -> None:
    found = mistakes_in(f"a = b c\n{mistake.example}\nd = e f")
    assert {one.code for one in found} == {"E102", mistake.code}
    # After an operator at its end, the last statement belongs to the mistake.
    assert len(found) == (2 if mistake.example.endswith("/") else 3)


GENERAL = [
    ("x' = k x", "E102", "x", "missing operator between `k` and `x`", "`k*x`"),
    ("x' = 2 (x + 1)", "E102", "(", "missing operator between `2` and `(...)`", "`2*(...)`"),
    ("y^", "E103", "", "the statement stops too early", ""),
    ("x' =", "E103", "", "the statement stops too early", ""),
    ("x' = -", "E103", "", "the statement stops too early", ""),
    ("x + 1", "E113", "x + 1", "an expression alone is no statement", "x' = ..."),
    ("x' = (a + b", "E006", "(", "`(` is never closed", "`)`"),
    ("x' = [a", "E006", "[", "`[` is never closed", "`]`"),
    ("x' = a)", "E007", ")", "`)` closes nothing", "remove"),
    ("x' = (a]", "E008", "]", "`]` closes `(` of line 1, column 6", ""),
    ('param k = 1 "rate', "E004", '"rate', "string without end", '`"`'),
    ("parm k = 3", "E107", "parm", "no statement begins with `parm`", "`param`"),
    ("sate x = 3", "E107", "sate", "no statement begins with `sate`", "`state`"),
    ("tim 0 .. 1", "E107", "tim", "no statement begins with `tim`", "`time`"),
    ("species x = 3", "E107", "species", "no statement begins with `species`", "`state`"),
    ("dy/dt = -y", "E106", "dy/dt", "a derivative is not written as a quotient", "`y' = ...`"),
    ("d(y)/dt = -y", "E106", "d(y)/dt", "a derivative is not written as a quotient", "`y' = ...`"),
    ("d(y)^2/dt^2 = -y", "E106", "d(y)^2/dt^2", "a derivative is not written as a quotient", ""),
    ("x'(t) = -x", "E106", "x'(t)", "a derivative takes no arguments", "`x' = ...`"),
    ("f(a, 2) = a", "E120", "2", "arguments of a definition are plain names", ""),
    ("param k' = 3", "E118", "k'", "a parameter has no derivative", ""),
    ("state x = 1 in (0, 1)", "E117", "0, 1", "a state has no bounds", "parameters"),
    ("const c", "E119", "c", "constant `c` has no value", "`const c = ...`"),
    ("", "E111", "", "the text holds no model", ""),
    ("# only a comment", "E111", "", "the text holds no model", ""),
    ("model M\nx' = -x", "E108", "model M", "`end` is missing: `model` of line 1 is never closed", "`end`"),
    ("x' = -x\nend", "E108", "end", "`end` closes nothing", "model NAME"),
    ("model M\nx' = -x\nend k", "E112", "k", "`end` of a `model` takes no names", "`param k`"),
    ("@ode_def M\ndx = -x\nend", "E109", "@ode_def M", "`begin` is missing", "`@ode_def M begin`"),
    ("model M\nx' = 1\nend\ny' = 2", "E110", "y' = 2", "statement outside of the models", ""),
    ("x' = @a", "E101", "@", "unexpected `@`", ""),
    ("x' = a,", "E101", ",", "unexpected `,`", ""),
    ('x\' = a "doc"', "E124", '"', "a string has no place here", ""),
]


@pytest.mark.parametrize("text, code, caret, message, remedy", GENERAL)
def test_other_mistakes_tell_place_reason_and_remedy(
    text: str, code: str, caret: str, message: str, remedy: str
) -> None:
    (error,) = mistakes_in(text)
    assert (error.code, error.message) == (code, message), str(error)
    assert error.span is not None and error.span.text == caret
    assert remedy in (error.help or "")


def test_all_independent_mistakes_are_reported_together_in_order() -> None:
    text = "model M\n  parm k = 1\n  x' = (k*x\n  y' = a b\n  z' = q && r\n  w' = 1e999\nend\n"
    found = mistakes_in(text)
    assert [one.code for one in found] == ["E107", "E006", "E102", "E105", "E401"]
    lines = [one.span.source.position(one.span.start)[0] for one in found if one.span is not None]
    assert lines == [2, 3, 4, 5, 6]


def test_a_model_without_end_does_not_swallow_the_next() -> None:
    found = mistakes_in("model A\nx' = -x\nmodel B\ny' = - * y\nend")
    assert [one.code for one in found] == ["E108", "E101"]


def test_a_mistake_in_the_first_line_leaves_the_model_together() -> None:
    (error,) = mistakes_in('model M y "doc"\nx\' = -x\nend')
    assert error.code == "E101"
