"""Do the equations of a model determine its unknowns? What its structure tells, in the modeller's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from symde.diagnostics import Span
from symde.language.syntax import Expr
from symde.model.bipartite import Part, coarse_parts, empty_matching, maximum_matching
from symde.model.draft import DERIVED, Draft, is_reserved, line_of, primes_of
from symde.model.equations import StateDraft
from symde.model.implicit_rows import Reads, base_reads
from symde.model.implicit_states import PENDING, ImplicitSystem
from symde.model.walk import names

MOST_NAMED = 6
"""Names and lines that a message lists; more are counted."""


def check_determined(draft: Draft, system: ImplicitSystem, states: Mapping[str, StateDraft]) -> None:
    """Report equations without unknowns, unknowns that nothing determines, and equations that are too many.

    Every unknown counts once, however often it is differentiated: where each can be given an equation of its
    own, the system can be reduced to index 1 (Pantelides 1988, theorem 3.1).
    """
    if not draft.implicit:
        return
    reads = Reads(draft, base_reads(draft, system))
    explicit = [one for one in draft.equations if one.value is not PENDING]
    unknowns = list(dict.fromkeys([*(one.name for one in explicit), *system.unknowns]))
    place = {name: index for index, name in enumerate(unknowns)}
    values = [states[one.name].derivative if one.value is DERIVED else one.value for one in explicit]
    equations = [(one.span, (value,)) for one, value in zip(explicit, values, strict=True)]
    equations += [(one.span, (one.left, one.right)) for one in draft.implicit]
    spans = [span for span, _ in equations]
    graph: list[list[int]] = []
    for one, value in zip(explicit, values, strict=True):
        graph.append([place[name] for name in dict.fromkeys([one.name, *reads.of(value)])])
    empty = []
    for one in draft.implicit:
        columns = [place[name] for name in reads.of(one.left, one.right)]
        if not columns:
            _refuse_empty(draft, one.span)
            empty.append(len(graph))
        graph.append(columns)
    start = empty_matching(len(graph), len(unknowns))
    for row, one in enumerate(explicit):
        if start.row_of[place[one.name]] < 0:
            start.pair(row, place[one.name])
    matching = maximum_matching(graph, len(unknowns), start)
    if matching.perfect:
        return
    parts = coarse_parts(graph, matching)
    for part in parts.over:
        if not set(part.rows) <= set(empty):
            free = _free_symbol(draft, equations[part.rows[-1]][1])
            _refuse_over(draft, part, spans, unknowns, free)
    if not empty:
        for part in parts.under:
            _refuse_under(draft, part, spans, unknowns, system)


def _refuse_empty(draft: Draft, span: Span | None) -> None:
    draft.found.error(
        "E350",
        "nothing in this equation is unknown",
        span,
        "parameters, constants and time alone",
        "declare what it determines: `state z = guess`, or leave the equation out",
    )


def _free_symbol(draft: Draft, sides: Sequence[Expr]) -> str | None:
    """A symbol that was taken for a parameter and may be meant as an unknown."""
    for name in names(*sides):
        if draft.kind_of(name.id) is None and not is_reserved(name.id) and not primes_of(name.id):
            if draft.block.form == "anonymous" and not any(one.name == name.id for one in draft.equations):
                return name.id
    return None


def _refuse_over(
    draft: Draft, part: Part, spans: Sequence[Span | None], unknowns: Sequence[str], free: str | None
) -> None:
    rows, count = [spans[row] for row in part.rows], len(part.columns)
    of = (
        f"{_counted(count, 'unknown')} {_listed([unknowns[one] for one in part.columns])}"
        if count
        else "no unknown"
    )
    surplus = len(rows) - count
    message = f"too many equations: {len(rows)} for the {of}"
    others = _lines(rows[:-1])
    if free is not None:
        help_text = f"if `{free}` is unknown, declare it: `state {free} = guess`"
    else:
        help_text = f"remove {_counted(surplus, 'equation')}, or let another unknown stand in one of them"
    draft.found.error("E351", message, rows[-1], f"beside {others}" if others else "", help_text)


def _refuse_under(
    draft: Draft, part: Part, spans: Sequence[Span | None], unknowns: Sequence[str], system: ImplicitSystem
) -> None:
    members = [unknowns[one] for one in part.columns]
    blamed = [name for name in members if name in system.unknowns] or members
    rows = [spans[row] for row in part.rows]
    missing = len(members) - len(rows)
    if not rows:
        message, label = f"no equation determines `{members[0]}`", "in no equation that is left for it"
    else:
        given = f"{_counted(len(rows), 'equation')} ({_lines(rows)})"
        message = f"{_counted(len(members), 'unknown')} {_listed(members)} and only {given}"
        label = "not determined"
    where = system.unknowns[blamed[-1]].span if blamed[-1] in system.unknowns else None
    help_text = f"add {_counted(missing, 'equation')} in which {_listed(blamed, ' or ')} stands: `0 = ...`"
    same = [one.span for one in draft.redundant if one.of in rows]
    if same:
        help_text += f"; {_lines(same)} {'say' if len(same) > 1 else 'says'} nothing new"
    draft.found.error("E352", message, where, label, help_text)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"


def _listed(words: Collection[str], between: str = ", ") -> str:
    quoted = [f"`{name}`" for name in words]
    if len(quoted) > MOST_NAMED:
        return between.join(quoted[:MOST_NAMED]) + f" and {len(quoted) - MOST_NAMED} more"
    return between.join(quoted)


def _lines(spans: Sequence[Span | None]) -> str:
    """The lines of equations in words; empty where they come from no text."""
    lines = sorted({line_of(span) for span in spans if span is not None})
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:MOST_NAMED]))
    more = f" and {len(lines) - MOST_NAMED} more" if len(lines) > MOST_NAMED else ""
    return f"line {shown}" if len(lines) == 1 else f"lines {shown}{more}"
