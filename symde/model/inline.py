"""Functions of the modeller written out: expressions without user calls, shared parts kept shared."""

from __future__ import annotations

from collections.abc import Iterable

from symde.language.syntax import Call, Expr, Name
from symde.model.definition import Function
from symde.model.walk import fold, substitute, with_children


class Inliner:
    """Writes out calls of the given functions.

    Args:
        functions: callees first, as in a definition; no recursion.
    """

    def __init__(self, functions: Iterable[Function]):
        self._arguments: dict[str, tuple[str, ...]] = {}
        self._bodies: dict[str, Expr] = {}
        for function in functions:
            # Arguments get names that no text can have, so that a name of the model in one function's body
            # is never taken for an argument of the function that calls it.
            private = {one: f"{function.name}({one})" for one in function.parameters}
            body = substitute(function.body, {one: Name(new, span=None) for one, new in private.items()})
            self._bodies[function.name] = self.inline(body)
            self._arguments[function.name] = tuple(private.values())

    def inline(self, root: Expr) -> Expr:
        """`root` with every call of a user's function replaced by its body."""
        return fold(root, self._combine) if self._bodies else root

    def _combine(self, node: Expr, operands: tuple[Expr, ...]) -> Expr:
        if isinstance(node, Call) and node.function in self._bodies:
            given = zip(self._arguments[node.function], operands, strict=True)
            return substitute(self._bodies[node.function], dict(given))
        return with_children(node, operands)
