"""Special Nystrom trees and the order conditions they state for y'' = f(t, y).

A tree stands for an elementary differential of f: the pair (leaves, branches) of how many times f is
differentiated along y', and of the trees whose second derivatives it is differentiated along.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.14, Theorem
14.13 and the remarks on velocity-free equations that follow it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Tree = tuple[int, tuple[Any, ...]]

MOST_ORDER = 16
"""Trees of higher orders are not written out: each order has more than twice as many as the one before."""


@functools.cache
def trees(order: int) -> tuple[Tree, ...]:
    """All trees whose term comes with h^order in y', each once."""
    found = []
    for leaves in range(order):
        found += [(leaves, forest) for forest in _forests(order - 1 - leaves, order - 2)]
    return tuple(found)


@functools.cache
def _forests(size: int, largest: int, first: int = 0) -> tuple[tuple[Tree, ...], ...]:
    """Multisets of trees that take `size` together, each one more than its order."""
    if size == 0:
        return ((),)
    found: list[tuple[Tree, ...]] = []
    for order in range(min(largest, size - 1), 0, -1):
        for index, tree in enumerate(trees(order)):
            if order == largest and index < first:
                continue
            found.extend((tree, *rest) for rest in _forests(size - order - 1, order, index))
    return tuple(found)


@functools.cache
def order_of(tree: Tree) -> int:
    """The power of h of the tree's term in y'."""
    return 1 + tree[0] + sum(order_of(branch) + 1 for branch in tree[1])


@functools.cache
def divisor(tree: Tree) -> int:
    """The term of the tree in y'' of the exact solution is h^(order - 1) divided by this."""
    return math.prod(order_of(branch) * (order_of(branch) + 1) * divisor(branch) for branch in tree[1])


@dataclass(frozen=True, slots=True, eq=False)
class NystromConditions:
    """Order conditions: weights of y' are of order p where `vectors @ b == 1/(order divisor)` for all trees
    up to p, weights of y where `vectors @ b == 1/(order (order + 1) divisor)` for all trees up to p - 1.

    Attributes:
        orders: of each tree, (trees,).
        vectors: each tree's product of stage sums, trees x stages.
        divisors: (trees,).
        magnitudes: as vectors, with all coefficients positive.
    """

    orders: np.ndarray
    vectors: np.ndarray
    divisors: np.ndarray
    magnitudes: np.ndarray


def nystrom_conditions(order: int, a: np.ndarray, c: np.ndarray) -> NystromConditions:
    """The conditions of all trees up to an order.

    Raises:
        ValueError: the order is below 1, or so high that its trees are too many.
    """
    if not 1 <= order <= MOST_ORDER:
        raise ValueError(f"order {order}: order conditions are proved for the orders 1 to {MOST_ORDER}")
    every = [tree for size in range(1, order + 1) for tree in trees(size)]
    values, magnitudes = _vectors(every, a, c), _vectors(every, np.abs(a), np.abs(c))
    return NystromConditions(
        np.array([order_of(tree) for tree in every]),
        np.array([values[tree] for tree in every]),
        np.array([float(divisor(tree)) for tree in every]),
        np.array([magnitudes[tree] for tree in every]),
    )


def _vectors(every: list[Tree], a: np.ndarray, c: np.ndarray) -> dict[Tree, np.ndarray]:
    """c^leaves prod over branches of sum_j a_ij vector_j(branch), for each tree; smaller trees come first."""
    vectors: dict[Tree, np.ndarray] = {}
    sums: dict[Tree, np.ndarray] = {}
    for leaves, branches in every:
        product = c**leaves
        for branch in branches:
            if branch not in sums:
                sums[branch] = a @ vectors[branch]
            product = product * sums[branch]
        vectors[leaves, branches] = product
    return vectors
