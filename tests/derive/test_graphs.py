"""Matchings, coarse parts and blocks against definitions that can be checked by enumeration."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from symde.derive.blocks import blocks
from symde.model.bipartite import FREE, coarse_parts, maximum_matching

SIZE = 5
GRAPHS = st.integers(1, SIZE).flatmap(
    lambda columns: st.tuples(
        st.just(columns),
        st.lists(st.lists(st.integers(0, columns - 1), unique=True), min_size=1, max_size=SIZE),
    )
)
FEW = settings(max_examples=300, deadline=None)


def largest(graph, columns):
    """The size of the largest matching, by trying all."""
    rows = len(graph)
    side = max(rows, columns)
    return max(
        sum(row < rows and order[row] in graph[row] for row in range(side))
        for order in permutations(range(side))
    )


@FEW
@given(GRAPHS)
def test_a_matching_is_as_large_as_any(case):
    columns, graph = case
    matching = maximum_matching(graph, columns)
    pairs = [(row, column) for row, column in enumerate(matching.column_of) if column != FREE]
    assert all(column in graph[row] and matching.row_of[column] == row for row, column in pairs)
    assert len(pairs) == largest(graph, columns) == sum(row != FREE for row in matching.row_of)


@FEW
@given(GRAPHS)
def test_the_overdetermined_part_has_too_few_columns_and_the_rest_can_be_matched(case):
    columns, graph = case
    matching = maximum_matching(graph, columns)
    parts = coarse_parts(graph, matching)
    for part in parts.over:
        assert len(part.rows) > len(part.columns)
        assert {column for row in part.rows for column in graph[row]} == set(part.columns)
    for part in parts.under:
        assert len(part.columns) > len(part.rows)
        readers = {row for row, read in enumerate(graph) if set(read) & set(part.columns)}
        assert readers == set(part.rows)
    surplus = sum(len(part.rows) - len(part.columns) for part in parts.over)
    missing = sum(len(part.columns) - len(part.rows) for part in parts.under)
    assert surplus == matching.column_of.count(FREE) and missing == matching.row_of.count(FREE)


@FEW
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(
    st.just(n), st.permutations(range(n)), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))
)))  # fmt: skip
def test_blocks_read_nothing_of_later_blocks_and_cannot_be_split(case):
    n, diagonal, extra = case
    graph = [sorted({diagonal[row]} | {b for a, b in extra if a == row}) for row in range(n)]
    matching = maximum_matching(graph, n)
    assert matching.perfect
    found = blocks(graph, matching)
    assert sorted(row for block in found for row in block) == list(range(n))
    solved: set[int] = set()
    for block in found:
        solved |= {matching.column_of[row] for row in block}
        assert {column for row in block for column in graph[row]} <= solved
        assert all(_reaches(graph, matching, a, b) for a in block for b in block)


def _reaches(graph, matching, start, goal):
    seen, pending = {start}, [start]
    while pending:
        for column in graph[pending.pop()]:
            row = matching.row_of[column]
            if row not in seen:
                seen.add(row)
                pending.append(row)
    return goal in seen
