"""Compiled code gives what the interpreter gives, NaN and infinity included, however it is cut."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings

from symde.codegen import llvm, special
from symde.codegen.call import call
from symde.codegen.evaluate import FUNCTIONS
from symde.codegen.graph import Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.native import load_ir

from .graphs import BINARY, UNARY, compiled, expressions, interpreted, variables

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.3,
    -0.7,
    2.5,
    -3.0,
    -7.25,
    25.0,
    1e300,
    1e-300,
    -1e-300,
    math.inf,
    -math.inf,
    math.nan,
]
# Library functions of numpy and of C may differ in the last place or two; sums and products may not at all.
LIBRARY_ERROR = 4e-16


def assert_same(found: np.ndarray, expected: np.ndarray, error: float = 0.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=error, atol=0.0, equal_nan=True)


@pytest.mark.parametrize("op", UNARY)
def test_every_function_agrees_everywhere(op):
    graph = Graph()
    nodes = [graph.apply(op, x) for x in variables(graph, len(SPECIAL))]
    # Near the pole at 0 and by reflection digamma and trigamma lose a few places in either evaluation.
    error = 1e-14 if op in ("digamma", "trigamma", "gamma") else LIBRARY_ERROR
    assert_same(compiled(graph, nodes, SPECIAL), interpreted(graph, nodes, SPECIAL), error)


@pytest.mark.parametrize("op", BINARY)
def test_every_operation_of_two_agrees_everywhere(op):
    graph = Graph()
    x = variables(graph, len(SPECIAL))
    nodes = [graph.apply(op, a, b) for a in x for b in x]
    assert_same(compiled(graph, nodes, SPECIAL), interpreted(graph, nodes, SPECIAL), LIBRARY_ERROR)


@pytest.mark.parametrize("op", ["lt", "le", "eq"])
def test_conditions_choose_and_are_false_for_nan(op):
    graph = Graph()
    x = variables(graph, len(SPECIAL))
    one, two = graph.constant(1.0), graph.constant(2.0)
    conditions = [graph.apply(op, a, b) for a in x for b in x]
    conditions += [graph.apply("not", c) for c in conditions]
    conditions += [
        graph.apply(k, a, b)
        for k in ("and", "or")
        for a, b in zip(conditions, reversed(conditions), strict=True)
    ]
    nodes = [graph.apply("select", c, one, two) for c in conditions]
    assert_same(compiled(graph, nodes, SPECIAL), interpreted(graph, nodes, SPECIAL))
    assert_same(compiled(graph, conditions[:50], SPECIAL), interpreted(graph, conditions[:50], SPECIAL))


@pytest.mark.parametrize("op", ["min", "max"])
def test_nan_stays_nan_in_minimum_and_maximum(op):
    graph = Graph()
    x = variables(graph, 2)
    nodes = [graph.apply(op, x[0], x[1]), graph.apply(op, x[1], x[0])]
    assert np.isnan(compiled(graph, nodes, [math.nan, 1.0])).all()


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 7, 30, 64, 65, -1, -2, -9, 0.5, 2.5])
def test_powers_agree(exponent):
    graph = Graph()
    nodes = [graph.apply("pow", x, graph.constant(exponent)) for x in variables(graph, len(SPECIAL))]
    assert_same(compiled(graph, nodes, SPECIAL), interpreted(graph, nodes, SPECIAL), LIBRARY_ERROR)


@settings(max_examples=60, deadline=None)
@given(expressions([*UNARY, *BINARY, "select", "power"]))
def test_random_expressions_agree(case):
    graph, root = case
    u = [0.7, -1.3, 2.1]
    nodes = graph.reachable([root])
    found = dict(zip(nodes, compiled(graph, nodes, u), strict=True))
    with np.errstate(all="ignore"):
        for node in nodes:
            if not graph.args[node]:
                continue
            args = [np.float64(found[argument]) for argument in graph.args[node]]
            expected = float(FUNCTIONS[graph.op[node]](*args))
            # A fused multiply-add skips a rounding of its product, which is one of its arguments. The powers
            # of numpy and repeated squaring differ by up to 7 roundings.
            size = abs(expected) + sum(map(abs, args))
            near = abs(found[node] - expected) <= 2e-14 * size
            assert near or found[node] == expected or (np.isnan(found[node]) and np.isnan(expected)), (
                graph.op[node]
            )


def test_pieces_give_what_one_function_gives(monkeypatch):
    rng = np.random.default_rng(3)
    graph = Graph()
    nodes = variables(graph, 20)
    for _ in range(600):
        a, b = rng.integers(0, len(nodes), 2)
        op = ["add", "sub", "mul", "min"][rng.integers(4)]
        nodes.append(graph.apply("sin", graph.apply(op, nodes[a], nodes[b])))
    nodes.append(graph.apply("lt", nodes[3], nodes[-4]))
    nodes.append(graph.apply("select", nodes[-1], nodes[5], nodes[400]))
    u = rng.standard_normal(20)
    reference = interpreted(graph, nodes, u)
    for piece, stack in [(7, 16_384), (100, 16_384), (100, 10), (400, 16_384), (10_000, 16_384)]:
        monkeypatch.setattr(llvm, "PIECE", piece)
        monkeypatch.setattr(llvm, "STACK", stack)
        # 600 sines in a row pass on an error of some roundings of a fused multiply-add.
        np.testing.assert_allclose(compiled(graph, nodes, u), reference, rtol=1e-9, atol=1e-12)


def test_inputs_are_found_by_their_place_in_the_table():
    graph = Graph()
    nodes = [graph.input(name, 1) for name in INPUTS] + [graph.time()]
    kernel = Kernel("pick", graph, tuple(Vector(name, 2) for name in INPUTS), (Output("x", tuple(nodes)),))
    vectors = [np.array([0.0, k]) for k in range(len(INPUTS))]
    _, (x,) = call(load_ir(ir_module([kernel])).address("pick"), 99.0, vectors, [len(nodes)])
    assert x.tolist() == [*range(len(INPUTS)), 99.0]


def test_a_kernel_with_several_outputs_fills_each():
    graph = Graph()
    x, y = variables(graph, 2)
    total = graph.apply("add", x, y)
    outputs = (Output("a", (total, total)), Output("none", ()), Output("b", (x, graph.constant(3.0))))
    kernel = Kernel("several", graph, (Vector("u", 2),), outputs)
    _, found = call(load_ir(ir_module([kernel])).address("several"), 0.0, [np.array([1.0, 2.0])], [2, 0, 2])
    assert [vector.tolist() for vector in found] == [[3.0, 3.0], [], [1.0, 3.0]]


def test_a_kernel_without_outputs_returns():
    kernel = Kernel("nothing", Graph(), (), ())
    assert call(load_ir(ir_module([kernel])).address("nothing"), 0.0, [], []) == (0, [])


@pytest.mark.parametrize("filler", [0, 3000])
def test_the_code_tells_whether_a_condition_holds(filler):
    graph = Graph()
    (x,) = variables(graph, 1)
    y = x
    for _ in range(filler):
        y = graph.apply("cos", y)
    kernel = Kernel("code", graph, (Vector("u", 1),), (Output("y", (y,)),), code=graph.apply("lt", x, y))
    address = load_ir(ir_module([kernel])).address("code")
    below = call(address, 0.0, [np.array([-5.0])], [1])[0]
    above = call(address, 0.0, [np.array([5.0])], [1])[0]
    assert (below, above) == ((1, 0) if filler else (0, 0))


@pytest.mark.parametrize("x", [1e-9, 0.1, 0.5, 1.0, 3.7, 9.99, 10.0, 55.5, 1e8, -0.5, -1.3, -10.7])
def test_digamma_and_trigamma_are_right(x):
    # mpmath at 30 digits; the reflection below zero cancels, digamma has zeros: errors against 1 + |value|.
    with mpmath.workdps(30):
        first, second = float(mpmath.digamma(x)), float(mpmath.polygamma(1, x))
    assert abs(special.digamma(x) - first) <= 3e-14 * (1 + abs(first))
    assert abs(special.trigamma(x) - second) <= 3e-14 * (1 + abs(second))
