"""Powers with a whole constant exponent: which ones are multiplications, and in which order.

All printers share this, so that x^3 has the same last bit in every target.
"""

from __future__ import annotations

from functools import cache

from symde.codegen.graph import Graph

LARGEST = 64
"""Exponents up to this size are multiplied out; the error of the chain stays below 7 roundings."""


def integer_exponent(graph: Graph, node: int) -> int | None:
    """The exponent of a `pow` node that is to be multiplied out, or None where `pow` shall be called."""
    exponent = graph.args[node][1]
    if graph.op[exponent] != "const":
        return None
    value = graph.value[exponent]
    return int(value) if abs(value) <= LARGEST and value == int(value) else None


LARGEST_HALF = 4
"""Halves of odd numbers below this are powers times square roots in lanes; the error is below 3 roundings."""


def half_exponent(graph: Graph, node: int) -> float | None:
    """The exponent of a `pow` node that is an odd multiple of one half and small; None for others."""
    exponent = graph.args[node][1]
    if graph.op[exponent] != "const":
        return None
    value = graph.value[exponent]
    return value if abs(value) < LARGEST_HALF and value % 1 == 0.5 else None


@cache
def multiplication_chain(exponent: int) -> tuple[tuple[int, int], ...]:
    """Steps that make x^exponent by repeated squaring, for exponent >= 1.

    Value 0 is x; step k makes value k+1 as the product of the two named values; the last value is the
    result. A negative power is the reciprocal of the positive one, x^0 is 1.
    """
    steps: list[tuple[int, int]] = []
    result: int | None = None
    square = 0
    while True:
        if exponent & 1:
            if result is None:
                result = square
            else:
                steps.append((result, square))
                result = len(steps)
        exponent >>= 1
        if not exponent:
            return tuple(steps)
        steps.append((square, square))
        square = len(steps)
