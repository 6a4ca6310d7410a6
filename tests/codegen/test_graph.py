"""Laws of the graph: equal nodes are one node, and arguments come first."""

from __future__ import annotations

import math

import pytest

from symde.codegen.graph import ARITY, BOOLEAN, Graph
from symde.codegen.powers import integer_exponent, multiplication_chain


def test_equal_operations_are_one_node():
    graph = Graph()
    x, y = graph.input("u", 0), graph.input("u", 1)
    assert graph.apply("add", x, y) == graph.apply("add", x, y)
    assert graph.apply("add", x, y) != graph.apply("add", y, x)
    assert graph.constant(2) == graph.constant(2.0)
    assert graph.time() == graph.time()


def test_zeros_of_both_signs_are_kept_apart():
    graph = Graph()
    assert graph.constant(0.0) != graph.constant(-0.0)
    assert graph.constant(math.nan) == graph.constant(math.nan)


def test_the_first_place_in_the_text_is_remembered():
    graph = Graph()
    x = graph.input("u", 0)
    node = graph.apply("exp", x, span="first")
    assert graph.apply("exp", x, span="second") == node
    assert graph.span[node] == "first"


@pytest.mark.parametrize("op, count", [("add", 1), ("sin", 2), ("nonsense", 1), ("const", 0)])
def test_unknown_operations_are_refused(op, count):
    graph = Graph()
    with pytest.raises(ValueError, match=op):
        graph.apply(op, *[graph.time()] * count)


def test_orders_have_arguments_first_and_only_what_is_needed():
    graph = Graph()
    x, y = graph.input("u", 0), graph.input("u", 1)
    unused = graph.apply("exp", y)
    product = graph.apply("mul", x, x)
    root = graph.apply("add", product, x)
    for order in (graph.reachable([root]), graph.depth_first([root])):
        assert set(order) == {x, product, root}
        assert unused not in order
        place = {node: k for k, node in enumerate(order)}
        assert all(place[argument] < place[node] for node in order for argument in graph.args[node])
    assert graph.inputs_read([root]) == {("u", 0)}


def test_long_chains_do_not_recurse():
    graph = Graph()
    node = graph.time()
    for _ in range(100_000):
        node = graph.apply("sin", node)
    assert len(graph.depth_first([node])) == len(graph.reachable([node])) == 100_001


@pytest.mark.parametrize("exponent", [1, 2, 3, 5, 7, 16, 31, 63, 64])
def test_chains_of_products_give_the_power(exponent):
    powers = [1]
    for a, b in multiplication_chain(exponent):
        powers.append(powers[a] + powers[b])
    assert powers[-1] == exponent
    assert len(powers) - 1 <= 2 * math.log2(exponent)


@pytest.mark.parametrize(
    "exponent, expected",
    [(2.0, 2), (-3.0, -3), (0.0, 0), (64.0, 64), (65.0, None), (0.5, None), (math.inf, None)],
)
def test_only_small_whole_powers_are_products(exponent, expected):
    graph = Graph()
    node = graph.apply("pow", graph.time(), graph.constant(exponent))
    assert integer_exponent(graph, node) == expected


def test_truth_values_are_operations():
    assert BOOLEAN <= ARITY.keys()
