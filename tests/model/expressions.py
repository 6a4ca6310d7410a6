"""Random expressions and a plain reference evaluator, independent of the one in `symde.model`."""

from __future__ import annotations

import math

from hypothesis import strategies as st

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

UNARY = ("abs", "sign", "exp", "log", "log10", "log2", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan")
UNARY += ("sinh", "cosh", "tanh", "erf", "floor", "ceil", "heaviside", "gamma")
KINKED = ("sign", "floor", "ceil", "heaviside")


def number(value: float) -> Number:
    return Number(value, repr(value), span=None)


def numbers() -> st.SearchStrategy[Expr]:
    whole = st.integers(0, 9)
    return st.one_of(whole, st.sampled_from([0.25, 0.5, 1.5, 2.75, 1e-3])).map(number)


def names(words: tuple[str, ...]) -> st.SearchStrategy[Expr]:
    return st.sampled_from(words).map(lambda word: Name(word, span=None))


def expressions(words: tuple[str, ...], leaves: int = 12, functions: tuple[str, ...] = UNARY):
    """Expressions of numbers over `words`."""
    return st.recursive(
        st.one_of(numbers(), names(words)), lambda inner: _larger(inner, functions), max_leaves=leaves
    )


def conditions(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    symbols = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    simple = st.builds(lambda a, s, b: Compare((a, b), (s,), span=None), inner, symbols, inner)
    chain = st.builds(
        lambda a, s, b, r, c: Compare((a, b, c), (s, r), span=None), *[inner, symbols] * 2, inner
    )
    logic = st.builds(
        lambda word, a, b: Logic(word, (a, b), span=None), st.sampled_from(["and", "or"]), simple, simple
    )
    return st.one_of(simple, chain, logic, simple.map(lambda one: Not(one, span=None)))


def _larger(inner: st.SearchStrategy[Expr], functions: tuple[str, ...]) -> st.SearchStrategy[Expr]:
    def parts(signs: str) -> st.SearchStrategy[tuple[tuple[str, Expr], ...]]:
        rest = st.lists(st.tuples(st.sampled_from(list(signs)), inner), min_size=1, max_size=3)
        return st.builds(lambda first, more: ((signs[0], first), *more), inner, rest)

    return st.one_of(
        parts("+-").map(lambda terms: Sum(terms, span=None)),
        parts("*/").map(lambda factors: Product(factors, span=None)),
        inner.map(lambda one: Negate(one, span=None)),
        st.builds(lambda base, n: Power(base, number(n), span=None), inner, st.integers(0, 4)),
        st.builds(lambda base, exponent: Power(base, exponent, span=None), inner, inner),
        st.builds(lambda f, one: Call(f, (one,), span=None), st.sampled_from(functions), inner),
        st.builds(
            lambda f, a, b: Call(f, (a, b), span=None),
            st.sampled_from(["atan2", "mod", "min", "max"]),
            inner,
            inner,
        ),
        st.builds(lambda a, b, c: Call("max", (a, b, c), span=None), inner, inner, inner),
        st.builds(lambda c, a, b: Conditional(c, a, b, span=None), conditions(inner), inner, inner),
        st.builds(lambda a, c, b: Call("piecewise", (a, c, b), span=None), inner, conditions(inner), inner),
    )


class UndefinedError(Exception):
    """The expression has no finite value here, or its value hangs on rounding (a jump nearby)."""


def value(node: Expr, at: dict[str, float]) -> float:
    """The value of an expression, by recursion and `math`; none at poles, outside domains and at jumps."""
    try:
        result = _value(node, at)
    except (ArithmeticError, ValueError) as problem:
        raise UndefinedError from problem
    if isinstance(result, complex) or not math.isfinite(result) or abs(result) > 1e12:
        raise UndefinedError
    return result


def _value(node: Expr, at: dict[str, float]) -> float:
    match node:
        case Number(value=number):
            return float(number)
        case Name(id=name):
            return at[name]
        case Sum(terms=terms):
            return sum(value(one, at) if sign == "+" else -value(one, at) for sign, one in terms)
        case Product(factors=factors):
            return math.prod(value(one, at) if sign == "*" else 1 / value(one, at) for sign, one in factors)
        case Negate(operand=operand):
            return -value(operand, at)
        case Power(base=base, exponent=exponent):
            return math.pow(value(base, at), value(exponent, at))
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return _choose(holds(condition, at), value(then, at), value(otherwise, at))
        case Call(function="piecewise", arguments=(first, condition, second)):
            return _choose(holds(condition, at), value(first, at), value(second, at))
        case Call(function=function, arguments=arguments):
            return _call(function, [value(one, at) for one in arguments])
    raise AssertionError(node)


def _choose(condition: bool, then: float, otherwise: float) -> float:
    return then if condition else otherwise


def holds(node: Expr, at: dict[str, float]) -> bool:
    match node:
        case Compare(operands=operands, operators=operators):
            values = [value(one, at) for one in operands]
            for left, right in zip(values, values[1:], strict=False):
                if left != right and abs(left - right) < 1e-6 * (abs(left) + abs(right)):
                    raise UndefinedError
            tests = {
                "<": float.__lt__,
                "<=": float.__le__,
                ">": float.__gt__,
                ">=": float.__ge__,
                "==": float.__eq__,
                "!=": float.__ne__,
            }
            triples = zip(values, operators, values[1:], strict=False)
            return all(tests[symbol](float(left), float(right)) for left, symbol, right in triples)
        case Logic(operator=word, operands=operands):
            results = [holds(one, at) for one in operands]
            return all(results) if word == "and" else any(results)
        case Not(operand=operand):
            return not holds(operand, at)
    raise AssertionError(node)


def _call(function: str, given: list[float]) -> float:
    x = given[0]
    if function in KINKED or function == "mod":
        at = x / given[1] if function == "mod" else x
        stairs = function in ("floor", "ceil", "mod")
        jump = round(at) if stairs else 0
        # An integer that came out of rounding may lie on either side of a stair.
        if abs(at - jump) < 1e-9 and (stairs or at != 0):
            raise UndefinedError
    match function:
        case "sign":
            return float((x > 0) - (x < 0))
        case "heaviside":
            return 1.0 if x >= 0 else 0.0
        case "mod":
            return x - given[1] * math.floor(x / given[1])
        case "abs":
            return abs(x)
        case "min" | "max":
            return (min if function == "min" else max)(given)
    if function == "atan2" and given[0] == 0 and given[1] <= 0:
        raise UndefinedError  # at 0 and on the cut: there the sign of a zero decides, which sympy has not
    if function == "tan" and abs(math.cos(x)) < 1e-6:
        raise UndefinedError
    return float(getattr(math, function)(*given))
