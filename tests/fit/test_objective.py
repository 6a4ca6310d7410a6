"""The bridge to optimisers: what SciPy is given is exact and leads where symde's own search leads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

import symde
from tests.fit.models import DECAY, LOTKA, differences, exact, problem

TIMES = np.linspace(0.2, 4.0, 12)
START = {"a": 1.2, "b": 1.3, "c": 2.5, "d": 1.2, "noise": 0.3}


def objective(sigma=0.1, method="Vern7", rtol=1e-10, **options):
    names = ["x", "product"]
    values = exact(LOTKA, TIMES, names) * (1 + 0.05 * np.cos(np.arange(24).reshape(12, 2)))
    values[4, 1] = np.nan
    second = symde.Experiment((TIMES[:3], [1.0, 2.0, 2.5]), names=["y"], p={"c": 2.0}, sigma=0.2)
    loss = symde.LeastSquares(
        [symde.Experiment((TIMES, values), names=names, log="product"), second], sigma=sigma
    )
    return symde.Objective(
        problem(LOTKA, **START), loss, ["a", "b", "c", "d", "x(0)"] + ["noise"] * (sigma == "noise"),
        scale={"x(0)": "linear"}, method=method, rtol=rtol, **options,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["Vern7", "Rodas5P", "KenCarp4"])
def test_the_jacobian_is_the_difference_of_the_residuals(method):
    one = objective(method=method, rtol=1e-9)
    theta = one.start
    expected = differences(objective(method="Vern9", rtol=1e-12).residuals, theta)
    found = one.jacobian(theta)
    assert found.shape == (26, 5) and one.size == 26
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())
    assert (found[-3:, 2] == 0.0).all()  # the second experiment sets c itself


@pytest.mark.parametrize("sigma", [0.1, "noise"])
@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_the_gradient_is_the_difference_of_the_loss(sigma, sensealg):
    one = objective(sigma, sensealg=sensealg)
    theta = one.start
    expected = differences(objective(sigma, method="Vern9", rtol=1e-12).value, theta)
    value, gradient = one.value_and_grad(theta)
    assert value == pytest.approx(one.value(theta), rel=1e-8)
    np.testing.assert_allclose(gradient, expected, atol=1e-6 * np.abs(expected).max())
    point = one.point(theta)
    np.testing.assert_allclose(point.gradient, gradient, rtol=1e-6)
    assert point.value == pytest.approx(value, rel=1e-8)


def test_scipys_least_squares_and_minimize_end_where_the_fit_ends():
    one = objective()
    found = optimize.least_squares(one.residuals, one.start, one.jacobian, one.bounds, ftol=1e-15, xtol=1e-12)
    other = optimize.minimize(
        one.value_and_grad, one.start, jac=True, bounds=optimize.Bounds(*one.bounds), method="L-BFGS-B",
        options={"ftol": 1e-14, "gtol": 1e-8},
    )  # fmt: skip
    own = symde.fit(
        one.problem, one.loss, list(one.names), scale={"x(0)": "linear"}, method="Vern7", rtol=1e-10
    )
    # symde's own search ends within 1e-5 standard errors of the optimum, L-BFGS-B within what 1e-14 of a loss
    # of 100 leaves: the root of 1e-12
    errors = [own.standard_errors[name] for name in own.names] / own.objective.parameters.slopes(own.x)
    assert (np.abs(found.x - own.theta) < 1e-4 * errors).all()
    assert (np.abs(other.x - own.theta) < 1e-3 * errors).all()
    assert one.values(own.theta) == own.values
    assert one.problem_at(own.theta).p.tolist() == own.problem.p.tolist()


def test_a_likelihood_is_no_sum_of_squares():
    with pytest.raises(ValueError, match="minimise value_and_grad, or use symde.fit"):
        objective("noise").residuals(objective("noise").start)


def test_the_fisher_information_is_the_expected_second_derivative():
    # data without noise have residuals of zero, where the information is the second derivative itself
    data = symde.LeastSquares(
        (TIMES, exact(DECAY, TIMES, ["x", "squared"])), ["x", "squared"], sigma=[0.1, 0.3]
    )
    one = symde.Objective(problem(DECAY), data, ["k", "x(0)"], method="Vern9", rtol=1e-12, atol=1e-13)
    rows = one.point(one.start).information
    second = differences(lambda theta: one.point(theta).gradient, one.start, 1e-3)
    np.testing.assert_allclose(rows.T @ rows, second, rtol=1e-6)


def test_coordinates_follow_the_text():
    text = "param a = 2 in (0, 10), b = -3 nominal 100, c = 0, d = 4\nstate x = 1 nominal 5\n"
    text += "x' = -a*x + b + c + d"
    one = symde.Objective(
        symde.Problem(symde.ode_def(text), tspan=(0, 1)), ([1.0] * 5, [1.0] * 5), ["a", "b", "c", "d", "x"]
    )
    assert [parameter.log for parameter in one.parameters] == [True, False, False, False, False]
    assert [parameter.scale for parameter in one.parameters[1:]] == [100.0, 1.0, 4.0, 5.0]
    np.testing.assert_allclose(one.start, [np.log(2), -0.03, 0.0, 1.0, 0.2])
    low, high = one.bounds
    assert low.tolist() == [-np.inf] * 5 and high.tolist() == [np.log(10)] + [np.inf] * 4
    assert one.values(one.start) == {"a": 2.0, "b": -3.0, "c": 0.0, "d": 4.0, "x(0)": 1.0}


def test_where_a_solve_fails_residuals_are_no_numbers_and_the_reason_is_kept():
    text = "param k = 0.5 in (0, 5)\nstate x = 1\ntime 0 .. 1\nx' = k*x^2"
    one = symde.Objective(problem(text), ([0.5, 1.0], [1.3, 2.1]))
    assert one.failure is None
    bad = np.log([3.0])
    assert np.isnan(one.residuals(bad)).all() and np.isnan(one.jacobian(bad)).all()
    assert one.value(bad) == np.inf and one.value_and_grad(bad)[0] == np.inf
    assert isinstance(one.failure, symde.SolveError) and "t = 0.333" in str(one.failure)
    # SciPy shortens a step into such a place
    found = optimize.least_squares(one.residuals, np.log([0.02]), one.jacobian, one.bounds)
    assert one.values(found.x)["k"] == pytest.approx(0.5, abs=0.05)


def test_wrong_options_are_told_at_once():
    data = ([1.0, 2.0], [1.0, 0.5])
    with pytest.raises(ValueError, match="rtol"):
        symde.Objective(problem(DECAY), data, ["k"], rtol=2.0)
    with pytest.raises(TypeError, match="unexpected option `rtoll`.*max_steps"):
        symde.Objective(problem(DECAY), data, ["k"], rtoll=1e-8)
    with pytest.raises(TypeError, match="expected a symde.Problem"):
        symde.Objective("x' = 1", data, ["k"])
