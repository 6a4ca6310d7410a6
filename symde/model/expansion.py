"""How large a model becomes when its functions are written out, and a bound on that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symde.language.syntax import Call, Expr, Name
from symde.model.definition import Function
from symde.model.walk import children, fold, postorder

# Nodes of all expressions together after writing functions out. 24,388 reactions (BCR) need about 500,000.
EXPANSION_LIMIT = 5_000_000


def expanded_sizes(functions: Iterable[Function]) -> dict[str, int]:
    """Operations of each function with the functions it calls written out (callees come first)."""
    sizes: dict[str, int] = {}
    for function in functions:
        sizes[function.name] = expanded_size((function.body,), sizes)
    return sizes


def expanded_size(roots: Iterable[Expr], sizes: Mapping[str, int]) -> int:
    """Operations in expressions, each shared node once, calls counted as what they are written out to."""
    return sum(
        1 + (sizes.get(node.function, 0) if isinstance(node, Call) else 0) for node in postorder(*roots)
    )


def tree_size(root: Expr, sizes: Mapping[str, int]) -> int:
    """Operations in an expression written as a tree: shared nodes and named quantities counted at each use.

    Args:
        root: an expression without calls of user functions.
        sizes: tree sizes of the observed quantities that it reads.
    """

    def combine(node: Expr, operands: tuple[int, ...]) -> int:
        if isinstance(node, Name):
            return sizes.get(node.id, 1)
        return 1 + sum(operands)

    return fold(root, combine)


def depth(root: Expr) -> int:
    """Levels of nesting: 1 for a name or number."""
    levels: dict[int, int] = {}
    for node in postorder(root):
        levels[id(node)] = 1 + max((levels[id(child)] for child in children(node)), default=0)
    return levels[id(root)]
