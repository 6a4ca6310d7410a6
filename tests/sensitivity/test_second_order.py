"""Hessians and their products: against closed forms, and against differences of exact gradients."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symde
from symde.sensitivity import registry
from symde.sensitivity.run import prepare
from symde.sensitivity.tangent import Direction, tangent_run
from tests.problems import get

TIGHT = {"rtol": 1e-11, "atol": 1e-13}


def squares(u: np.ndarray) -> tuple:
    """The sum of squares of the saved states."""
    return (u**2).sum(), 2 * u, lambda v: 2 * v


def quartic(u: np.ndarray) -> tuple:
    """A loss whose second derivative depends on the states."""
    residual = u - 1.5
    return (residual**4).sum(), 4 * residual**3, lambda v: 12 * residual**2 * v


FORCED = """
model Forced
  param a = 1.5, b = 1, c = 3, d = 1
  state x = a/1.5
  state y = b^2
  time 0 .. 3
  x' = a*x*(1 + 0.3*sin(t)) - b*x*y
  y' = -c*y + d*x*y
end
"""


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("method", ["Vern7", "Rodas5P"])
def test_the_hessian_of_exponential_growth_is_the_closed_form(method, sensealg):
    problem = symde.Problem("x' = k*x; x(0) = 1.3; param k = 0.7", tspan=(0, 2))
    times = np.array([0.5, 1.0, 2.0])
    found = symde.hessian(squares, problem, method, wrt=("k", "x"), saveat=times, sensealg=sensealg, **TIGHT)
    # L = sum x0^2 exp(2 k t)
    x0, grown = 1.3, np.exp(1.4 * times)
    mixed = (4 * times * x0 * grown).sum()
    expected = [[(4 * times**2 * x0**2 * grown).sum(), mixed], [mixed, (2 * grown).sum()]]
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-9)
    np.testing.assert_allclose(found.gradient["k"], (2 * times * x0**2 * grown).sum(), rtol=1e-9)
    assert found.names == ("k", "x(0)")
    assert found["k", "x(0)"] == found.matrix[0, 1]
    assert found.value == pytest.approx((x0**2 * grown).sum(), rel=1e-9)
    assert found.asymmetry < 1e-9


def differences(gradient, x: np.ndarray) -> np.ndarray:
    """The derivative of a gradient by central differences of fourth order."""
    rows = []
    for j in range(len(x)):
        h = 5e-4 * max(abs(x[j]), 1.0)
        unit = np.eye(len(x))[j] * h
        near = gradient(x + unit) - gradient(x - unit)
        far = gradient(x + 2 * unit) - gradient(x - 2 * unit)
        rows.append((8 * near - far) / (12 * h))
    return np.array(rows)


def assert_is_derivative_of_gradient(found, expected, rtol):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.matrix, expected, rtol=0, atol=rtol * scale)
    assert (found.matrix == found.matrix.T).all()


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("method", ["Vern7", "Rodas5P"])
def test_hessians_by_parameters_and_initial_values_are_derivatives_of_gradients(method, sensealg):
    model = symde.ode_def(FORCED)
    wrt = ("p", "u0")

    def gradient(x):
        problem = symde.Problem(model, p=x[:4], u0=x[4:])
        options = {"wrt": wrt, "saveat": 0.5, "sensealg": "discrete", **TIGHT}
        return symde.value_and_grad(quartic, problem, "Vern7", **options)[1].vector()

    x = np.array([1.5, 1, 3, 1, 1, 1])
    problem = symde.Problem(model, u0=x[4:])
    found = symde.hessian(quartic, problem, method, wrt=wrt, saveat=0.5, sensealg=sensealg, **TIGHT)
    assert_is_derivative_of_gradient(found, differences(gradient, x), 1e-7)
    np.testing.assert_allclose(found.gradient.vector(), gradient(x), rtol=1e-8)
    assert found.asymmetry < 1e-8


def function_of_p(p):
    return [p[0] / 1.5, p[1] ** 2]


@pytest.mark.parametrize("u0", [None, function_of_p], ids=["in the text", "a function"])
def test_initial_values_that_follow_parameters_are_differentiated_twice(u0):
    model = symde.ode_def(FORCED)

    def gradient(p):
        problem = symde.Problem(model, p=p, u0=u0)
        options = {"wrt": "p", "saveat": 0.5, "sensealg": "discrete", **TIGHT}
        return symde.value_and_grad(quartic, problem, "Vern7", **options)[1].vector()

    problem = symde.Problem(model, u0=u0)
    found = symde.hessian(quartic, problem, "Vern7", wrt="p", saveat=0.5, **TIGHT)
    assert_is_derivative_of_gradient(found, differences(gradient, problem.p), 1e-7)


def test_defaults_that_follow_other_parameters_are_differentiated_twice():
    # x(1) = a exp(-c), c = a b^2: all second derivatives of x in a and b come through the default
    model = symde.ode_def("""
    model Chain
      param a = 1.2, b = 0.8
      param c = a*b^2
      state x = a
      time 0 .. 1
      x' = -c*x
    end
    """)

    def loss(u):
        return u[0, 0], np.ones_like(u), lambda v: 0 * v

    found = symde.hessian(loss, symde.Problem(model), "Vern7", wrt=("a", "b"), **TIGHT)
    a, b = 1.2, 0.8
    decay = np.exp(-a * b**2)
    expected = [
        [decay * (-2 * b**2 + a * b**4), decay * (-4 * a * b + 2 * a**2 * b**3)],
        [decay * (-4 * a * b + 2 * a**2 * b**3), decay * (-2 * a**2 + 4 * a**3 * b**2)],
    ]
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-9)


def test_a_product_is_the_hessian_times_the_vector():
    problem = symde.Problem(FORCED)
    options = {"wrt": ("p", "x"), "saveat": 0.5, **TIGHT}
    whole = symde.hessian(quartic, problem, "Vern7", **options)
    vector = np.array([0.3, -1.0, 0.5, 2.0, -0.7])
    flat = symde.hessian_vector_product(quartic, problem, vector, "Vern7", **options)
    by_name = {"x": -0.7, "p": vector[:4]}
    named = symde.hessian_vector_product(quartic, problem, by_name, "Vern7", **options)
    assert tuple(flat) == ("p", "x")
    np.testing.assert_allclose(flat.vector(), np.asarray(whole) @ vector, rtol=1e-8)
    np.testing.assert_allclose(named.vector(), flat.vector(), rtol=1e-12)


def test_the_hessian_of_a_stiff_problem_is_the_derivative_of_its_gradient():
    case = get("hires")
    model, names = case.problem.model, case.problem.system.state_names
    problem = symde.Problem(model, tspan=(0, 20))
    options = {"wrt": names[:3], "saveat": [1.0, 20.0], "sensealg": "discrete", "rtol": 1e-9, "atol": 1e-12}

    def gradient(u0):
        moved = symde.remake(problem, u0=dict(zip(names[:3], u0, strict=True)))
        return symde.value_and_grad(squares, moved, "Rodas5P", **options)[1].vector()

    found = symde.hessian(squares, problem, "Rodas5P", **options)
    assert_is_derivative_of_gradient(found, differences(gradient, problem.u0[:3]), 1e-5)


def test_parameters_of_very_different_sizes_are_each_exact():
    # rates of 0.04, 1e4 and 3e7; each derivative times its rates
    case = get("rober_1e5")
    problem = symde.Problem(case.problem.model, tspan=(0, 100))
    options = {"wrt": "p", "saveat": [1.0, 100.0], "sensealg": "discrete", "rtol": 1e-9, "atol": 1e-13}

    def gradient(logarithms):
        p = np.exp(logarithms)
        return symde.value_and_grad(squares, symde.remake(problem, p=p), "Rodas5P", **options)[1]["p"] * p

    found = symde.hessian(squares, problem, "Rodas5P", **options)
    p = problem.p
    # d2L/dlog2 = p p' H + diag(p g)
    scaled = found.matrix * np.outer(p, p) + np.diag(p * found.gradient["p"])
    expected = differences(gradient, np.log(p))
    np.testing.assert_allclose(scaled, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert found.asymmetry < 1e-6


GROWTH = """
model Growth
  param k = 0.7, T = 2, c = 1.1, s = 0.2
  state x = 1.3
  q = c*t*x^2
  time s^2 .. T
  x' = k*x
end
"""


def half_squares(q: np.ndarray) -> tuple:
    """Half the sum of squares."""
    return (q**2).sum() / 2, q, lambda v: v


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("method", ["Vern7", "Rodas5P"])
@pytest.mark.parametrize("span", [None, lambda p: (p[3] ** 2, p[1])], ids=["in the text", "a function"])
def test_the_hessian_of_quantities_over_a_span_that_moves_is_the_closed_form(span, method, sensealg):
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=span)
    wrt = ("k", "T", "c", "s", "x")
    found = symde.hessian(half_squares, problem, method, wrt=wrt, of=("q", "k"), sensealg=sensealg, **TIGHT)
    k, end, c, s, x = at = sympy.symbols("k T c s x")
    loss = (c * end * x**2 * sympy.exp(2 * k * (end - s**2))) ** 2 / 2 + k**2 / 2
    values = dict(zip(at, (0.7, 2.0, 1.1, 0.2, 1.3), strict=True))
    expected = np.array(sympy.hessian(loss, at).subs(values), dtype=float)
    gradient = [float(loss.diff(y).subs(values)) for y in at]
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-8)
    np.testing.assert_allclose(found.gradient.vector(), gradient, rtol=1e-8)
    assert found.value == pytest.approx(float(loss.subs(values)), rel=1e-9)


MOVING = """
model Moving
  param k = 0.7, T = 2, c = 1.1
  param d = 2*k
  state x = 1.3*k + sin(k*t0), y = 1
  q = c*x^2*sin(t) + y
  time c*k^2 .. T^2*k
  x' = -k*x + cos(t)
  y' = d*x*y/10 - y*t
end
"""


SPANS = {
    "in the text": {},
    "start alone": {"tspan": lambda p: (p[2] * p[0] ** 2, 3.0)},
    "end alone": {"tspan": lambda p: (0.5, p[1] ** 2 * p[0])},
    "functions": {
        "u0": lambda p: [p[0] * p[2], 1.2 * p[1]],
        "tspan": lambda p: (p[2] * p[0] ** 2, p[1] ** 2 * p[0]),
    },
}


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("of", [None, ("q", "y", "T")], ids=str)
@pytest.mark.parametrize("saveat", [None, [1.1, 2.0]], ids=["the end", "points inside"])
def test_hessians_over_spans_that_move_are_derivatives_of_gradients(saveat, of, span):
    model = symde.ode_def(MOVING)
    options = {"wrt": ("k", "T", "c"), "of": of, "saveat": saveat, "rtol": 1e-12, "atol": 1e-13}

    def gradient(x):
        problem = symde.Problem(model, p=dict(zip("kTc", x, strict=True)), **SPANS[span])
        return symde.value_and_grad(quartic, problem, "Vern9", sensealg="discrete", **options)[1].vector()

    x = np.array([0.7, 2.0, 1.1])
    problem = symde.Problem(model, **SPANS[span])
    found = symde.hessian(quartic, problem, "Vern9", **options)
    assert_is_derivative_of_gradient(found, differences(gradient, x), 1e-7)
    np.testing.assert_allclose(found.gradient.vector(), gradient(x), rtol=1e-9)
    # derivatives by initial values too, computed apart by rows and by columns
    whole = symde.hessian(quartic, problem, "Vern9", **{**options, "wrt": ("p", "u0")})
    assert whole.asymmetry < 1e-9
    part = symde.hessian(quartic, problem, "Vern9", sensealg="forward", **{**options, "wrt": ("k", "y")})
    assert part["k", "y(0)"] == pytest.approx(whole["k", "y(0)"], rel=1e-9)


def test_what_a_tangent_observes_are_derivatives_along_it_and_along_the_solution():
    problem = symde.Problem(MOVING)
    run = prepare(problem, "Vern9", **TIGHT)
    direction = Direction(np.zeros(2), np.array([0.3, -0.5, 0.2, 0.0]))
    larger = tangent_run(run, direction).problem
    solution = symde.solve(larger, "Vern9", saveat=[1.0, 1.5], **TIGHT)
    names, step = larger.system.observable_names, 1e-5
    observed = dict(zip(names, larger.system.observe(solution.t, solution.u, larger.p).T, strict=True))

    def q(sign, t):
        p = problem.p[:3] + sign * step * direction.p[:3]
        moved = symde.Problem(problem.model, p=dict(zip("kTc", p, strict=True)))
        return symde.solve(moved, "Vern9", saveat=t, **TIGHT)["q"]

    # central differences leave step^2 of a third derivative
    along = (q(1, [1.0, 1.5]) - q(-1, [1.0, 1.5])) / (2 * step)
    np.testing.assert_allclose(observed["d(q)"], along, rtol=1e-6)
    rate = (q(0, [1.0 + step, 1.5 + step]) - q(0, [1.0 - step, 1.5 - step])) / (2 * step)
    np.testing.assert_allclose(observed["d(q)/dt"], rate, rtol=1e-6)
    assert not observed["d(T)/dt"].any()


def test_a_function_for_the_start_is_one_of_parameters_and_direction():
    problem = symde.Problem(symde.ode_def(FORCED), u0=function_of_p)
    direction = Direction(np.zeros(2), np.array([0.3, -0.5, 0.2, 0.0]))
    larger = tangent_run(prepare(problem, "Vern7"), direction).problem
    np.testing.assert_allclose(larger.given_u0(larger.p), larger.u0, rtol=1e-14)


def test_a_loss_with_three_things_serves_gradients_too():
    problem = symde.Problem(FORCED)
    _, gradient = symde.value_and_grad(quartic, problem, "Vern7", wrt="p", **TIGHT)
    found = symde.hessian(quartic, problem, "Vern7", wrt="p", **TIGHT)
    np.testing.assert_allclose(found.gradient["p"], gradient["p"], rtol=1e-8)


def test_what_cannot_be_known_exactly_is_refused_with_a_remedy():
    problem = symde.Problem(FORCED)
    with pytest.raises(TypeError, match="three things"):
        symde.hessian(lambda u: (u.sum(), np.ones_like(u)), problem, "Vern7", wrt="a")
    with pytest.raises(ValueError, match="must have the shape of the saved states"):
        symde.hessian(lambda u: (u.sum(), np.ones_like(u), lambda v: 0.0), problem, "Vern7", wrt="a")
    untraced = symde.Problem(FORCED, tspan=lambda p: (0.0, float(p[0])))
    with pytest.raises(ValueError, match="given as tspan is not known"):
        symde.hessian(squares, untraced, "Vern7", wrt="a")
    with pytest.raises(ValueError, match="unknown quantity `z`"):
        symde.hessian(squares, problem, "Vern7", wrt="a", of=("x", "z"))
    with pytest.raises(ValueError, match="shape of the saved quantities"):
        symde.hessian(lambda u: (u.sum(), np.ones(5), lambda v: v), problem, "Vern7", wrt="a", of="x")
    with pytest.raises(ValueError, match="'b', but wrt has a"):
        symde.hessian_vector_product(squares, problem, {"b": 1.0}, "Vern7", wrt="a")
    with pytest.raises(ValueError, match="must have 4 numbers"):
        symde.hessian_vector_product(squares, problem, [1.0], "Vern7", wrt="p")
    with pytest.raises(KeyError, match="no derivative by 'b'"):
        _ = symde.hessian(squares, problem, "Vern7", wrt="a")["a", "b"]
