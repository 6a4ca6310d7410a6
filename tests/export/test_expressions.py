"""Printed expressions mean exactly what the graph means: nothing is re-associated, whatever the shape."""

from __future__ import annotations

import ctypes
import random

import numpy as np
import pytest

from symde.codegen.c_helpers import helper_functions
from symde.codegen.c_printer import CDialect
from symde.codegen.evaluate import evaluate
from symde.codegen.expressions import Dialect, Result, Scope, Temporary, statements
from symde.codegen.graph import BOOLEAN, Graph
from symde.codegen.naming import Names
from symde.codegen.numba_printer import NumbaDialect
from symde.codegen.numpy_printer import NumpyDialect
from tests.export.tools import called, compiled_c, imported

# Operations that every target computes to the last bit, so that any change of order shows. The sign of a zero
# counts too, since it may be divided by; `min`, `max` and `sign` leave it open and are not among them.
EXACT = ("add", "sub", "mul", "div", "neg", "sqrt", "abs", "floor", "ceil", "select")
NUMBERS = (2.0, -3.0, 0.1, -0.0, 1e-300, 7e22)
POINT = (0.7, -1.3, 2.9, 1e-3)


def random_graph(seed: int, size: int) -> tuple[Graph, list[int]]:
    """A graph of random shape with a few roots; shared nodes, deep chains and bare numbers among them."""
    choose = random.Random(seed)
    graph = Graph()
    nodes = [graph.input("u", i) for i in range(len(POINT))]
    nodes += [graph.constant(value) for value in NUMBERS] + [graph.time()]
    conditions = [graph.apply("lt", nodes[0], nodes[1])]
    for _ in range(size):
        op = choose.choice(EXACT)
        recent = nodes[-6:] if choose.random() < 0.7 else nodes
        a, b = choose.choice(recent), choose.choice(nodes)
        if op == "select":
            conditions.append(_condition(graph, choose, conditions, a, b))
            nodes.append(graph.apply("select", choose.choice(conditions), a, b))
        elif op in ("neg", "sqrt", "abs", "floor", "ceil"):
            nodes.append(graph.apply(op, a))
        else:
            nodes.append(graph.apply(op, *choose.sample([a, b], 2)))
    return graph, [nodes[-1], nodes[-2], nodes[0], choose.choice(nodes), nodes[-1]]


def _condition(graph: Graph, choose: random.Random, conditions: list[int], a: int, b: int) -> int:
    op = choose.choice(("lt", "le", "eq", "and", "or", "not"))
    if op == "not":
        return graph.apply("not", choose.choice(conditions))
    if op in ("and", "or"):
        return graph.apply(op, choose.choice(conditions), choose.choice(conditions))
    return graph.apply(op, a, b)


def printed(graph: Graph, roots: list[int], dialect: Dialect, result: str) -> list[str]:
    scope = Scope({("u", i): f"x{i}" for i in range(len(POINT))}, {}, Names().numbered("v"))
    lines = []
    for statement in statements(graph, roots, dialect, scope):
        match statement:
            case Temporary(name, text, boolean):
                kind = "const int " if boolean else "const double "
                lines.append(f"{kind if isinstance(dialect, CDialect) else ''}{name} = {text}")
            case Result(position, text):
                lines.append(f"{result}[{position}] = {text}")
    return lines


def expected(graph: Graph, roots: list[int]) -> np.ndarray:
    values = evaluate(graph, roots, 0.25, {"u": POINT})
    return np.array([values[root] for root in roots], dtype=float)


GRAPHS = [random_graph(seed, size) for seed, size in enumerate([3, 5, 8, 12, 20, 40] * 12 + [400, 3000])]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal numbers, the same ones NaN."""
    return bool(np.array_equal(a, b, equal_nan=True))


@pytest.mark.parametrize(
    ("dialect", "decorator", "graphs"),
    [
        (NumpyDialect, "", GRAPHS),
        # Compiling takes numba a third of a second each.
        (NumbaDialect, '@numba.njit(error_model="numpy")', GRAPHS[:18]),
    ],
)
def test_python_expressions_give_the_value_of_the_graph_to_the_last_bit(dialect, decorator, graphs, tmp_path):
    text = ["import math", "import numba", "import numpy as np"]
    for number, (graph, roots) in enumerate(graphs):
        text += [decorator, f"def f{number}(t, x0, x1, x2, x3, out):"]
        text += [f"    {line}" for line in printed(graph, roots, dialect(), "out")]
    module = imported("\n".join(text), tmp_path)
    t, point = np.float64(0.25), [np.float64(one) for one in POINT]
    with np.errstate(all="ignore"):
        for number, (graph, roots) in enumerate(graphs):
            out = np.empty(len(roots))
            getattr(module, f"f{number}")(t, *point, out)
            assert same(out, expected(graph, roots)), f"graph {number}"


def test_c_expressions_give_the_value_of_the_graph_to_the_last_bit(tmp_path):
    dialect = CDialect()
    functions = []
    for number, (graph, roots) in enumerate(GRAPHS):
        body = "\n".join(f"    {line};" for line in printed(graph, roots, dialect, "out"))
        unused = "(void)t; (void)x0; (void)x1; (void)x2; (void)x3;"
        arguments = "double t, double x0, double x1, double x2, double x3, double *out"
        functions.append(f"void f{number}({arguments})\n{{\n    {unused}\n{body}\n}}\n")
    text = ["#include <math.h>", *helper_functions(dialect.helpers), *functions]
    library = compiled_c("\n".join(text), tmp_path)
    for number, (graph, roots) in enumerate(GRAPHS):
        out = np.empty(len(roots))
        pointer = out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        getattr(library, f"f{number}")(*(ctypes.c_double(one) for one in (0.25, *POINT)), pointer)
        assert same(out, expected(graph, roots)), f"graph {number}"


def chain(op: str, length: int) -> tuple[Graph, list[int]]:
    """x1 op (x0 op (x1 op ...)): as deep as it is long."""
    graph = Graph()
    node = graph.input("u", 0)
    for step in range(length):
        node = graph.apply(op, graph.input("u", step % 2), node)
    return graph, [node]


@pytest.mark.parametrize("op", ["add", "sub", "mul", "atan2"])
def test_nesting_of_any_depth_is_printed_without_recursion_and_cut_into_temporaries(op):
    graph, roots = chain(op, 50_000)
    lines = printed(graph, roots, NumpyDialect(), "out")
    assert len(lines) > 100
    assert max(map(len, lines)) < 2000
    assert max(line.count("(") for line in lines) < 200  # CPython's parser allows 200 open brackets


def test_a_node_read_once_stands_inside_its_reader_and_one_read_twice_is_a_temporary():
    graph = Graph()
    x, y = graph.input("u", 0), graph.input("u", 1)
    once = graph.apply("mul", x, y)
    twice = graph.apply("exp", x)
    roots = [graph.apply("add", once, twice), graph.apply("sub", twice, x)]
    assert printed(graph, roots, NumpyDialect(), "out") == [
        "v1 = np.exp(x0)",
        "out[0] = x0*x1 + v1",
        "out[1] = v1 - x0",
    ]


CASES = {
    "x0 - (x1 - x2)": ("sub", 0, ("sub", 1, 2)),
    "x0 - x1 - x2": ("sub", ("sub", 0, 1), 2),
    "x0/(x1*x2)": ("div", 0, ("mul", 1, 2)),
    "x0/x1*x2": ("mul", ("div", 0, 1), 2),
    "x0*(x1/x2)": ("mul", 0, ("div", 1, 2)),
    "x0*(-x1)": ("mul", 0, ("neg", 1)),
    "-x0*x1": ("mul", ("neg", 0), 1),
    "-(x0 + x1)": ("neg", ("add", 0, 1)),
    "-(-x0)": ("neg", ("neg", 0)),
    "x0 - (-x1*x2)": ("sub", 0, ("mul", ("neg", 1), 2)),
    "(x0**x1)**x2": ("pow", ("pow", 0, 1), 2),
    "x0**(x1**x2)": ("pow", 0, ("pow", 1, 2)),
    "(-x0)**2": ("pow", ("neg", 0), 2.0),
    "-x0**2": ("neg", ("pow", 0, 2.0)),
    "1.0/x0**3": ("pow", 0, -3.0),
    "x0**(-0.5)": ("pow", 0, -0.5),
    "x0*(-2.0)": ("mul", 0, -2.0),
    "-2.0*x0": ("mul", -2.0, 0),
}


@pytest.mark.parametrize("text", CASES)
def test_brackets_stand_where_the_meaning_needs_them_and_nowhere_else(text):
    graph = Graph()

    def node(case) -> int:
        if isinstance(case, tuple):
            return graph.apply(case[0], *(node(part) for part in case[1:]))
        return graph.constant(case) if isinstance(case, float) else graph.input("u", case)

    assert printed(graph, [node(CASES[text])], NumpyDialect(), "out") == [f"out[0] = {text}"]


@pytest.mark.parametrize("value", [0.1, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3, 3e7, 1e22])
def test_numbers_are_read_back_bit_for_bit(value, tmp_path):
    for dialect in (NumpyDialect(), CDialect()):
        assert np.float64(dialect.number(value).text).tobytes() == np.float64(value).tobytes()
    text = f"double number(void)\n{{\n    return {CDialect().number(value).text};\n}}\n"
    function = compiled_c(text, tmp_path, "-std=c99", "-Wall", "-Wextra", "-Werror").number
    function.restype = ctypes.c_double
    assert np.float64(function()).tobytes() == np.float64(value).tobytes()


def test_no_operation_goes_unprinted():
    from symde.codegen.graph import ARITY

    for dialect in (NumpyDialect(), NumbaDialect(), CDialect()):
        for op, arity in ARITY.items():
            graph = Graph()
            leaves = [graph.input("u", i) for i in range(arity)]
            if op in BOOLEAN - {"lt", "le", "eq"} or op == "select":
                leaves[0] = graph.apply("lt", leaves[0], graph.constant(1.0))
            if op in ("and", "or"):
                leaves[1] = graph.apply("le", leaves[1], graph.constant(1.0))
            assert printed(graph, [graph.apply(op, *leaves)], dialect, "out")


NO_NUMBER = [
    ("div", 1.0, 0.0),
    ("div", 0.0, 0.0),
    ("pow", -1.0, 0.5),
    ("pow", 0.0, -1.0),
    ("log", 0.0),
    ("gamma", 0.0),
]


@pytest.mark.parametrize("target", ["numpy", "numba", "c"])
def test_operations_on_bare_numbers_without_a_finite_value_are_left_to_run(target, tmp_path):
    graph = Graph()
    roots = [graph.apply(op, *(graph.constant(one) for one in numbers)) for op, *numbers in NO_NUMBER]
    dialect = {"numpy": NumpyDialect, "numba": NumbaDialect, "c": CDialect}[target]()
    lines = printed(graph, roots, dialect, "out")
    out = np.zeros(len(roots))
    if target == "c":
        body = "".join(f"    {line};\n" for line in lines)
        text = [*helper_functions(dialect.helpers), f"void f(double *out)\n{{\n{body}}}\n"]
        out = called(compiled_c("\n".join(["#include <math.h>", *text]), tmp_path).f, length=len(roots))
    else:
        decorator = '@numba.njit(error_model="numpy")' if target == "numba" else '@np.errstate(all="ignore")'
        imports = ["import math", "import numba", "import numpy as np", "from scipy import special"]
        text = [*imports, decorator, "def f(out):", *(f"    {line}" for line in lines)]
        imported("\n".join(text), tmp_path).f(out)
    assert same(out, expected(graph, roots))
