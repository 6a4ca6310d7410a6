"""Parameters of equations with noise from data: paths of one seed, whose mean is compared."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symde

OU = """
  param a = 1, m = 1.5, s = 0.4
  state x = 3
  time 0 .. 4
  dx = a*(m - x)*dt + s*dW
  twice = 2*x + s
"""


def problem(**p: float) -> symde.Problem:
    return symde.Problem(symde.ode_def(OU), p=p)


def test_a_path_is_fitted_by_the_noise_that_it_had() -> None:
    # with the same noise the data hold the parameters exactly
    path = symde.solve(problem(a=1.7, m=0.8, s=0.3), dt0=0.05, seed=11, saveat=0.25)
    result = symde.fit(problem(), (path.t, path.u), dt0=0.05, seed=11)
    assert result.success
    for name, value in (("a", 1.7), ("m", 0.8), ("s", 0.3)):
        assert result[name] == pytest.approx(value, rel=1e-6)
    assert result.solution.seed == 11


def test_the_mean_of_paths_is_fitted_to_a_mean() -> None:
    # E x = m + (x0 - m) exp(-a t); noise of 400 paths leaves about s/sqrt(2 a 400) = 0.01 in the mean
    t = np.linspace(0.25, 4, 16)
    mean = 0.8 + 2.2 * np.exp(-1.7 * t)
    result = symde.fit(problem(s=0.3), (t, mean), ["a", "m"], dt0=0.05, seed=3, n=400)
    assert result["a"] == pytest.approx(1.7, abs=0.1) and result["m"] == pytest.approx(0.8, abs=0.03)


def test_residuals_of_observed_means_and_their_derivatives() -> None:
    t = np.array([1.0, 2.0, 4.0])
    data = symde.LeastSquares((t, np.array([[3.0], [2.0], [1.0]])), names=["twice"], sigma=0.1)
    objective = symde.Objective(problem(), data, dt0=0.1, seed=5, n=20)
    theta = objective.start + 0.1
    paths = symde.ensemble(objective.problem_at(theta), n=20, dt0=0.1, seed=5, saveat=t)
    expected = (paths["twice"].mean(axis=0) - [3, 2, 1]) / 0.1
    np.testing.assert_allclose(objective.residuals(theta), expected, rtol=1e-12)
    value, gradient = objective.value_and_grad(theta)
    assert value == pytest.approx(0.5 * expected @ expected, rel=1e-12)
    assert objective.value(theta) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(objective.jacobian(theta).T @ expected, gradient, rtol=1e-10)
    for k in range(3):
        h = np.zeros(3)
        h[k] = 1e-4
        change = (objective.value(theta + h) - objective.value(theta - h)) / 2e-4
        assert gradient[k] == pytest.approx(change, rel=1e-5)
    again = pickle.loads(pickle.dumps(objective))
    assert again.value(theta) == objective.value(theta)


def test_experiments_have_noise_of_their_own() -> None:
    t = np.array([1.0, 4.0])
    both = symde.LeastSquares([symde.Experiment((t, np.ones(2)), sigma=1.0) for _ in range(2)])
    value, grad = symde.value_and_grad(both, problem(), dt0=0.1, seed=5, wrt="p", sensealg="discrete")
    single = [
        symde.noise.solve_noise(problem(), dt0=0.1, seed=5, trajectory=k, saveat=t).u[:, 0] - 1
        for k in (0, 1)
    ]
    assert value == pytest.approx(sum(0.5 * r @ r for r in single), rel=1e-13)
    forward = symde.value_and_grad(both, problem(), dt0=0.1, seed=5, wrt="p", sensealg="forward")[1]
    np.testing.assert_allclose(grad["p"], forward["p"], rtol=1e-12)


def test_options_of_fits_are_checked() -> None:
    data = np.array([1.0, 2.0]), np.ones((2, 1))
    with pytest.raises(ValueError, match="give dt0="):
        symde.fit(problem(), data, ["a"])
    with pytest.raises(TypeError, match="unexpected option `dtmax`"):
        symde.fit(problem(), data, ["a"], dt0=0.1, dtmax=1.0)
    with pytest.raises(ValueError, match="n = 0"):
        symde.fit(problem(), data, ["a"], dt0=0.1, n=0)


def test_pictures_of_fits_draw_the_mean() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    t = np.linspace(0.5, 4, 8)
    result = symde.fit(problem(s=0.3), (t, 0.8 + 2.2 * np.exp(-1.7 * t)), ["a", "m"], dt0=0.1, n=20)
    (line,) = [one for one in result.plot()[0].get_lines() if len(one.get_xdata()) > 20]
    at = np.isin(line.get_xdata(), t)
    paths = symde.ensemble(
        symde.remake(result.problem, tspan=(0, 4)), n=20, dt0=0.1, seed=0, saveat=line.get_xdata()[at]
    )
    np.testing.assert_allclose(line.get_ydata()[at], paths.u[:, :, 0].mean(axis=0), rtol=1e-12)


def test_loose_tolerances_of_steps_leave_parameters_known() -> None:
    t = np.linspace(0.25, 4, 16)
    given = {"rtol": 1e-2, "atol": 1e-2, "seed": 3, "n": 20}
    result = symde.fit(problem(), (t, 0.8 + 2.2 * np.exp(-1.7 * t)), ["a", "m"], **given)
    assert not result.unidentified and np.isfinite([result.standard_errors[one] for one in "am"]).all()
