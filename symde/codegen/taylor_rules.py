"""The jet of a node by the operation that makes it: one rule for each operation.

A rule is given the builder, the node and its arguments, at least one of which changes along the solution; it
gives the node's jet, None where that is constant.

Source: A. Griewank, A. Walther, Evaluating Derivatives (2008), chapter 13, tables 13.1 and 13.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symde.codegen.powers import integer_exponent, multiplication_chain
from symde.codegen.taylor_builder import Builder


def _add(b: Builder, node: int, x: int, y: int) -> int:
    left, right = b.jet(x), b.jet(y)
    if left is not None and right is not None:
        return b.new(node, "add", left, right)
    return b.new(node, "copy", b.of(x if right is None else y))


def _sub(b: Builder, node: int, x: int, y: int) -> int:
    left, right = b.jet(x), b.jet(y)
    if left is not None and right is not None:
        opposite = b.graph.known("sub", y, x)
        if opposite is not None and opposite < node:
            return b.new(node, "neg", b.of(opposite))
        return b.new(node, "sub", left, right)
    return b.shifted(b.new(node, "neg", b.of(y))) if left is None else b.new(node, "copy", b.of(x))


def _div(b: Builder, node: int, x: int, y: int) -> int:
    above, below = b.jet(x), b.jet(y)
    inverse = b.reciprocal(y)
    if below is None:
        return b.scaled(node, inverse, b.of(x))
    if above is None:
        return b.new(node, "ratio", below, scalars=(inverse,))
    return b.quotient(node, above, below)


def _pow(b: Builder, node: int, x: int, y: int) -> int | None:
    exponent = integer_exponent(b.graph, node)
    if exponent is not None:
        return _whole_power(b, node, x, exponent)
    if b.jet(y) is not None:
        # x^y = exp(y log x)
        logarithm = b.graph.apply("log", x)
        argument = b.graph.apply("mul", y, logarithm)
        return b.exponential(node, b.of(argument))
    if b.graph.is_constant(y, 0.5):
        return _sqrt(b, node, x)
    return b.new(node, "power", b.of(x), scalars=(y, b.reciprocal(x)))


def _whole_power(b: Builder, node: int, x: int, exponent: int) -> int | None:
    # by products, as its value is computed: they hold at x = 0, where the recurrence of powers divides by 0
    if exponent == 0:
        return None
    chain = [x]
    for left, right in multiplication_chain(abs(exponent)):
        chain.append(b.graph.apply("mul", chain[left], chain[right]))
    power = b.of(chain[-1])
    if exponent > 0:
        return power
    return b.new(node, "ratio", power, scalars=(node,))


def _sqrt(b: Builder, node: int, x: int) -> int:
    return b.new(node, "root", b.of(x), scalars=(b.g.div(b.g.constant(0.5), node),))


def _log(base: float) -> Callable[..., int]:
    def rule(b: Builder, node: int, x: int) -> int:
        if base == math.e:
            return b.integral(node, b.theta(x), x)
        natural = b.of(b.graph.apply("log", x))
        return b.scaled(node, b.g.constant(1.0 / math.log(base)), natural)

    return rule


def _tan(b: Builder, node: int, x: int) -> int:
    square = b.g.add(b.g.one, b.graph.apply("mul", node, node))
    theta = b.theta(x)
    result = b.new(node, "chain", theta, len(b.jets) + 1)
    b.new(square, "square", result)
    return result


def _tanh(b: Builder, node: int, x: int) -> int:
    square = b.graph.apply("mul", node, node)
    theta = b.theta(x)
    result = b.new(node, "chain", theta, len(b.jets) + 2)
    b.new(b.g.sub(b.g.one, square), "neg", b.new(square, "square", result))
    return result


def _chord(b: Builder, x: int) -> int:
    g = b.g
    return g.apply("sqrt", g.mul(g.sub(g.one, x), g.add(g.one, x)))


def _asin(b: Builder, node: int, x: int) -> int:
    return b.integral(node, b.theta(x), _chord(b, x))


def _acos(b: Builder, node: int, x: int) -> int:
    return b.integral(node, b.minus_theta(x), _chord(b, x))


def _atan(b: Builder, node: int, x: int) -> int:
    return b.integral(node, b.theta(x), b.g.add(b.g.one, b.graph.apply("mul", x, x)))


def _atan2(b: Builder, node: int, y: int, x: int) -> int:
    # (y/x)' / (1 + (y/x)^2) = (x y' - y x') / (x^2 + y^2)
    g = b.g
    parts = [_rotation(b, y, x), _rotation(b, x, y)]
    if parts[0] is None or parts[1] is None:
        both = parts[0] if parts[0] is not None else b.new(g.zero, "neg", parts[1] or 0)
    else:
        both = b.new(g.zero, "sub", parts[0], parts[1])
    squares = [b.graph.apply("mul", x, x), b.graph.apply("mul", y, y)]
    return b.integral(node, both, b.graph.apply("add", *squares))


def _rotation(b: Builder, moving: int, other: int) -> int | None:
    """other * theta(moving)."""
    if b.jet(moving) is None:
        return None
    theta, factor = b.theta(moving), b.jet(other)
    if factor is None:
        return b.scaled(b.g.zero, other, theta)
    return b.new(b.g.zero, "mul", theta, factor)


def _erf(b: Builder, node: int, x: int) -> int:
    g = b.g
    bell = g.apply("exp", g.neg(b.graph.apply("mul", x, x)))
    slope = g.mul(g.constant(2.0 / math.sqrt(math.pi)), bell)
    return b.new(node, "chain", b.theta(x), b.of(slope))


def _mod(b: Builder, node: int, x: int, y: int) -> int:
    left, right = b.jet(x), b.jet(y)
    if right is None:
        return b.new(node, "copy", b.of(x))
    whole = b.g.apply("floor", b.g.div(x, y))
    if left is None:
        return b.shifted(b.scaled(node, b.g.neg(whole), right))
    return b.new(node, "sub", left, b.scaled(b.g.mul(whole, y), whole, right))


def _select(b: Builder, node: int, condition: int, x: int, y: int) -> int | None:
    left, right = b.jet(x), b.jet(y)
    if left is None and right is None:
        return None
    if left is None:
        return b.new(node, "gate_not", b.of(y), scalars=(condition,))
    if right is None:
        return b.new(node, "gate", left, scalars=(condition,))
    return b.new(node, "select", left, right, scalars=(condition,))


RULES: dict[str, Callable[..., int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": lambda b, node, x, y: b.product(node, x, y),
    "div": _div,
    "neg": lambda b, node, x: b.new(node, "neg", b.of(x)),
    "pow": _pow,
    "sqrt": _sqrt,
    "exp": lambda b, node, x: b.exponential(node, b.of(x)),
    "log": _log(math.e),
    "log2": _log(2.0),
    "log10": _log(10.0),
    "sin": lambda b, node, x: b.pair(node, x, "sin", "cos", True),
    "cos": lambda b, node, x: b.pair(node, x, "sin", "cos", True),
    "sinh": lambda b, node, x: b.pair(node, x, "sinh", "cosh", False),
    "cosh": lambda b, node, x: b.pair(node, x, "sinh", "cosh", False),
    "tan": _tan,
    "tanh": _tanh,
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "atan2": _atan2,
    "erf": _erf,
    "abs": lambda b, node, x: b.scaled(node, b.g.apply("sign", x), b.of(x)),
    "mod": _mod,
    "select": _select,
    "min": lambda b, node, x, y: _select(b, node, b.g.apply("le", x, y), x, y),
    "max": lambda b, node, x, y: _select(b, node, b.g.apply("le", y, x), x, y),
}
