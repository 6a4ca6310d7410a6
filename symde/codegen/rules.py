"""The one table of derivatives: operation -> partial derivatives by each argument.

A rule gets the algebra, the node and the node's arguments, and gives one node for each argument; None is a
derivative that is zero everywhere it exists. Kinks are taken branch by branch: `abs` gives the sign, steps
give 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symde.codegen.algebra import Algebra
from symde.codegen.graph import CALL
from symde.diagnostics import Diagnostic, ModelError

Partials = tuple[int | None, ...]
Rule = Callable[..., Partials]


def _sub(g: Algebra, node: int, a: int, b: int) -> Partials:
    return g.one, g.constant(-1.0)


def _div(g: Algebra, node: int, a: int, b: int) -> Partials:
    reciprocal = g.div(g.one, b)
    return reciprocal, g.neg(g.mul(node, reciprocal))


def _pow(g: Algebra, node: int, x: int, y: int) -> Partials:
    graph = g.graph
    if graph.op[y] == "const":
        n = graph.value[y]
        return (None if n == 0.0 else g.mul(y, g.power(x, n - 1.0))), None
    # y*x^(y-1) at y = 0 and x = 0 would be 0*inf; the derivative of x^0 is 0.
    by_base = g.mul(y, g.apply("pow", x, g.sub(y, g.one)))
    return g.select(g.apply("eq", y, g.zero), g.zero, by_base), _by_exponent(g, node, x, y)


def _by_exponent(g: Algebra, node: int, x: int, y: int) -> int:
    # x^y*log(x) at x = 0 is 0*(-inf); 0^y is 0 for every y > 0, so there the derivative is 0.
    if g.graph.op[x] == "const" and g.graph.value[x] > 0.0:
        return g.mul(node, g.constant(math.log(g.graph.value[x])))
    vanishes = g.apply("and", g.apply("eq", x, g.zero), g.apply("lt", g.zero, y))
    return g.select(vanishes, g.zero, g.mul(node, g.apply("log", x)))


def _sqrt(g: Algebra, node: int, x: int) -> Partials:
    return (g.div(g.constant(0.5), node),)


def _log(base: float) -> Rule:
    scale = 1.0 / math.log(base) if base != math.e else 1.0
    return lambda g, node, x: (g.div(g.constant(scale), x),)


def _tan(g: Algebra, node: int, x: int) -> Partials:
    return (g.add(g.one, g.mul(node, node)),)


def _asin(g: Algebra, node: int, x: int) -> Partials:
    return (g.div(g.one, _chord(g, x)),)


def _acos(g: Algebra, node: int, x: int) -> Partials:
    return (g.div(g.constant(-1.0), _chord(g, x)),)


def _chord(g: Algebra, x: int) -> int:
    # sqrt((1 - x)(1 + x)) keeps the digits that 1 - x^2 loses near |x| = 1.
    return g.apply("sqrt", g.mul(g.sub(g.one, x), g.add(g.one, x)))


def _atan(g: Algebra, node: int, x: int) -> Partials:
    return (g.div(g.one, g.add(g.one, g.mul(x, x))),)


def _atan2(g: Algebra, node: int, y: int, x: int) -> Partials:
    radius = g.add(g.mul(x, x), g.mul(y, y))
    return g.div(x, radius), g.neg(g.div(y, radius))


def _tanh(g: Algebra, node: int, x: int) -> Partials:
    return (g.sub(g.one, g.mul(node, node)),)


def _mod(g: Algebra, node: int, x: int, y: int) -> Partials:
    return g.one, g.neg(g.apply("floor", g.div(x, y)))


def _erf(g: Algebra, node: int, x: int) -> Partials:
    return (g.mul(g.constant(2.0 / math.sqrt(math.pi)), g.apply("exp", g.neg(g.mul(x, x)))),)


def _gamma(g: Algebra, node: int, x: int) -> Partials:
    return (g.mul(node, g.apply("digamma", x)),)


def _trigamma(g: Algebra, node: int, x: int) -> Partials:
    raise ModelError(
        [
            Diagnostic(
                code="E601",
                message="third derivatives of `gamma` are not available",
                span=g.graph.span[node],
                label="differentiated three times",
                help="ask for lower derivatives, or write the function without `gamma`",
            )
        ]
    )


def _call(g: Algebra, node: int, *args: int) -> Partials:
    function = g.graph.value[node][0]
    network = f"model.bind({function}=symde.Network([...]))"
    raise ModelError(
        [
            Diagnostic(
                code="E604",
                message=f"`{function}` is a torch module, and only torch differentiates it",
                span=g.graph.span[node],
                label="called here",
                help=f"solve with backend='torch', or bind a network: `{network}`",
            )
        ]
    )


def _flat(g: Algebra, node: int, *args: int) -> Partials:
    return (None,) * len(args)


RULES: dict[str, Rule] = {
    "add": lambda g, node, a, b: (g.one, g.one),
    "sub": _sub,
    "mul": lambda g, node, a, b: (b, a),
    "div": _div,
    "neg": lambda g, node, a: (g.constant(-1.0),),
    "pow": _pow,
    "sqrt": _sqrt,
    "exp": lambda g, node, x: (node,),
    "log": _log(math.e),
    "log2": _log(2.0),
    "log10": _log(10.0),
    "sin": lambda g, node, x: (g.apply("cos", x),),
    "cos": lambda g, node, x: (g.neg(g.apply("sin", x)),),
    "tan": _tan,
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "atan2": _atan2,
    "sinh": lambda g, node, x: (g.apply("cosh", x),),
    "cosh": lambda g, node, x: (g.apply("sinh", x),),
    "tanh": _tanh,
    "abs": lambda g, node, x: (g.apply("sign", x),),
    "mod": _mod,
    "erf": _erf,
    "gamma": _gamma,
    "digamma": lambda g, node, x: (g.apply("trigamma", x),),
    "trigamma": _trigamma,
    CALL: _call,
    **dict.fromkeys(("sign", "floor", "ceil", "lt", "le", "eq", "and", "or", "not"), _flat),
}
"""Every operation but the three that only choose: see `chosen`."""


def chosen(g: Algebra, node: int) -> tuple[int, int, int] | None:
    """(condition, then, otherwise) of an operation that passes one of its arguments on, else None.

    These are no products of partials: what the choice leaves out may be infinite, and 0*inf is NaN.
    """
    op, args = g.graph.op[node], g.graph.args[node]
    if op == "select":
        return args[0], args[1], args[2]
    if op == "min":
        return g.apply("le", *args), args[0], args[1]
    if op == "max":
        return g.apply("le", args[1], args[0]), args[0], args[1]
    return None
