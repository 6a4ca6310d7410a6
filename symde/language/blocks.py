"""Statements gathered into models: `model ... end`, `@ode_def ... end`, or one anonymous model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symde.diagnostics import Diagnostics, Source, Span
from symde.language.limits import Limits
from symde.language.parts import Closing, Opening, Parsed
from symde.language.statements import Piece
from symde.language.syntax import Later, ModelBlock, Name, Statement

_HEADS = {"long": "model", "short": "@ode_def"}


@dataclass(slots=True)
class _Assembly:
    source: Source
    found: Diagnostics
    blocks: list[ModelBlock] = field(default_factory=list)
    opening: Opening | None = None
    inside: list[Statement] = field(default_factory=list)
    loose: list[Statement] = field(default_factory=list)
    loose_span: Span | None = None

    def take(self, span: Span, parsed: Parsed | None) -> None:
        if isinstance(parsed, Opening):
            self.begin(parsed)
        elif isinstance(parsed, Closing):
            self.close(parsed)
        elif self.opening is not None:
            self.inside += parsed or ()
        else:
            self.loose += parsed or ()
            self.loose_span = span if self.loose_span is None else self.loose_span.to(span)

    def begin(self, opening: Opening) -> None:
        if self.opening is not None:
            self.missing_end(opening.span)
        self.opening = opening
        if not opening.begun:
            help_text = f"write `{opening.span.text.strip()} begin`"
            self.found.error("E109", "`begin` is missing", opening.span, "nothing begins here", help_text)

    def missing_end(self, where: Span) -> None:
        opening = self.opening
        assert opening is not None
        line, _ = self.source.position(opening.span.start)
        what = f"`{_HEADS[opening.form]}` of line {line}"
        last = "`end`" if opening.form == "long" else "`end` and the names of the parameters"
        self.found.error(
            "E108",
            f"`end` is missing: {what} is never closed",
            opening.span,
            "opened here",
            f"write {last} after it",
        )
        self.finish(None, opening.span.to(where))

    def close(self, closing: Closing) -> None:
        opening = self.opening
        if opening is None:
            help_text = "remove it, or begin with `model NAME`"
            self.found.error("E108", "`end` closes nothing", closing.span, "no model is open", help_text)
            return
        names = closing.names
        if opening.form == "long" and names:
            span = names[0].span.to(names[-1].span) if names[0].span and names[-1].span else closing.span
            listed = ", ".join(name.id for name in names)
            self.found.error(
                "E112",
                "`end` of a `model` takes no names",
                span,
                "parameters?",
                f"declare them: `param {listed}`",
            )
        self.finish(names if opening.form == "short" else None, opening.span.to(closing.span))

    def finish(self, parameters: tuple[Name, ...] | None, span: Span) -> None:
        opening = self.opening
        assert opening is not None
        self.blocks.append(
            ModelBlock(opening.name, opening.doc, opening.form, tuple(self.inside), parameters, span=span)
        )
        self.opening, self.inside = None, []


def assemble(
    source: Source, parts: Sequence[tuple[Piece, Parsed | None]], found: Diagnostics, limits: Limits
) -> tuple[ModelBlock, ...]:
    """The models that the statements make."""
    assembly = _Assembly(source, found)
    for piece, parsed in parts:
        assembly.take(Span(source, piece.start, piece.end), parsed)
        if len(found.found) >= limits.errors:
            return ()
    if assembly.opening is not None:
        assembly.missing_end(Span(source, len(source.text), len(source.text)))
    if not parts:
        nothing = Span(source, 0, 0)
        found.error(
            "E111", "the text holds no model", nothing, "nothing here", "write equations: `x' = -k*x`"
        )
    if assembly.blocks and assembly.loose_span is not None:
        return _with_loose(assembly, found)
    if assembly.loose_span is not None:
        statements = tuple(assembly.loose)
        return (ModelBlock(None, None, "anonymous", statements, None, span=assembly.loose_span),)
    return tuple(assembly.blocks)


def _with_loose(assembly: _Assembly, found: Diagnostics) -> tuple[ModelBlock, ...]:
    """Imports beside models belong to each of them; other statements outside are a mistake."""
    shared = [one for one in assembly.loose if isinstance(one, Later) and one.keyword == "import"]
    for statement in assembly.loose:
        if statement not in shared:
            help_text = "move it before the `end` of its model"
            found.error(
                "E110", "statement outside of the models", statement.span, "belongs to none", help_text
            )
            break
    return tuple(
        ModelBlock(one.name, one.doc, one.form, (*shared, *one.statements), one.parameters, span=one.span)
        for one in assembly.blocks
    )
