"""Rooted trees and the conditions they put on a method's coefficients.

A tree is the sorted tuple of the trees that hang from its root; () is the single vertex.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.2, theorem
2.13; for Rosenbrock methods E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.7,
theorem 7.6.
"""

from __future__ import annotations

import functools

import numpy as np

Tree = tuple["Tree", ...]


def order(tree: Tree) -> int:
    """Number of vertices."""
    return 1 + sum(map(order, tree))


def density(tree: Tree) -> int:
    """The tree's gamma: its order times the densities of its branches."""
    result = order(tree)
    for branch in tree:
        result *= density(branch)
    return result


@functools.cache
def trees(vertices: int) -> tuple[Tree, ...]:
    """All rooted trees of so many vertices: each comes from a smaller one by one leaf more."""
    if vertices == 1:
        return ((),)
    return tuple(sorted({grown for tree in trees(vertices - 1) for grown in _with_leaf(tree)}))


def _with_leaf(tree: Tree) -> list[Tree]:
    grown = [tuple(sorted((*tree, ())))]
    for i, branch in enumerate(tree):
        grown += [tuple(sorted((*tree[:i], other, *tree[i + 1 :]))) for other in _with_leaf(branch)]
    return grown


def stage_weights(tree: Tree, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The elementary weight of the tree at each stage; a vertex with one branch takes beta, others alpha."""
    product = np.ones(len(alpha), dtype=alpha.dtype)
    for branch in tree:
        product = product * ((beta if len(tree) == 1 else alpha) @ stage_weights(branch, alpha, beta))
    return product
