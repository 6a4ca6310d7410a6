"""Equations and unknowns as a bipartite graph: what determines what, and which are left over.

A graph is a sequence of rows (equations), each the columns (unknowns) that it reads, most wanted first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

Graph = Sequence[Collection[int]]

FREE = -1
"""In a matching: matched to nothing."""


@dataclass(slots=True)
class Matching:
    """Pairs of rows and columns that are joined.

    Attributes:
        column_of: The column of each row, `FREE` where it has none.
        row_of: The row of each column, `FREE` where it has none.
    """

    column_of: list[int]
    row_of: list[int]

    @property
    def perfect(self) -> bool:
        """Whether every row and every column has its partner."""
        return FREE not in self.column_of and FREE not in self.row_of

    def pair(self, row: int, column: int) -> None:
        """Join a row and a column; former partners are not told."""
        self.column_of[row], self.row_of[column] = column, row


def empty_matching(rows: int, columns: int) -> Matching:
    """No pairs."""
    return Matching([FREE] * rows, [FREE] * columns)


def maximum_matching(graph: Graph, columns: int, start: Matching | None = None) -> Matching:
    """As many pairs as there can be.

    Args:
        graph: The columns of each row.
        columns: Number of columns.
        start: Pairs to begin with; rows and columns that are paired stay so, if maybe with others.
    """
    matching = empty_matching(len(graph), columns) if start is None else start
    for row, wanted in enumerate(graph):
        if matching.column_of[row] == FREE:
            free = next((column for column in wanted if matching.row_of[column] == FREE), None)
            if free is not None:
                matching.pair(row, free)
    for row in range(len(graph)):
        if matching.column_of[row] == FREE:
            augment(graph, row, matching)
    return matching


def augment(graph: Graph, row: int, matching: Matching) -> set[int] | None:
    """Match one more row by an alternating path, breadth first.

    Returns:
        None where that worked; else all rows that were reached, which have too few columns between them.
    """
    came_from: dict[int, int] = {}
    reached = [row]
    for one in reached:
        for column in graph[one]:
            if column in came_from:
                continue
            came_from[column] = one
            if matching.row_of[column] == FREE:
                _switch(column, came_from, matching)
                return None
            reached.append(matching.row_of[column])
    return set(reached)


def _switch(column: int, came_from: dict[int, int], matching: Matching) -> None:
    """Give each row on the path to a free column the column by which it was left."""
    while column != FREE:
        row = came_from[column]
        before = matching.column_of[row]
        matching.pair(row, column)
        column = before


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a graph: rows and columns in rising order."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CoarseParts:
    """What is wrong with the structure of a system of equations.

    Attributes:
        over: Connected parts with more rows than columns.
        under: Connected parts with more columns than rows.
    """

    over: tuple[Part, ...]
    under: tuple[Part, ...]


def coarse_parts(graph: Graph, matching: Matching) -> CoarseParts:
    """The over- and the underdetermined parts of a graph, from a maximum matching.

    Source: Dulmage and Mendelsohn (1958), Canad. J. Math. 10, 517-534; Pothen and Fan (1990), ACM TOMS 16(4).
    """
    readers: list[list[int]] = [[] for _ in matching.row_of]
    for row, columns in enumerate(graph):
        for column in columns:
            readers[column].append(row)
    free_rows = [row for row, column in enumerate(matching.column_of) if column == FREE]
    free_columns = [column for column, row in enumerate(matching.row_of) if row == FREE]
    rows, columns = _alternate(graph, matching.row_of, free_rows)
    over = _components(graph, rows, columns)
    columns, rows = _alternate(readers, matching.column_of, free_columns)
    return CoarseParts(over, _components(graph, rows, columns))


def _alternate(graph: Graph, partner: Sequence[int], start: Iterable[int]) -> tuple[set[int], set[int]]:
    """What paths from one side reach, over any edge and back over pairs: their own side, and the other."""
    own, other = dict.fromkeys(start), set()
    pending = list(own)
    while pending:
        for neighbour in graph[pending.pop()]:
            other.add(neighbour)
            back = partner[neighbour]
            if back != FREE and back not in own:
                own[back] = None
                pending.append(back)
    return set(own), other


def _components(graph: Graph, rows: set[int], columns: set[int]) -> tuple[Part, ...]:
    """The connected parts of a subgraph."""
    group = {("row", row): [("row", row)] for row in rows} | {
        ("column", one): [("column", one)] for one in columns
    }
    for row in rows:
        for column in graph[row]:
            if column in columns:
                first, second = group["row", row], group["column", column]
                if first is second:
                    continue
                if len(first) < len(second):
                    first, second = second, first
                first += second
                for one in second:
                    group[one] = first
    distinct = {id(one): one for one in group.values()}.values()
    parts = [
        Part(
            tuple(sorted(place for side, place in one if side == "row")),
            tuple(sorted(place for side, place in one if side == "column")),
        )
        for one in distinct
    ]
    return tuple(sorted(parts, key=lambda part: (part.rows, part.columns)))
