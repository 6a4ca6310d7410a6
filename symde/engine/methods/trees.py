"""Rooted trees and the order conditions they state.

A tree is the tuple of its root's subtrees; the empty tuple is the tree of one vertex.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.2, Theorem
2.13; for Rosenbrock methods E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.7,
Theorem 7.4.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Tree = tuple[Any, ...]


MOST_VERTICES = 14
"""Larger trees are not written out: there are 87,811 of 14 vertices, and three times as many of each next."""


def trees_up_to(order: int) -> list[Tree]:
    """All rooted trees up to an order, smaller ones first.

    Raises:
        ValueError: the order is below 1, or so high that its trees are too many.
    """
    if not 1 <= order <= MOST_VERTICES:
        raise ValueError(f"order {order}: order conditions are proved for the orders 1 to {MOST_VERTICES}")
    return [tree for size in range(1, order + 1) for tree in trees(size)]


@functools.cache
def trees(order: int) -> tuple[Tree, ...]:
    """All rooted trees with that many vertices, each once."""
    return tuple(_forests(order - 1, order - 1))


@functools.cache
def _forests(vertices: int, largest: int, first: int = 0) -> tuple[Tree, ...]:
    """Multisets of trees of that many vertices together; `first` is where to begin among the largest."""
    if vertices == 0:
        return ((),)
    found: list[Tree] = []
    for size in range(min(largest, vertices), 0, -1):
        for index, tree in enumerate(trees(size)):
            if size == largest and index < first:
                continue
            found.extend((tree, *rest) for rest in _forests(vertices - size, size, index))
    return tuple(found)


@functools.cache
def vertices(tree: Tree) -> int:
    """The order of the condition that a tree states."""
    return 1 + sum(map(vertices, tree))


@functools.cache
def density(tree: Tree) -> int:
    """The product over all vertices of the number of vertices above and at each: gamma(t)."""
    return vertices(tree) * math.prod(map(density, tree))


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """Order conditions: weights b are of order p where `vectors @ b == targets` for all orders up to p.

    Attributes:
        orders: vertices of each tree, (trees,).
        vectors: each tree's product of stage sums, trees x stages.
        targets: 1 / density of each tree, (trees,).
        magnitudes: as vectors, with all coefficients positive: what rounding is to be compared with.
    """

    orders: np.ndarray
    vectors: np.ndarray
    targets: np.ndarray
    magnitudes: np.ndarray


def conditions(order: int, wide: np.ndarray, narrow: np.ndarray | None = None) -> Conditions:
    """The conditions of all trees up to an order.

    Args:
        order: of the largest trees.
        wide: coefficients a_ij with which a vertex of several branches sums over them, stages x stages.
        narrow: coefficients for a vertex of one branch; in Rosenbrock methods these are a_ij + gamma_ij.
    """
    narrow = wide if narrow is None else narrow
    every = trees_up_to(order)
    values = _stage_vectors(every, wide, narrow)
    magnitudes = _stage_vectors(every, np.abs(wide), np.abs(narrow))
    return Conditions(
        np.array([vertices(tree) for tree in every]),
        np.array([values[tree] for tree in every]),
        np.array([1 / density(tree) for tree in every]),
        np.array([magnitudes[tree] for tree in every]),
    )


def coupled_conditions(order: int, parts: Sequence[np.ndarray]) -> Conditions:
    """The conditions of an additive method whose parts share their weights: all trees up to an order, with
    every vertex but the root in one of the parts.

    Source: C. A. Kennedy, M. H. Carpenter, Additive Runge-Kutta schemes for convection-diffusion-reaction
    equations, Applied Numerical Mathematics 44 (2003), section 2.1.

    Args:
        order: of the largest trees.
        parts: the coefficients of each part, each stages x stages.
    """
    every = trees_up_to(order)
    values = _coloured_vectors(every, parts)
    magnitudes = _coloured_vectors(every, [np.abs(part) for part in parts])
    coloured = [tree for tree in every for _ in values[tree]]
    return Conditions(
        np.array([vertices(tree) for tree in coloured]),
        np.array([vector for tree in every for vector in values[tree]]),
        np.array([1 / density(tree) for tree in coloured]),
        np.array([vector for tree in every for vector in magnitudes[tree]]),
    )


def _coloured_vectors(every: list[Tree], parts: Sequence[np.ndarray]) -> dict[Tree, list[np.ndarray]]:
    """The stage vectors of each tree, one for every way to share its vertices out; smaller trees first."""
    vectors: dict[Tree, list[np.ndarray]] = {}
    for tree in every:
        products = [np.ones(len(parts[0]))]
        for branch in tree:
            sums = [part @ vector for part in parts for vector in vectors[branch]]
            products = [product * one for product in products for one in sums]
        vectors[tree] = products
    return vectors


def _stage_vectors(every: list[Tree], wide: np.ndarray, narrow: np.ndarray) -> dict[Tree, np.ndarray]:
    """prod over branches of sum_j a_ij vector_j(branch), for each tree; smaller trees come first."""
    vectors: dict[Tree, np.ndarray] = {(): np.ones(len(wide), dtype=wide.dtype)}
    sums: dict[Tree, np.ndarray] = {}
    for tree in every[1:]:
        if len(tree) == 1:
            vectors[tree] = narrow @ vectors[tree[0]]
            continue
        product = None
        for branch in tree:
            if branch not in sums:
                sums[branch] = wide @ vectors[branch]
            product = sums[branch] if product is None else product * sums[branch]
        vectors[tree] = product  # type: ignore[assignment]
    return vectors
