"""Whatever is typed: a tree or a ModelError, nothing else, and nothing is run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from symde.diagnostics import ModelError
from symde.language import parse, parse_expression, unparse

MODEL = """model Rober "Robertson" # comment
  param k1 = 0.04 [1/s] in (0, 1) nominal 2 "rate", k2 = 3e7
  state y1 = 1, y2 = 0
  const c = 2; time 0 .. 1e5
  f(a, b) = a*b^-2
  y1(0) = 2
  y1' = -k1*y1 + (f(y1, y2) if y1 < 2 and not y2 >= 1 else 2y2)
  y2'' = c ? 1 : max(y1,
    y2)
  0 = y1 - 3
end
@ode_def X begin
  dα₁ = -α₁/2β
end β
"""
WORDS = ["end", "begin", "model ", "@ode_def", "-->", "==", "{", "}", "when ", "for i in 1:n", "[i]", ".."]
STRANGE = ["\r\n", "\u202e", "−", "²", "é", "\u0301", "1e999", '"', "\\", "\x00", "𝛼"]
PIECES = [*MODEL, *WORDS, *STRANGE]


def answered(text: str) -> None:
    """Parse; an error must render, with every span inside the text."""
    try:
        blocks = parse(text)
    except ModelError as error:
        assert str(error)
        for one in error.diagnostics:
            assert one.span is None or 0 <= one.span.start <= one.span.end <= len(text)
    else:
        assert all(isinstance(unparse(block), str) for block in blocks)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_tree_or_an_error(text: str) -> None:
    answered(text)


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_words_of_the_language_give_a_tree_or_an_error(text: str) -> None:
    answered(text)


@given(st.integers(0, len(MODEL)), st.integers(0, 8), st.sampled_from(["", *PIECES]))
@settings(max_examples=400, deadline=None)
def test_a_changed_model_gives_a_tree_or_an_error(at: int, cut: int, piece: str) -> None:
    answered(MODEL[:at] + piece + MODEL[at + cut :])


@given(st.text(alphabet="ab12.()+-*/^<>=!?:, '\"[]&|if else not and or", max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_expression_gives_a_tree_or_an_error(text: str) -> None:
    try:
        tree = parse_expression(text)
    except ModelError as error:
        assert error.diagnostics
    else:
        assert parse_expression(unparse(tree)) == tree
