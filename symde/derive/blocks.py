"""Block lower triangular form: the smallest sets of equations that must be solved together, in order."""

from __future__ import annotations

from collections.abc import Iterator

from symde.model.bipartite import FREE, Graph, Matching


def blocks(graph: Graph, matching: Matching) -> list[list[int]]:
    """Rows in blocks, so that a block reads no columns but its own and those of blocks before it.

    Args:
        graph: The columns of each row.
        matching: Which row determines which column; unmatched rows and columns are left out.

    Source: Tarjan (1972), SIAM J. Comput. 1(2), 146-160: the strongly connected components of the graph in
    which a row points to the rows that determine what it reads.
    """
    return list(_Components(graph, matching).run())


class _Components:
    """Tarjan's algorithm with a stack of its own, since chains may be longer than Python recurses."""

    def __init__(self, graph: Graph, matching: Matching):
        self.graph, self.matching = graph, matching
        self.index: dict[int, int] = {}
        self.low: dict[int, int] = {}
        self.stack: list[int] = []
        self.on_stack: set[int] = set()

    def run(self) -> Iterator[list[int]]:
        for row, column in enumerate(self.matching.column_of):
            if column != FREE and row not in self.index:
                yield from self._visit(row)

    def _successors(self, row: int) -> Iterator[int]:
        for column in self.graph[row]:
            other = self.matching.row_of[column]
            if other not in (FREE, row):
                yield other

    def _open(self, row: int) -> tuple[int, Iterator[int]]:
        self.index[row] = self.low[row] = len(self.index)
        self.stack.append(row)
        self.on_stack.add(row)
        return row, self._successors(row)

    def _visit(self, root: int) -> Iterator[list[int]]:
        path = [self._open(root)]
        while path:
            row, successors = path[-1]
            for other in successors:
                if other not in self.index:
                    path.append(self._open(other))
                    break
                if other in self.on_stack:
                    self.low[row] = min(self.low[row], self.index[other])
            else:
                path.pop()
                if path:
                    below = path[-1][0]
                    self.low[below] = min(self.low[below], self.low[row])
                if self.low[row] == self.index[row]:
                    yield self._close(row)

    def _close(self, root: int) -> list[int]:
        component: list[int] = []
        while not component or component[-1] != root:
            component.append(self.stack.pop())
            self.on_stack.discard(component[-1])
        return sorted(component)
