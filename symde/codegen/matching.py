"""Which row gives the pivot of which column: a static factorisation cannot choose while it runs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

Costs = Sequence[Mapping[int, float]]
"""For each row: column -> cost of a pivot there, at least 0."""


def cheapest_matching(costs: Costs) -> list[int] | None:
    """The row matched to each column, of least total cost; None where no matching covers every column.

    With the cost log(largest of the column / entry) the product of the pivots is as large as it can be.
    Shortest augmenting paths with reduced costs, one search for each row not yet matched.

    Source: Duff and Koster (2001), SIAM J. Matrix Anal. Appl. 22(4), algorithm MPD.
    """
    n = len(costs)
    row_of: list[int] = [-1] * n
    column_of: list[int] = [-1] * n
    row_price, column_price = [0.0] * n, [0.0] * n
    for row, entries in enumerate(costs):
        row_price[row] = min(entries.values(), default=0.0)
    for row, entries in enumerate(costs):
        for column, cost in entries.items():
            if row_of[column] < 0 and cost == row_price[row]:
                row_of[column], column_of[row] = row, column
                break
    for row in range(n):
        if column_of[row] < 0 and not _augment(costs, row, row_of, column_of, row_price, column_price):
            return None
    return row_of


def _augment(
    costs: Costs,
    start: int,
    row_of: list[int],
    column_of: list[int],
    row_price: list[float],
    column_price: list[float],
) -> bool:
    """Matches one more row along the cheapest path to a free column (Dijkstra), and updates the prices."""
    distance: dict[int, float] = {}
    came_from: dict[int, int] = {}
    done: dict[int, float] = {}
    queue: list[tuple[float, int]] = []
    row, length, free = start, 0.0, -1
    while True:
        for column, cost in costs[row].items():
            if column not in done:
                there = length + cost - row_price[row] - column_price[column]
                if there < distance.get(column, float("inf")):
                    distance[column], came_from[column] = there, row
                    heapq.heappush(queue, (there, column))
        while queue and queue[0][1] in done:
            heapq.heappop(queue)
        if not queue:
            return False
        length, column = heapq.heappop(queue)
        done[column] = length
        if row_of[column] < 0:
            free = column
            break
        row = row_of[column]
    row_price[start] += length
    for column, reached in done.items():
        column_price[column] -= length - reached
        if column != free:
            row_price[row_of[column]] += length - reached
    while free >= 0:
        row = came_from[free]
        row_of[free] = row
        column_of[row], free = free, column_of[row]
    return True
