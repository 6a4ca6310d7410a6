"""Integrals over time: values and derivatives against closed forms, for models and problems of every make."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.sensitivity import registry
from tests.problems import get

TIGHT = {"rtol": 1e-11, "atol": 1e-13}
GROWTH = "x' = k*x; x(0) = 1.3; param k = 0.7; twice = 2*x; time 0 .. 2"


def last(u):
    """The last state at the end: an integral."""
    weights = np.zeros_like(u)
    weights[-1, -1] = 1.0
    return u[-1, -1], weights, lambda v: 0 * v


def square(k, x0, t):
    """The integral of x^2 from 0 to t."""
    return x0**2 * np.expm1(2 * k * t) / (2 * k)


def test_an_integral_is_zero_at_the_start_and_the_closed_form_afterwards():
    problem = symde.with_integral(symde.Problem(GROWTH), cost="x^2")
    solution = symde.solve(problem, "Vern7", saveat=0.5, **TIGHT)
    assert problem.system.state_names == ("x", "cost")
    np.testing.assert_allclose(solution["cost"], square(0.7, 1.3, solution.t), rtol=1e-9)


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("method", ["Vern7", "Rodas5P"])
def test_derivatives_of_a_running_cost_are_the_closed_form(method, sensealg):
    problem = symde.with_integral(symde.Problem(GROWTH), cost="x^2")
    value, gradient = symde.value_and_grad(last, problem, method, wrt=("k", "x"), sensealg=sensealg, **TIGHT)
    k, x0, t = 0.7, 1.3, 2.0
    by_k = x0**2 * (2 * k * t * np.exp(2 * k * t) - np.expm1(2 * k * t)) / (2 * k**2)
    assert value == pytest.approx(square(k, x0, t), rel=1e-9)
    assert gradient["k"] == pytest.approx(by_k, rel=1e-8)
    assert gradient["x"] == pytest.approx(2 * square(k, x0, t) / x0, rel=1e-8)


def test_the_hessian_of_a_running_cost_is_the_closed_form():
    problem = symde.with_integral(symde.Problem(GROWTH), cost="x^2")
    found = symde.hessian(last, problem, "Vern7", wrt=("x",), **TIGHT)
    assert found.matrix[0, 0] == pytest.approx(2 * square(0.7, 1.0, 2.0), rel=1e-8)


def test_integrals_read_all_that_equations_read():
    model = symde.ode_def("""
    model Whole
      const two = 2
      param k = 0.7
      state x = 1
      f(y) = y*k
      z = two*x
      time 0 .. 1
      x' = f(x)
    end
    """)
    larger = symde.with_integral(model, {"a": "z*sin(t)"}, b="dx + f(two)")
    assert larger.state_names == ("x", "a", "b")
    end = symde.solve(symde.Problem(larger), "Vern7", saveat=[1.0], **TIGHT)
    x = np.exp(0.7)
    # the integral of exp(k t) sin t is (1 + exp(k t)(k sin t - cos t))/(1 + k^2)
    assert end["a"][-1] == pytest.approx(2 * (1 + x * (0.7 * np.sin(1) - np.cos(1))) / 1.49, rel=1e-9)
    assert end["b"][-1] == pytest.approx(x - 1 + 1.4, rel=1e-9)


@pytest.mark.parametrize(
    "u0",
    [None, [2.0], {"x": 2.0}, lambda p: [p[0] + 1.3], lambda p: {"x": p[0] + 1.3}],
    ids=["in the text", "in order", "by name", "function", "function by name"],
)
def test_a_problem_keeps_its_numbers(u0):
    problem = symde.Problem(GROWTH, u0=u0, p={"k": 0.5}, tspan=(0, 3))
    larger = symde.with_integral(problem, cost="twice")
    assert larger.tspan == (0.0, 3.0)
    assert larger.p == [0.5]
    assert list(larger.u0) == [*problem.u0, 0.0]


def test_a_traced_function_has_integrals_too():
    problem = symde.Problem(lambda u, p, t: [p[0] * u[0]], [1.3], (0, 2), [0.7])
    larger = symde.with_integral(problem, cost="u1^2")
    end = symde.solve(larger, "Vern7", saveat=[2.0], **TIGHT)
    assert end["cost"][-1] == pytest.approx(square(0.7, 1.3, 2.0), rel=1e-9)


def test_mistakes_are_told_with_their_place():
    problem = symde.Problem(GROWTH)
    with pytest.raises(symde.ModelError, match="unknown name `y`"):
        symde.with_integral(problem, cost="y^2")
    for name in ("x", "twice", "k"):
        with pytest.raises(ValueError, match="of the model already"):
            symde.with_integral(problem, {name: "x"})
    for name in ("t", "sin", "2x", "q'", ""):
        with pytest.raises(ValueError, match="cannot name an integral"):
            symde.with_integral(problem, {name: "x"})
    with pytest.raises(ValueError, match="name an integral"):
        symde.with_integral(problem)
    with pytest.raises(TypeError, match="expression as text"):
        symde.with_integral(problem, cost=1.0)
    with pytest.raises(TypeError, match="expected a model"):
        symde.with_integral(3.0, cost="x")
    called_back = symde.Problem(lambda u, p, t: [-u[0] if u[0] > 0 else 0.0], [1.0], (0, 1))
    with pytest.raises(ValueError, match="called back"):
        symde.with_integral(called_back, cost="u1")


CVODES = {
    50.0: ((1.7341e2, -5.0591e-4, 8.4323e-8), (8.4191, 16.097, 16.097)),
    4e7: ((7.6842e5, -3.0691, 5.1145e-4), (3.9967e7, 3.9967e7, 3.9967e7)),
}
"""Derivatives of ROBER's integral of y3 up to some times, by k1, k3 and k2 and by the initial values.

Source: SUNDIALS (Lawrence Livermore National Laboratory), examples/cvodes/serial/cvsRoberts_ASAi_dns, the
output that is kept beside it; computed at rtol 1e-6.
"""


@pytest.mark.parametrize("end", CVODES)
@pytest.mark.parametrize("sensealg", ["forward", "discrete", "interpolating", "gauss"])
def test_rober_gives_the_figures_of_the_cvodes_adjoint_example(sensealg, end):
    rober = symde.Problem(get("rober_1e5").problem.model, tspan=(0, end))
    problem = symde.with_integral(rober, G="y3")
    options = {"sensealg": sensealg, "rtol": 1e-8, "atol": [1e-12, 1e-17, 1e-12, 1e-12]}
    _, found = symde.value_and_grad(last, problem, "Rodas5P", **options)
    by_p, by_u0 = CVODES[end]
    np.testing.assert_allclose(found["p"][[0, 2, 1]], by_p, rtol=1e-4)  # the digits that are printed
    np.testing.assert_allclose(found["u0"], [*by_u0, 1.0], rtol=1e-4)
