"""How a mistake is shown."""

from __future__ import annotations

import pytest

from symde.diagnostics import Diagnostic, Diagnostics, ModelError, Source, Span, suggest


def shown(text: str, start: int, end: int, label: str = "here") -> list[str]:
    return Diagnostic("E101", "wrong", Span(Source("f", text), start, end), label).render().split("\n")


def test_a_mistake_is_shown_as_the_style_guide_shows_it() -> None:
    text = "state x = 1\nx' = alpah*x"
    start = text.index("alpah")
    span = Span(Source("lotka.symde", text), start, start + 5)
    label = "not a state, parameter or function"
    one = Diagnostic("E201", "unknown name `alpah`", span, label, "there is a parameter `alpha`")
    assert one.render() == (
        "error[E201]: unknown name `alpah`\n"
        "  --> lotka.symde:2:6\n"
        " 2 | x' = alpah*x\n"
        "   |      ^^^^^ not a state, parameter or function\n"
        "   = help: there is a parameter `alpha`"
    )


def test_the_margin_is_as_wide_as_the_line_number() -> None:
    assert shown("\n" * 99 + "ab", 100, 101)[1:] == ["    --> f:100:2", " 100 | ab", "     |  ^ here"]


@pytest.mark.parametrize(
    "before, marked, indent, caret",
    [
        ("速度 ", "加", "     ", "^^"),
        ("x̂ ", "k", "  ", "^"),
        ("\t", "k", "\t", "^"),
        ("α₁ ", "β₂", "   ", "^^"),
    ],
)
def test_the_caret_stands_under_wide_combined_and_tabbed_text(
    before: str, marked: str, indent: str, caret: str
) -> None:
    lines = shown(before + marked, len(before), len(before) + len(marked))
    assert lines[3] == f"   | {indent}{caret} here"


def test_a_span_over_lines_is_marked_to_the_end_of_its_first() -> None:
    assert shown("ab\ncd", 1, 5)[2:] == [" 1 | ab", "   |  ^ here"]


def test_a_place_after_the_text_has_a_caret() -> None:
    assert shown("ab", 2, 2)[2:] == [" 1 | ab", "   |   ^ here"]


def test_long_lines_are_shown_in_part() -> None:
    lines = shown("a" * 5000 + "b" + "c" * 5000, 5000, 5001)
    assert all(len(line) < 250 for line in lines)
    assert lines[3].index("^") == lines[2].index("b")


def test_characters_that_steer_a_terminal_are_not_shown() -> None:
    assert "\x1b" not in "".join(shown("a\x1b[31mb", 6, 7)) and "\u202e" not in "".join(
        shown("a\u202eb", 2, 3)
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_kind_of_end(end: str) -> None:
    source = Source("f", f"a{end}b{end}{end}c")
    assert source.position(source.text.index("c")) == (4, 1)
    assert [source.line(number) for number in (1, 2, 3, 4)] == ["a", "b", "", "c"]


def test_mistakes_are_raised_together_sorted_by_place() -> None:
    source, found = Source("f", "ab"), Diagnostics()
    found.raise_if_any()
    found.error("E102", "second", Span(source, 1, 2))
    found.error("E101", "first", Span(source, 0, 1), help="so")
    with pytest.raises(ModelError) as caught:
        found.raise_if_any()
    assert [one.message for one in caught.value.diagnostics] == ["first", "second"]
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).index("first") < str(caught.value).index("second")


def test_very_many_mistakes_are_counted_not_shown() -> None:
    error = ModelError(Diagnostic("E101", f"number {i}") for i in range(250))
    assert len(error.diagnostics) == 250 and str(error).endswith("... and 150 more")


@pytest.mark.parametrize(
    "name, candidates, near",
    [
        ("alpah", ["alpha", "beta"], "alpha"),
        ("ALPHA", ["alpha", "beta"], "alpha"),
        ("zzz", ["alpha", "beta"], None),
        ("x", [], None),
        ("q" * 1000, ["q" * 999], None),
    ],
)
def test_the_nearest_name_is_suggested(name: str, candidates: list[str], near: str | None) -> None:
    assert suggest(name, candidates) == near
