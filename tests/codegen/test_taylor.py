"""Taylor coefficients are those of 50-digit arithmetic, for every operation, in both forms of kernel."""

from __future__ import annotations

import ctypes
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import symde
from symde.codegen.call import call, pointer_table
from symde.codegen.graph import ARITY
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.taylor import recurrences
from symde.codegen.taylor_kernel import LEAST, MOST, UNROLLED, taylor_kernel
from symde.codegen.taylor_rows import in_rows
from symde.codegen.taylor_unrolled import NAME, length, unrolled
from symde.native import load_ir

FORMS = ("unrolled", "rows")
PRECISE = mpmath.mp.clone()
PRECISE.dps = 50
SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)
START = 0.125  # a binary fraction, so that both sides expand at the same point
Q = 1.7


def x(t):
    return PRECISE.mpf("0.3") + t / 2 - t**2 / 5


def y(t):
    return PRECISE.mpf("0.7") - t / 3 + t**3 / 4


def q():
    return PRECISE.mpf(Q)


# expression of the model, the same in mpmath; x(START) = 0.359..., y(START) = 0.658...
OPERATIONS = {
    "x + y": lambda x, y: x + y,
    "2 - x": lambda x, y: 2 - x,
    "-x*y": lambda x, y: -x * y,
    "x*x": lambda x, y: x * x,
    "(q*x)*(q*x)": lambda x, y: (q() * x) ** 2,
    "(2 - x)*(-y)": lambda x, y: (2 - x) * -y,
    "(x - y)*(y - x)": lambda x, y: -((x - y) ** 2),
    "x/y": lambda x, y: x / y,
    "(q*x)/(2*y)": lambda x, y: q() * x / (2 * y),
    "2/y": lambda x, y: 2 / y,
    "y/q": lambda x, y: y / q(),
    "sqrt(x)": lambda x, y: PRECISE.sqrt(x),
    "x^3": lambda x, y: x**3,
    "x^-2": lambda x, y: x**-2,
    "x^-1.5": lambda x, y: x ** PRECISE.mpf(-1.5),
    "x^0.5": lambda x, y: PRECISE.sqrt(x),
    "x^q": lambda x, y: x ** q(),
    "x^y": lambda x, y: x**y,
    "2^y": lambda x, y: 2**y,
    "exp(x)": lambda x, y: PRECISE.exp(x),
    "log(x)": lambda x, y: PRECISE.log(x),
    "log2(x)": lambda x, y: PRECISE.log(x, 2),
    "log10(x)": lambda x, y: PRECISE.log10(x),
    "sin(x)": lambda x, y: PRECISE.sin(x),
    "cos(x)": lambda x, y: PRECISE.cos(x),
    "sin(x)*cos(x)": lambda x, y: PRECISE.sin(x) * PRECISE.cos(x),
    "tan(x)": lambda x, y: PRECISE.tan(x),
    "asin(x)": lambda x, y: PRECISE.asin(x),
    "acos(x)": lambda x, y: PRECISE.acos(x),
    "atan(x)": lambda x, y: PRECISE.atan(x),
    "atan2(y, x)": lambda x, y: PRECISE.atan(y / x),
    "atan2(2, x)": lambda x, y: PRECISE.atan(2 / x),
    "atan2(y, 2)": lambda x, y: PRECISE.atan(y / 2),
    "sinh(x)": lambda x, y: PRECISE.sinh(x),
    "cosh(x)": lambda x, y: PRECISE.cosh(x),
    "tanh(x)": lambda x, y: PRECISE.tanh(x),
    "erf(x)": lambda x, y: PRECISE.erf(x),
    "abs(x - 1)": lambda x, y: 1 - x,
    "min(x, y)": lambda x, y: x,
    "max(x, y)": lambda x, y: y,
    "max(x, 1)*x": lambda x, y: x,
    "mod(y, x)": lambda x, y: y - x,
    "mod(y, 0.5)": lambda x, y: y - PRECISE.mpf(0.5),
    "mod(2, x)": lambda x, y: 2 - 5 * x,
    "sign(x)*y": lambda x, y: y,
    "floor(7*x)*y": lambda x, y: 2 * y,
    "ceil(7*x)*y": lambda x, y: 3 * y,
    "ifelse(x < y, x*x, y)": lambda x, y: x * x,
    "ifelse(x < y, 2, y)": lambda x, y: PRECISE.mpf(2),
    "ifelse(x > y, 2, y)": lambda x, y: y,
    "ifelse(x <= y and not x == y or x > 3, x, 2)": lambda x, y: x,
    "q*sin(2)": lambda x, y: q() * PRECISE.sin(2),
}


def kernel(model, form):
    """Address and stride of a model's kernel."""
    graph = ModelGraph(model.definition)
    n = len(graph.lowered.states)
    jets = recurrences(graph.lowered.graph, graph.lowered.rhs, n)
    padded = -(-n // 4) * 4
    if form == "rows":
        text, stride = in_rows(jets, graph.inputs(), padded)
    else:
        text, stride = unrolled(jets, graph.inputs(), padded, LEAST, MOST), padded
    return load_ir(text).address(NAME), stride


def jet(model, form, u, p=(), t=0.0, order=MOST):
    """Coefficients 0 to `order` of the states, shape (order + 1, n)."""
    address, stride = kernel(model, form)
    empty = [np.zeros(1)] * 6
    tape = np.zeros((MOST + 1) * stride + 8)  # as the engine gives it: what the kernel leaves out is zero
    inputs = [np.array(u, dtype=float), np.array(p if len(p) else [0.0]), *empty, np.array([float(order)])]
    tables = pointer_table(inputs), pointer_table([tape])
    assert SIGNATURE(address)(t, *(table.ctypes.data for table in tables)) == 0
    return tape[: (order + 1) * stride].reshape(order + 1, stride)[:, : len(u)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("expression", OPERATIONS)
def test_every_operation_has_the_coefficients_of_50_digit_arithmetic(expression, form):
    model = symde.ode_def(
        f"model m\n param q = {Q}\n state u = 0\n x = 0.3 + t/2 - t^2/5\n y = 0.7 - t/3 + t^3/4\n"
        f" u' = {expression}\nend"
    )
    found = jet(model, form, [0.0], [Q], START)[1:, 0]
    function = OPERATIONS[expression]
    series = PRECISE.taylor(lambda t: function(x(t), y(t)), PRECISE.mpf(START), MOST - 1)
    expected = np.array([float(c / (k + 1)) for k, c in enumerate(series)])
    # coefficients of one order may cancel: each against the largest of its neighbours; x^y loses two digits
    scale = np.maximum.reduce([np.abs(np.roll(np.pad(expected, 1), shift))[1:-1] for shift in (-1, 0, 1)])
    assert np.all(np.abs(found - expected) <= 2e-14 * scale + 1e-30)


def test_every_operation_of_the_graph_is_tried():
    tried: set[str] = set()
    for expression in OPERATIONS:
        text = f"model m\n param q = 1\n state x = 1, y = 1\n x' = {expression}\n y' = 1\nend"
        tried.update(ModelGraph(symde.ode_def(text).definition).lowered.graph.op)
    assert set(ARITY) - tried == {"gamma", "digamma", "trigamma"}  # which are refused


@pytest.mark.parametrize("form", FORMS)
def test_lotka_volterra_has_the_coefficients_of_rational_arithmetic(form):
    model = symde.ode_def(
        "model L\n param a = 1.5, b = 0.5\n state x = 1, y = 2\n x' = a*x - b*x*y\n y' = -3*y + x*y\nend"
    )
    a, b = Fraction(3, 2), Fraction(1, 2)
    xs, ys = [Fraction(1)], [Fraction(2)]
    for k in range(MOST):
        product = sum(xs[j] * ys[k - j] for j in range(k + 1))
        xs.append((a * xs[k] - b * product) / (k + 1))
        ys.append((-3 * ys[k] + product) / (k + 1))
    found = jet(model, form, [1.0, 2.0], [1.5, 0.5])
    np.testing.assert_allclose(found, np.array([xs, ys], dtype=float).T, rtol=1e-12)  # sums cancel two digits


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", (LEAST, 5, 11, MOST))
def test_a_kernel_stops_at_the_order_it_is_asked_for(form, order):
    model = symde.ode_def("model E\n state u = 1\n u' = u\nend")
    found = jet(model, form, [1.0], order=order)[:, 0]
    expected = [float(1 / PRECISE.factorial(k)) for k in range(order + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    if order < MOST:
        address, stride = kernel(model, form)
        _, (tape,) = call(
            address, 0.0, [[1.0], [0.0], *[[0.0]] * 6, [float(order)]], [stride * (MOST + 1) + 8]
        )
        assert np.isnan(tape[(order + 1) * stride :: stride][0])  # nothing is written beyond


@pytest.mark.parametrize("count", (1, 2, 3, 5, 6, 11, 13, 16, 17, 27, 37))
def test_sums_side_by_side_are_each_what_they_are_alone(count):
    """All widths of vectors, full or not, and values that are read in another order than they are made."""
    rows = "".join(
        f" x{i}' = sin(x{i})*y{count - 1 - i} + x{i}^2/y{i}\n"
        f" y{i}' = -y{i}*exp(-x{i})/sqrt(y{(i + 1) % count})\n"
        for i in range(count)
    )
    states = "".join(f" state x{i} = 1\n state y{i} = 1\n" for i in range(count))
    model = symde.ode_def(f"model m\n{states}{rows}end")
    u = 1.0 + np.sin(1.0 + np.arange(2.0 * count)) / 3
    both = (
        [jet(model, form, u, order=12) for form in FORMS]
        if count <= 13
        else [jet(model, "rows", u, order=12)]
    )
    np.testing.assert_allclose(both[0], both[-1], rtol=1e-11, atol=1e-13)
    if count > 13:  # too long for straight-line code: two coefficients by hand
        xs, ys = u[::2], u[1::2]
        np.testing.assert_allclose(both[0][1, ::2], np.sin(xs) * ys[::-1] + xs**2 / ys, rtol=1e-14)
        np.testing.assert_allclose(both[0][1, 1::2], -ys * np.exp(-xs) / np.sqrt(np.roll(ys, -1)), rtol=1e-14)
        dx, dy = both[0][1, ::2], both[0][1, 1::2]
        second = np.cos(xs) * dx * ys[::-1] + np.sin(xs) * dy[::-1] + 2 * xs * dx / ys - xs**2 * dy / ys**2
        np.testing.assert_allclose(both[0][2, ::2], second / 2, rtol=1e-13)


def test_products_that_differ_by_constants_are_made_once():
    graph = ModelGraph(
        symde.ode_def(
            "model m\n param a = 2, b = 3\n state x = 1, y = 1\n"
            " x' = a*x*y + (x - y)/(1 + y)\n y' = -b*x*y + b*(y - x)/(1 + y)\nend"
        ).definition
    ).lowered
    jets = recurrences(graph.graph, graph.rhs, 2)
    assert sorted(jet.op for jet in jets.jets if jet.op in ("mul", "div")) == ["div", "mul"]


def test_the_form_follows_the_length():
    small = ModelGraph(symde.ode_def("model E\n state u = 1\n u' = u^2\nend").definition)
    assert taylor_kernel(small).form == "unrolled"
    states = "".join(f" state x{i} = 1\n x{i}' = sin(x{i})*x{(i + 1) % 40}\n" for i in range(40))
    large = ModelGraph(symde.ode_def(f"model m\n{states}end").definition)
    jets = recurrences(large.lowered.graph, large.lowered.rhs, 40)
    assert length(jets, MOST) > UNROLLED
    assert taylor_kernel(large).form == "rows"


def test_functions_without_recurrence_are_refused_by_name():
    lowered = ModelGraph(symde.ode_def("model m\n state u = 1\n u' = gamma(1 + u)\nend").definition).lowered
    with pytest.raises(ValueError, match="cannot take `gamma`.*Vern7"):
        recurrences(lowered.graph, lowered.rhs, 1)
    # of a constant it is a constant
    lowered = ModelGraph(symde.ode_def("model m\n state u = 1\n u' = u*gamma(3)\nend").definition).lowered
    recurrences(lowered.graph, lowered.rhs, 1)


def test_the_model_s_own_graph_does_not_grow():
    lowered = ModelGraph(symde.ode_def("model m\n state u = 1\n u' = tan(u)/u\nend").definition).lowered
    before = len(lowered.graph)
    recurrences(lowered.graph, lowered.rhs, 1)
    assert len(lowered.graph) == before


def test_branches_on_what_changes_are_noticed():
    def kinks(expression):
        lowered = ModelGraph(
            symde.ode_def(f"model m\n param q = 1\n state u = 1\n u' = {expression}\nend").definition
        ).lowered
        return recurrences(lowered.graph, lowered.rhs, 1).kinks

    assert all(kinks(one) for one in ("abs(u)", "max(u, 1)", "ifelse(t < 1, u, 2)", "floor(t)", "sign(u)"))
    assert not any(kinks(one) for one in ("u^3", "abs(q)*u", "ifelse(q < 1, u, 2*u)"))
