"""The grammar itself: no silently resolved conflict, found where it is installed."""

from __future__ import annotations

import re

import pytest

from symde.language import parse
from symde.language.codes import CODES
from symde.language.grammar import grammar_text, parser_and_builder
from symde.language.syntax import Later


def conflicts(text: str) -> str | None:
    """What lark's analysis says in its strict mode, where shift/reduce conflicts are errors too."""
    from lark import Lark
    from lark.exceptions import GrammarError
    from lark.parsers.lalr_analysis import LALR_Analyzer

    try:
        parser = Lark(text, parser="lalr", start=["statement", "expression"])
        LALR_Analyzer(parser.parser.parser_conf, strict=True).compute_lalr()
    except GrammarError as problem:
        return str(problem)
    return None


def test_the_grammar_has_no_lalr_conflict() -> None:
    assert conflicts(grammar_text()) is None


def test_a_conflict_would_be_seen() -> None:
    dangling = 'statement: expression\nexpression: "a" | expression "+" expression\n'
    assert "Shift/Reduce" in (conflicts(dangling) or "")
    ambiguous = 'statement: expression\nexpression: one | two\none: "a"\ntwo: "a"\n'
    assert "Reduce/Reduce" in (conflicts(ambiguous) or "")


def test_no_rule_hides_a_conflict_behind_a_priority() -> None:
    parser, _ = parser_and_builder()
    assert all(not rule.options.priority for rule in parser.rules)


def test_the_grammar_file_is_short_and_commented() -> None:
    lines = grammar_text().splitlines()
    assert len(lines) < 150
    assert sum(line.lstrip().startswith("//") for line in lines) >= 10


def test_every_rule_has_a_method_of_the_builder() -> None:
    parser, builder = parser_and_builder()
    names = {
        rule.alias or rule.origin.name for rule in parser.rules if not rule.options.expand1 or rule.alias
    }
    names = {name for name in names if not name.startswith("_")}
    assert all(callable(getattr(builder, name, None)) for name in names), names


@pytest.mark.parametrize(
    "text, feature",
    [
        ("state U[i] = sin(i/N) for i in 1:N", "arrays"),
        ("dU[i] = U[i-1] - 2U[i] + U[i+1] for i in 2:N-1", "arrays"),
        ("state V[i, j] = 0 for i in 1:N for j in 1:N", "arrays"),
        ("x' = sum(a[j]*x for j in 1:n)", "arrays"),
        ('import "pump.symde"', "imports of other files"),
        ("use Pump as p1(k=2,\n  m=3)", "parts of models (use)"),
        ("y = p1.x + 1", "parts of models (use)"),
    ],
)
def test_statements_of_later_versions_are_recognised(text: str, feature: str) -> None:
    (block,) = parse(f"x' = -x\n{text}\ny' = -y")
    _, statement, _ = block.statements
    assert isinstance(statement, Later) and statement.feature == feature
    assert statement.span is not None and statement.span.text == text


def test_every_code_in_the_sources_is_in_the_table() -> None:
    import symde.language

    used: set[str] = set()
    for place in symde.language.__path__:
        from pathlib import Path

        for file in Path(place).glob("*.py"):
            if file.name != "codes.py":
                used |= set(re.findall(r'"(E\d{3})"', file.read_text(encoding="utf-8")))
    assert used <= set(CODES)
    assert {code for code in CODES if code[1] in "014"} <= used
