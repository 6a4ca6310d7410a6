"""What functions have in common whose signs are equal, or opposite, everywhere: they are one switch.

x, -x, 3 x and (6 - 2 x)/5 - 6/5 change their signs at the same places. A solution that slides along one of
them would have no way to slide along all as if these were different ones.
"""

from __future__ import annotations

from typing import Any

from symde.codegen.graph import Graph

MOST_TERMS = 64
"""Terms of a sum up to which it is looked through."""

DIGITS = 12
"""Digits after the first up to which factors are told apart: what is left is rounding."""


def same_sign(graph: Graph, node: int) -> tuple[Any, bool]:
    """What a quantity and its multiples by a number have in common, and whether its sign is that of it."""
    factors, constant = _terms(graph, node)
    factors = {term: factor for term, factor in factors.items() if factor != 0.0}
    if not factors:
        return node, True
    first = factors[min(factors)]
    terms = tuple((term, _rounded(factors[term] / first)) for term in sorted(factors))
    return (terms, _rounded(constant / first)), first > 0.0


def _terms(graph: Graph, node: int) -> tuple[dict[int, float], float]:
    """Nodes and their factors, and a number, of which a quantity is the sum."""
    factors: dict[int, float] = {}
    constant, looked, pending = 0.0, 0, [(node, 1.0)]
    while pending:
        one, factor = pending.pop()
        looked += 1
        if looked > MOST_TERMS:
            return {node: 1.0}, 0.0
        op, args = graph.op[one], graph.args[one]
        if op == "const":
            constant += factor * graph.value[one]
        elif op == "neg":
            pending.append((args[0], -factor))
        elif op in ("add", "sub"):
            pending += (args[0], factor), (args[1], factor if op == "add" else -factor)
        elif op == "mul" and any(graph.is_constant(a) for a in args):
            number, other = args if graph.is_constant(args[0]) else reversed(args)
            pending.append((other, factor * graph.value[number]))
        elif op == "div" and graph.is_constant(args[1]) and graph.value[args[1]] != 0.0:
            pending.append((args[0], factor / graph.value[args[1]]))
        else:
            factors[one] = factors.get(one, 0.0) + factor
    return factors, constant


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}e}")
