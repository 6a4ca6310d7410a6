"""Loops in lanes: the numbers of the graph's interpreter, for layers of any size and their derivatives."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import symde
from symde.codegen.adjoints import AdjointGraph
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.llvm_lanes import in_order
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.rolling import levels
from symde.native import load_ir


def run(kernel: Kernel, given: dict[str, np.ndarray], t: float = 0.0) -> list[np.ndarray]:
    """The outputs of a compiled kernel."""
    vectors = [np.ascontiguousarray(given.get(one.name, np.zeros(1)), dtype=float) for one in kernel.inputs]
    # what lies behind an output must stay as it is
    outputs = [np.full(len(one.nodes) + 4, 7.0) for one in kernel.outputs]
    address = load_ir(ir_module([kernel])).address(kernel.name)
    entry = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)(address)
    tables = [(ctypes.c_void_p * len(one))(*(x.ctypes.data for x in one)) for one in (vectors, outputs)]
    assert entry(t, *(ctypes.addressof(one) for one in tables)) == 0
    assert all((one[-4:] == 7.0).all() for one in outputs)
    return [one[:-4] for one in outputs]


def interpreted(kernel: Kernel, given: dict[str, np.ndarray], t: float = 0.0) -> list[np.ndarray]:
    """The same by the interpreter."""
    values = evaluate(kernel.graph, kernel.roots(), t, given)
    return [np.array([values[node] for node in one.nodes], dtype=float) for one in kernel.outputs]


def network_graph(sizes: list[int], activation: str) -> ModelGraph:
    names = [f"x{i}" for i in range(sizes[0])]
    outputs = [f"y{i}'" for i in range(sizes[-1])]
    values = ", ".join(outputs)
    left = f"({values})" if len(outputs) > 1 else values
    states = [f"{name}' = -t*{name}" for name in names]
    text = "\n".join(
        [f"extern net({', '.join(names)}) -> {len(outputs)}", *states, f"{left} = net({', '.join(names)})"]
    )
    layers = [
        symde.Dense(a, b, activation if k < len(sizes) - 2 else None)
        for k, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False))
    ]
    return ModelGraph(symde.ode_def(text).bind(net=symde.Network(layers)).definition)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "silu", "softplus", "relu"])
@pytest.mark.parametrize("sizes", [[1, 8, 1], [2, 50, 2], [3, 13, 9, 2], [9, 17, 11]], ids=str)
def test_networks_and_their_products_are_those_of_the_interpreter(sizes: list[int], activation: str) -> None:
    model, random = network_graph(sizes, activation), np.random.default_rng(4)
    n, m = len(model.lowered.states), len(model.lowered.parameters)
    given = {"u": random.normal(size=n), "p": random.normal(size=m), "adjoint": random.normal(size=n)}
    given["direction"] = random.normal(size=n)
    products = AdjointGraph(model)
    for kernel in (model.kernel("rhs"), model.kernel("jacobian_vector"), products.kernel("adjoint")):
        for found, expected in zip(run(kernel, given, 0.4), interpreted(kernel, given, 0.4), strict=True):
            # sums of up to 50 terms of size 1, fused or not
            assert np.allclose(found, expected, rtol=1e-12, atol=1e-13), kernel.name


def test_a_layer_is_a_loop_of_vectors() -> None:
    model = network_graph([2, 50, 2], "tanh")
    text = ir_module([model.kernel("rhs"), AdjointGraph(model).kernel("adjoint")])
    assert "<4 x double>" in text and "@tanh(" not in text


def test_few_functions_stay_straight_code() -> None:
    text = ir_module([network_graph([2, 4, 2], "tanh").kernel("rhs")])
    assert "<4 x double>" not in text and "@tanh(" in text


def _group(places: list[tuple[int, int]]) -> Kernel:
    """exp(u[i]*p[j]) for each pair."""
    graph = Graph()
    nodes = tuple(
        graph.apply("exp", graph.apply("mul", graph.input("u", i), graph.input("p", j))) for i, j in places
    )
    inputs = tuple(Vector(name, 40 if name in "up" else 0) for name in INPUTS)
    return Kernel("group", graph, inputs, (Output("values", nodes),))


PLACES = {
    "in a row": [(i, 3) for i in range(11)],
    "backwards": [(20 - i, i) for i in range(12)],
    "every third": [(3 * i, 2 * i) for i in range(9)],
    "a grid": [(i, j) for i in range(4) for j in range(9)],
    "a narrow grid": [(i, j) for i in range(19) for j in range(2)],
    "irregular": [(i * i % 23, (7 * i) % 11) for i in range(20)],
}


@pytest.mark.parametrize("name", PLACES)
def test_places_of_any_pattern_are_read_and_written_right(name: str) -> None:
    kernel, random = _group(PLACES[name]), np.random.default_rng(1)
    given = {"u": random.normal(size=40), "p": random.normal(size=40)}
    (found,), (expected,) = run(kernel, given), interpreted(kernel, given)
    assert np.allclose(found, expected, rtol=4e-16, atol=0.0)
    found_levels, kept = levels(kernel)
    orders = [in_order(kernel, group, kept) for level in found_levels for group in level.groups]
    assert all((order is None) == (name == "irregular") for order in orders)


def test_every_operation_of_lanes_is_that_of_the_interpreter() -> None:
    graph, count = Graph(), 17
    nodes = []
    for i in range(count):
        x, y = graph.input("u", i), graph.input("p", i)
        one, power = graph.constant(1.0), graph.apply("pow", x, graph.constant(-3.0))
        near = graph.apply("lt", graph.apply("abs", x), one)
        both = graph.apply("and", near, graph.apply("not", graph.apply("le", y, graph.constant(0.0))))
        either = graph.apply("or", both, graph.apply("eq", x, y))
        chosen = graph.apply(
            "select", either, graph.apply("sqrt", graph.apply("abs", y)), graph.apply("sign", x)
        )
        ends = graph.apply("max", graph.apply("min", x, y), graph.apply("floor", x))
        total = graph.apply(
            "add", graph.apply("sub", chosen, ends), graph.apply("div", power, graph.apply("exp", y))
        )
        nodes.append(graph.apply("mul", graph.apply("neg", total), graph.apply("ceil", graph.time())))
    inputs = tuple(Vector(name, count if name in "up" else 0) for name in INPUTS)
    kernel = Kernel("everything", graph, inputs, (Output("values", tuple(nodes)),))
    assert "<4 x double>" in ir_module([kernel])
    random = np.random.default_rng(2)
    for special in (np.nan, np.inf, -0.0, 0.5):
        given = {"u": random.normal(size=count), "p": random.normal(size=count)}
        given["u"][3], given["p"][8], given["p"][4] = special, special, given["u"][4]
        with np.errstate(all="ignore"):
            (expected,) = interpreted(kernel, given, 1.5)
        (found,) = run(kernel, given, 1.5)
        assert np.allclose(found, expected, rtol=1e-14, atol=1e-15, equal_nan=True)
