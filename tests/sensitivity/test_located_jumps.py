"""Jumps of the right-hand side that move are located, and derivatives pass them: closed forms, central
differences, and all strategies against each other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.sensitivity.moving_jump import MovingJumpWarning

STRATEGIES = ("forward", "discrete", "interpolating", "gauss", "backsolve")
METHODS = ("Tsit5", "Vern7", "Rodas5P", "KenCarp4", "VCABM", "QNDF", "Radau", "Taylor")


@pytest.fixture(autouse=True)
def no_warning():
    """Nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        yield


def last(u):
    weights = np.zeros_like(u)
    weights[-1] = 1.0 + np.arange(u.shape[1])
    return float((weights * u).sum()), weights


TWO_SPEEDS = "param c = 0.4, a = 1, b = 3\nx' = x > c ? -a : -b\nx(0) = 1\ntime 0 .. 1"


def expected_of_two_speeds(c=0.4, a=1.0, b=3.0):
    """x = c - b (t - t*), t* = (x0 - c)/a, by c, a, b and x0 at x0 = 1, t = 1."""
    return [1 - b / a, -b * (1 - c) / a**2, -(1 - (1 - c) / a)], [b / a]


@pytest.mark.parametrize("sensealg", (*STRATEGIES, "auto"))
def test_two_speeds_by_every_strategy(sensealg):
    problem = symde.Problem(TWO_SPEEDS)
    _, found = symde.value_and_grad(last, problem, sensealg=sensealg, rtol=1e-9, atol=1e-10)
    by_p, by_u0 = expected_of_two_speeds()
    np.testing.assert_allclose(found["p"], by_p, rtol=1e-8)
    np.testing.assert_allclose(found["u0"], by_u0, rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_two_speeds_by_every_family(method):
    found = symde.sensitivities(symde.Problem(TWO_SPEEDS), method, saveat=[1.0], rtol=1e-8, atol=1e-9)
    by_p, by_u0 = expected_of_two_speeds()
    np.testing.assert_allclose(found.dp[-1, 0], by_p, rtol=1e-6)
    np.testing.assert_allclose(found.du0[-1, 0], by_u0, rtol=1e-6)
    assert found.solution.problem.system.kernels.has_events is False


MODEL = """
param k = 1, c = 0.3, T = 0.37
x' = k*y
y' = c - ({term})
x(0) = 1.05; y(0) = 0.3
time 0 .. 1.1
"""

TERMS = (
    "floor(3*x)",
    "ceil(x + y)",
    "sign(x - 1.2)*x",
    "mod(x, 0.5)",
    "mod(t, T)*y",
    "heaviside(x - 4*c)",
    "x > 1.2 ? 1 : 2",
    "x > 1.1 and y < c ? 3 : 1",
    "floor(t/T + x)",
    "abs(x - 1.2) + (y < k/5 ? x : 0)",
    "max(x, 1.2)*(t > T ? 2 : 1)",
    "(x > 1.15 ? y : 2)*(mod(t, 2*T) < T ? 1 : c)",
)


def central(problem: symde.Problem, name: str, index: int, **options) -> float:
    """The derivative of the loss by a difference of tight solves, of fourth order."""
    total, h = 0.0, 2e-4
    for weight, step in ((8.0, h), (-8.0, -h), (-1.0, 2 * h), (1.0, -2 * h)):
        values = np.array(getattr(problem, name), dtype=float)
        values[index] += step
        solution = symde.solve(symde.remake(problem, **{name: values}), "Vern9", **options)
        total += weight * last(solution.u)[0]
    return total / (12 * h)


@pytest.mark.parametrize("term", TERMS)
def test_terms_that_jump(term):
    problem = symde.Problem(MODEL.format(term=term))
    options = {"rtol": 1e-12, "atol": 1e-13, "saveat": [1.1]}
    expected_p = [central(problem, "p", j, **options) for j in range(3)]
    expected_u0 = [central(problem, "u0", i, **options) for i in range(2)]
    for sensealg in ("forward", "discrete"):
        _, found = symde.value_and_grad(
            last, problem, "Vern7", sensealg=sensealg, rtol=1e-9, atol=1e-10, saveat=[1.1]
        )
        np.testing.assert_allclose(found["p"], expected_p, rtol=2e-6, atol=2e-7)
        np.testing.assert_allclose(found["u0"], expected_u0, rtol=2e-6, atol=2e-7)


WITH_EVENTS = """
param a = 1.2, level = 0.6, dose = 0.8, T = 1.13
state x = 1, y = 0
discrete n = 0
time 0 .. 4
x' = -a*x*(y > level ? 2 : 1)
y' = x - 0.5*y - (mod(t, T) < 0.4 ? 0.3 : 0)
give: every 1 from 0.5: x += dose, n += 1
drop: when falling y == level: y = 0.9*y + 0.1*a
"""


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "gauss"])
def test_events_beside_jumps(sensealg):
    problem = symde.Problem(symde.ode_def(WITH_EVENTS))
    options = {"rtol": 1e-12, "atol": 1e-13, "saveat": [4.0]}
    expected = [central(problem, "p", j, **options) for j in range(4)]
    _, found = symde.value_and_grad(
        last, problem, "Vern7", wrt="p", sensealg=sensealg, rtol=1e-9, atol=1e-10, saveat=[4.0]
    )
    np.testing.assert_allclose(found["p"], expected, rtol=1e-5, atol=1e-6)


def test_a_touch_of_a_jump_has_no_derivative():
    # x = 1 - (t - 1)^2 comes to 1 at t = 1 and goes no further
    text = "x' = 2 - 2*t; y' = x >= c ? 1 : 0; x(0) = 0; y(0) = 0; time 0 .. 2"
    problem = symde.Problem("param c = 1 - 1e-14\n" + text)
    with pytest.raises(ValueError, match=r"only touches what triggers `x >= c` \(line 2\)"):
        symde.sensitivities(problem, "Tsit5", wrt="c", saveat=[2.0])


def test_a_fit_goes_over_jumps():
    problem = symde.Problem(TWO_SPEEDS)
    t = np.linspace(0.1, 1, 10)
    data = symde.LeastSquares({"t": t, "x": symde.solve(problem, saveat=t)["x"]})
    start = symde.remake(problem, p={"c": 0.42, "b": 2.8})
    fitted = symde.fit(start, data, ["c", "b"])
    np.testing.assert_allclose([fitted["c"], fitted["b"]], [0.4, 3.0], rtol=1e-5)
