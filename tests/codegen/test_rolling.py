"""Kernels with loops give what the interpreter gives; their code grows with shapes, not with sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symde.codegen import llvm, llvm_rolled
from symde.codegen.call import call
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.rolling import SMALLEST_GROUP, levels
from symde.native import load_ir
from tests.problems import get

from .graphs import BINARY

ROUNDING = 1e-13
"""Multiplications and additions may be fused in another way; sums here have few terms, of size one."""


@pytest.fixture(autouse=True)
def every_kernel_is_large(monkeypatch):
    monkeypatch.setattr(llvm_rolled, "ROLLED_FROM", 1)
    monkeypatch.setattr(llvm, "DIRECT", 0)


def kernel_of(graph, *outputs, n=0):
    """A kernel over u with these outputs."""
    named = tuple(Output(f"out{k}", tuple(nodes)) for k, nodes in enumerate(outputs))
    return Kernel("values", graph, (Vector("u", n),), named)


def assert_right(kernel, u, t=0.3):
    code, found = call(
        load_ir(ir_module([kernel])).address("values"), t, [u], [len(one.nodes) for one in kernel.outputs]
    )
    assert code == 0
    values = evaluate(kernel.graph, kernel.roots(), t, {"u": u})
    for output, vector in zip(kernel.outputs, found, strict=True):
        expected = np.array([values[node] for node in output.nodes], dtype=float)
        np.testing.assert_allclose(vector, expected, rtol=ROUNDING, atol=ROUNDING)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_repeated_expressions_agree_with_the_interpreter(data):
    """The same random operations at each of many points, with numbers of their own and shared values."""
    graph, points = Graph(), SMALLEST_GROUP + data.draw(st.integers(0, 4))
    u = [graph.input("u", i) for i in range(points + 2)]
    operations = [op for op in (*BINARY, "select", "sin", "exp", "square") if op not in ("pow", "mod")]
    plan = [
        (data.draw(st.sampled_from(operations)), [data.draw(st.integers(0, k + 4)) for _ in range(4)])
        for k in range(data.draw(st.integers(1, 8)))
    ]
    first, second = [], []
    for i in range(points):
        nodes = [u[i], u[i + 1], u[i + 2], graph.constant(0.5 + 0.1 * i), graph.time()]
        for op, pick in plan:
            a, b, c, d = (nodes[k] for k in pick)
            if op == "select":
                nodes.append(graph.apply("select", graph.apply("lt", a, b), c, d))
            elif op == "square":
                nodes.append(graph.apply("pow", a, graph.constant(2.0)))
            else:
                nodes.append(graph.apply(op, a, b) if op in BINARY else graph.apply(op, a))
        first.append(nodes[-1])
        second.append(nodes[len(nodes) // 2])
    values = np.cos(np.arange(points + 2)) + 1.5
    known = evaluate(graph, [*first, *second], 0.3, {"u": values})
    if not all(np.isfinite(known[node]) and abs(known[node]) < 1e3 for node in (*first, *second)):
        return  # where terms of any size may cancel, rounding has no bound
    assert_right(kernel_of(graph, first, second, first[:3], n=points + 2), values)


def test_numbers_time_inputs_and_one_value_go_to_many_places():
    graph = Graph()
    u = [graph.input("u", i) for i in range(12)]
    product = graph.apply("mul", u[0], u[1])
    places = [product, *u, *[product] * 9, graph.time(), graph.constant(2.5), *[graph.constant(1.0)] * 20]
    assert_right(kernel_of(graph, places, places[::-1], n=12), np.linspace(0.5, 1.6, 12))


def test_a_condition_that_several_expressions_read_is_kept_as_a_truth_value():
    graph = Graph()
    u = [graph.input("u", i) for i in range(40)]
    nodes = []
    for i in range(0, 40, 2):
        larger = graph.apply("lt", u[i], u[i + 1])
        nodes += [
            graph.apply("select", larger, u[i], u[i + 1]),
            graph.apply("select", larger, u[i + 1], u[i]),
        ]
    assert_right(kernel_of(graph, nodes, n=40), np.sin(np.arange(40.0)))


def test_nan_stays_nan():
    graph = Graph()
    u = [graph.input("u", i) for i in range(16)]
    kernel = kernel_of(graph, [graph.apply("sqrt", one) for one in u], n=16)
    _, (found,) = call(load_ir(ir_module([kernel])).address("values"), 0.0, [np.full(16, -1.0)], [16])
    assert np.isnan(found).all()


@pytest.mark.parametrize("piece", [7, 400])
@pytest.mark.parametrize("name", ["brusselator", "pollu", "hires", "pleiades"])
def test_models_of_the_library_keep_their_values(name, piece, monkeypatch):
    monkeypatch.setattr(llvm, "PIECE", piece)
    system = get(name).problem.system
    model, problem = system.kernels.model_graph, get(name).problem
    kernel = model.kernel("rhs_jacobian")
    lengths = [len(output.nodes) for output in kernel.outputs]
    inputs = [problem.u0 + 0.1, problem.p]
    code, found = call(load_ir(ir_module([kernel])).address(kernel.name), 0.2, inputs, lengths)
    assert code == 0
    values = evaluate(kernel.graph, kernel.roots(), 0.2, {"u": inputs[0], "p": inputs[1]})
    for output, vector in zip(kernel.outputs, found, strict=True):
        expected = np.array([values[node] for node in output.nodes], dtype=float)
        scale = np.abs(expected).max(initial=1e-300)
        np.testing.assert_allclose(vector, expected, rtol=1e-11, atol=1e-13 * scale)


def test_a_grid_four_times_as_large_has_the_same_code():
    def grid(n):
        graph = Graph()
        u = [graph.input("u", i) for i in range(n)]
        rows = []
        for i in range(1, n - 1):
            left, right = graph.apply("sub", u[i - 1], u[i]), graph.apply("sub", u[i + 1], u[i])
            cube = graph.apply("mul", graph.apply("mul", u[i], u[i]), u[i])
            rows.append(graph.apply("add", graph.apply("add", left, right), cube))
        return kernel_of(graph, rows, n=n)

    def code(n):
        return [line for line in ir_module([grid(n)]).splitlines() if not line.startswith("@")]

    assert len(code(100)) == len(code(400))
    (level,), _ = levels(grid(100))
    assert [len(group) for group in level.groups] == [98] and not level.rest
