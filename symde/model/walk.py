"""Walks over expressions that neither recurse nor visit a shared node twice.

A text nests at most 200 deep, but a traced function may give a DAG of any depth whose tree would be
exponential. Every walk here is therefore a loop over the nodes in order of dependence, memoised by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from symde.language.syntax import (
    Call,
    Compare,
    Conditional,
    Expr,
    Logic,
    Name,
    Negate,
    Not,
    Number,
    Power,
    Product,
    Sum,
)

Value = TypeVar("Value")

_LEAVES = (Name, Number)


def children(node: Expr) -> tuple[Expr, ...]:
    """The operands of `node`, left to right as the text has them."""
    match node:
        case Number() | Name():
            return ()
        case Sum(terms=parts) | Product(factors=parts):
            return tuple(part for _, part in parts)
        case Call(arguments=operands) | Compare(operands=operands) | Logic(operands=operands):
            return operands
        case Negate(operand=operand) | Not(operand=operand):
            return (operand,)
        case Power(base=base, exponent=exponent):
            return (base, exponent)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
    raise TypeError(f"not an expression: {type(node).__name__}")


def with_children(node: Expr, operands: tuple[Expr, ...]) -> Expr:
    """`node` with other operands; `node` itself where they are the very same objects."""
    if all(old is new for old, new in zip(children(node), operands, strict=True)):
        return node
    span = node.span
    match node:
        case Sum(terms=terms):
            return Sum(tuple((sign, new) for (sign, _), new in zip(terms, operands, strict=True)), span)
        case Product(factors=factors, implicit=implicit):
            pairs = tuple((sign, new) for (sign, _), new in zip(factors, operands, strict=True))
            return Product(pairs, implicit=implicit, span=span)
        case Call(function=function):
            return Call(function, operands, span)
        case Compare(operators=operators):
            return Compare(operands, operators, span)
        case Logic(operator=operator):
            return Logic(operator, operands, span)
        case Negate():
            return Negate(operands[0], span)
        case Not():
            return Not(operands[0], span)
        case Power():
            return Power(operands[0], operands[1], span)
        case Conditional():
            return Conditional(operands[0], operands[1], operands[2], span)
    raise TypeError(f"not an expression with operands: {type(node).__name__}")


def postorder(*roots: Expr) -> Iterator[Expr]:
    """Every distinct node object under `roots`, operands before the nodes that use them, left to right."""
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, _LEAVES):
                yield node
                continue
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(children(node)))


def fold(root: Expr, combine: Callable[[Expr, tuple[Value, ...]], Value]) -> Value:
    """The value of `root` when `combine(node, values of its operands)` gives the value of a node."""
    values: dict[int, Value] = {}
    for node in postorder(root):
        values[id(node)] = combine(node, tuple(values[id(child)] for child in children(node)))
    return values[id(root)]


def names(*roots: Expr) -> Iterator[Name]:
    """The names under `roots` in order of appearance (shared nodes once)."""
    return (node for node in postorder(*roots) if isinstance(node, Name))


def calls(*roots: Expr) -> Iterator[Call]:
    """The calls under `roots` (shared nodes once)."""
    return (node for node in postorder(*roots) if isinstance(node, Call))


def substitute(root: Expr, replacements: Mapping[str, Expr]) -> Expr:
    """`root` with names replaced by expressions."""

    def combine(node: Expr, operands: tuple[Expr, ...]) -> Expr:
        if isinstance(node, Name):
            return replacements.get(node.id, node)
        return with_children(node, operands)

    return fold(root, combine)


def identifiers(roots: Iterable[Expr]) -> set[str]:
    """The set of names read by `roots`."""
    return {name.id for name in names(*roots)}
