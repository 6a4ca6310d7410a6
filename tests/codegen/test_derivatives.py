"""Derivatives are exact: against sympy, against differences of 60 digits, and branch by branch at kinks."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symde.codegen.derivatives import adjoint, directional, jacobian, tangents, time_gradient
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import ARITY, BOOLEAN, CALL, Graph
from symde.codegen.rules import RULES
from symde.diagnostics import ModelError

from .graphs import compiled, expressions, interpreted, variables
from .precise import DIGITS, difference, precise

SYMPY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "neg": lambda x: -x,
    "log2": lambda x: sympy.log(x, 2),
    "log10": lambda x: sympy.log(x, 10),
    "abs": sympy.Abs,
    "min": sympy.Min,
    "max": sympy.Max,
    "mod": lambda x, y: x - y * sympy.floor(x / y),
    "digamma": sympy.digamma,
    "ceil": sympy.ceiling,
    **{name: getattr(sympy, name) for name in ["sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos"]},
    **{name: getattr(sympy, name) for name in ["atan", "atan2", "sinh", "cosh", "tanh", "erf", "gamma"]},
    **{name: getattr(sympy, name) for name in ["sign", "floor"]},
}
DIFFERENTIABLE = sorted(SYMPY)
SMOOTH = [
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "sqrt",
    "exp",
    "log",
    "sin",
    "cos",
    "tan",
    "atan",
    "atan2",
    "sinh",
]
SMOOTH += ["cosh", "tanh", "abs", "min", "max", "mod", "select", "power", "pow", "erf", "asin", "log10"]


def partials(op: str, point: list[float]) -> tuple[Graph, list[int]]:
    graph = Graph()
    x = variables(graph, len(point))
    rows = tangents(
        graph, [graph.apply(op, *x)], {node: {k: graph.constant(1.0)} for k, node in enumerate(x)}
    )
    return graph, [rows[0].get(k, graph.constant(0.0)) for k in range(len(point))]


def test_every_operation_has_a_rule_or_is_a_choice():
    assert {*ARITY, CALL} == set(RULES) | {"select", "min", "max"}
    assert set(SYMPY) == set(ARITY) - BOOLEAN - {"select", "trigamma"}


@pytest.mark.parametrize("op", DIFFERENTIABLE)
@pytest.mark.parametrize("point", [(0.3, 0.7), (0.85, 0.2), (0.11, 0.95)])
def test_every_rule_is_sympy_s_derivative(op, point):
    u = list(point[: ARITY[op]])
    graph, nodes = partials(op, u)
    symbols = sympy.symbols("x y", real=True)[: len(u)]
    expression = SYMPY[op](*symbols)
    at = dict(zip(symbols, map(sympy.Float, u, [30] * len(u)), strict=True))
    for symbol, found in zip(symbols, compiled(graph, nodes, u), strict=True):
        # sympy leaves the derivatives of floor and sign as distributions, which are 0 beside the jumps.
        derivative = expression.diff(symbol).replace(sympy.Derivative, lambda *_: sympy.Integer(0))
        derivative = derivative.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
        derivative = derivative.replace(sympy.Subs, lambda *_: sympy.Integer(0)).doit()
        expected = float(derivative.subs(at).evalf(30))
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("op", DIFFERENTIABLE)
@pytest.mark.parametrize("point", [(0.31, 0.72), (0.83, 0.27)])
def test_every_rule_is_the_central_difference_of_compiled_values(op, point):
    u = list(point[: ARITY[op]])
    graph, nodes = partials(op, u)
    value = graph.apply(op, *variables(graph, len(u)))
    step = 6e-6  # cube root of the rounding: the error is about its square times the third derivative
    for column, found in enumerate(compiled(graph, nodes, u)):
        above, below = (
            compiled(graph, [value], [x + sign * step * (j == column) for j, x in enumerate(u)])[0]
            for sign in (1, -1)
        )
        assert found == pytest.approx((above - below) / (2 * step), rel=1e-7, abs=1e-7)


@settings(max_examples=80, deadline=None)
@given(expressions(SMOOTH), st.tuples(*[st.floats(0.1, 2.0)] * 3))
def test_jacobians_of_random_expressions_are_their_differences(case, point):
    graph, root = case
    u = [float(f"{x:.6g}") for x in point]
    entries = jacobian(graph, [root], variables(graph, 3))
    _compare(graph, [root], dict(zip(entries.indices, entries.nodes, strict=True)), u)


@settings(max_examples=80, deadline=None)
@given(expressions(SMOOTH), st.tuples(*[st.floats(0.1, 2.0)] * 3))
def test_the_reverse_sweep_gives_the_same_derivatives(case, point):
    graph, root = case
    u = [float(f"{x:.6g}") for x in point]
    gradient = adjoint(graph, [root], [graph.constant(1.0)], variables(graph, 3))
    _compare(graph, [root], dict(enumerate(gradient)), u)


def _compare(graph: Graph, roots: list[int], found: dict[int, int], u: list[float]) -> None:
    with mpmath.workdps(DIGITS):
        for column in range(len(u)):
            try:
                (expected,) = difference(lambda x: precise(graph, roots, x), u, column)
                (second,) = precise(graph, [found[column]], u) if column in found else [mpmath.mpf(0)]
            except (ValueError, ZeroDivisionError, OverflowError):
                assume(False)
            assume(abs(expected) < 1e15)  # beyond: a difference across a kink, or next to a pole
            assert abs(second - expected) <= 1e-12 * (1 + abs(expected))


@settings(max_examples=40, deadline=None)
@given(expressions(SMOOTH), st.tuples(*[st.floats(0.1, 2.0)] * 3))
def test_second_derivatives_by_applying_twice_are_differences_of_first(case, point):
    graph, root = case
    u = [float(f"{x:.6g}") for x in point]
    x = variables(graph, 3)
    direction = [graph.constant(k) for k in (0.5, -1.25, 2.0)]
    (along,) = directional(graph, [root], dict(zip(x, direction, strict=True)))
    twice = adjoint(graph, [along], [graph.constant(1.0)], x)
    _compare(graph, [along], dict(enumerate(twice)), u)


def test_all_partials_of_an_adjoint_times_jacobian_times_vector():
    # f = (u0^2 u1 p0, sin(u0 p1) + u1 t), and by hand
    # w'J k = w0 p0 (2 u0 u1 k0 + u0^2 k1) + w1 (p1 cos(u0 p1) k0 + t k1).
    graph = Graph()
    u, p = variables(graph, 2), [graph.input("p", j) for j in range(2)]
    t = graph.time()
    square = graph.apply("mul", graph.apply("mul", u[0], u[0]), graph.apply("mul", u[1], p[0]))
    other = graph.apply(
        "add", graph.apply("sin", graph.apply("mul", u[0], p[1])), graph.apply("mul", u[1], t)
    )
    w, k = ([graph.input(name, i) for i in range(2)] for name in ("adjoint", "direction"))
    rows = directional(graph, [square, other], dict(zip(u, k, strict=True)))
    found = adjoint(graph, rows, w, [*u, *p, t])
    (u0, u1, p0, p1), (w0, w1), (k0, k1), time = (0.7, 1.3, 2.0, 0.4), (1.5, -0.5), (0.3, 0.9), 0.8
    c, s = math.cos(u0 * p1), math.sin(u0 * p1)
    expected = [
        w0 * p0 * (2 * u1 * k0 + 2 * u0 * k1) - w1 * p1**2 * s * k0,
        w0 * p0 * 2 * u0 * k0,
        w0 * (2 * u0 * u1 * k0 + u0**2 * k1),
        w1 * k0 * (c - u0 * p1 * s),
        w1 * k1,
    ]
    inputs = {"u": (u0, u1), "p": (p0, p1), "adjoint": (w0, w1), "direction": (k0, k1)}
    values = evaluate(graph, found, time, inputs)
    assert [float(values[node]) for node in found] == pytest.approx(expected, rel=1e-13)


def derivative_at(build, u: list[float]) -> np.ndarray:
    """Forward derivatives by each variable; the reverse sweep must agree, also in infinities."""
    graph = Graph()
    x = variables(graph, len(u))
    root = build(graph, *x)
    row = tangents(graph, [root], {node: {k: graph.constant(1.0)} for k, node in enumerate(x)})[0]
    nodes = [row.get(k, graph.constant(0.0)) for k in range(len(u))]
    forward = compiled(graph, nodes, u)
    reverse = compiled(graph, adjoint(graph, [root], [graph.constant(1.0)], x), u)
    np.testing.assert_allclose(reverse, forward, rtol=1e-14, equal_nan=True)
    np.testing.assert_allclose(interpreted(graph, nodes, u), forward, rtol=1e-14, equal_nan=True)
    return forward


def power(exponent: float):
    return lambda g, x: g.apply("pow", x, g.constant(exponent))


@pytest.mark.parametrize(
    "build, u, expected",
    [
        (lambda g, x: g.apply("abs", x), [-2.0], [-1.0]),
        (lambda g, x: g.apply("abs", x), [0.0], [0.0]),
        (lambda g, x, y: g.apply("min", x, y), [1.0, 2.0], [1.0, 0.0]),
        (lambda g, x, y: g.apply("max", x, y), [1.0, 2.0], [0.0, 1.0]),
        (lambda g, x, y: g.apply("mod", x, y), [7.5, 2.0], [1.0, -3.0]),
        (lambda g, x: g.apply("floor", x), [1.5], [0.0]),
        (lambda g, x: g.apply("sign", x), [1.5], [0.0]),
        (lambda g, x: g.apply("sqrt", x), [0.0], [math.inf]),
        (power(1), [0.0], [1.0]),
        (power(2), [0.0], [0.0]),
        (power(3), [0.0], [0.0]),
        (power(1.5), [0.0], [0.0]),
        (power(0.5), [0.0], [math.inf]),
        (power(0), [0.0], [0.0]),
        (lambda g, x, y: g.apply("pow", x, y), [0.0, 2.0], [0.0, 0.0]),
        (lambda g, x, y: g.apply("pow", x, y), [0.0, 1.0], [1.0, 0.0]),
        (lambda g, x, y: g.apply("pow", x, y), [0.0, 0.0], [0.0, -math.inf]),
        (lambda g, x, y: g.apply("pow", x, y), [-2.0, 3.0], [12.0, math.nan]),
    ],
)
def test_kinks_and_edges_are_taken_branch_by_branch(build, u, expected):
    np.testing.assert_array_equal(derivative_at(build, u), expected)


def entropy(g: Graph, x: int) -> int:
    """x*log(x), 0 where x is not positive."""
    zero = g.constant(0.0)
    return g.apply("select", g.apply("lt", zero, x), g.apply("mul", x, g.apply("log", x)), zero)


def shielded_root(g: Graph, x: int) -> int:
    """exp(sqrt(x)) for positive x, else x^2."""
    positive = g.apply("lt", g.constant(0.0), x)
    return g.apply("select", positive, g.apply("exp", g.apply("sqrt", x)), g.apply("mul", x, x))


@pytest.mark.parametrize(
    "build, x, expected",
    [
        (entropy, 0.0, 0.0),
        (entropy, -1.0, 0.0),
        (entropy, 1.0, 1.0),
        (shielded_root, 0.0, 0.0),
        (shielded_root, -3.0, -6.0),
        (shielded_root, 4.0, math.exp(2.0) / 4.0),
        (lambda g, x: g.apply("max", g.apply("sqrt", x), g.constant(1.0)), 0.0, 0.0),
        (lambda g, x: g.apply("min", g.apply("log", x), x), 1.0, 1.0),
    ],
)
def test_a_branch_left_out_never_disturbs_the_derivative(build, x, expected):
    assert derivative_at(build, [x])[0] == pytest.approx(expected, rel=1e-15)


def test_the_pattern_holds_what_can_be_nonzero_and_no_more():
    graph = Graph()
    x = variables(graph, 3)
    rows = [
        graph.apply("mul", x[0], x[2]),
        graph.apply("floor", x[1]),
        graph.apply("mul", graph.constant(0.0), x[1]),
        graph.apply("sub", x[0], x[0]),
        graph.apply("add", x[2], graph.time()),
    ]
    entries = jacobian(graph, rows, x)
    assert entries.indptr == (0, 2, 2, 2, 2, 3)
    assert entries.indices == (0, 2, 2)
    assert list(time_gradient(graph, rows)) == [graph.constant(0.0)] * 4 + [graph.constant(1.0)]


def test_derivatives_stand_where_their_cause_stands():
    graph = Graph()
    (x,) = variables(graph, 1)
    entries = jacobian(graph, [graph.apply("sqrt", x, span="here")], [x])
    assert graph.span[entries.nodes[0]] == "here"


def test_a_long_sum_costs_a_multiple_of_its_length():
    graph = Graph()
    x = variables(graph, 3000)
    total = x[0]
    for node in x[1:]:
        total = graph.apply("add", total, graph.apply("mul", node, node))
    entries = jacobian(graph, [total], x)
    assert len(entries.nodes) == 3000
    assert len(graph) < 6 * 3000


def test_roots_that_are_partial_sums_of_each_other_keep_their_own_derivatives():
    graph = Graph()
    x = variables(graph, 4)
    first = graph.apply("add", x[0], x[1])
    second = graph.apply("add", first, x[2])
    third = graph.apply("sub", second, x[3])
    entries = jacobian(graph, [first, second, third, first], x)
    assert entries.indptr == (0, 2, 5, 9, 11)
    assert entries.indices == (0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 1)


def test_third_derivatives_of_gamma_are_refused():
    graph = Graph()
    (x,) = variables(graph, 1)
    node = graph.apply("gamma", x)
    for _ in range(2):
        (node,) = directional(graph, [node], {x: graph.constant(1.0)})
    with pytest.raises(ModelError, match="gamma"):
        directional(graph, [node], {x: graph.constant(1.0)})
