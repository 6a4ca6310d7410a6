"""Steps that follow the error, on a Brownian motion that does not follow the steps."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symde
from symde.noise import solve_noise
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

GROWTH = "dx = 0.5*x*dt + 0.8*x*dW1\ndw = 0*dt + dW1\nx(0) = 1; w(0) = 0"
SPRING = "dx = -2*x*dt + 0.7*dW1\ndw = 0*dt + dW1\ndq = w*dt\nx(0) = 0; w(0) = 0; q(0) = 0"
TIMES = np.array([0.25, 1.0])


def paths(text: str, tolerance: float, n: int = 500, **options) -> np.ndarray:
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1))
    return symde.ensemble(problem, n=n, seed=1, rtol=tolerance, atol=tolerance, saveat=TIMES, **options).u


def test_the_brownian_motion_is_the_same_for_every_tolerance() -> None:
    coarse, fine = paths(GROWTH, 1e-1), paths(GROWTH, 1e-4)
    np.testing.assert_allclose(coarse[:, :, 1], fine[:, :, 1], atol=1e-13)
    assert np.abs(coarse[:, :, 0] - fine[:, :, 0]).max() > 1e-3


def test_the_error_falls_with_the_tolerance() -> None:
    errors = []
    for tolerance in (1e-1, 1e-2, 1e-3, 1e-4):
        u = paths(GROWTH, tolerance)[:, 1]
        errors.append(np.abs(u[:, 0] - np.exp(0.18 + 0.8 * u[:, 1])).mean())
    assert all(later < 0.5 * earlier for earlier, later in zip(errors, errors[1:], strict=False))
    assert errors[-1] < 1e-3


def test_brownian_motion_and_its_integral_have_their_distribution() -> None:
    # W and its integral at 1: variances 1 and 1/3, covariance 1/2; W has independent increments
    u = paths(SPRING, 1e-1, n=20000)
    early, late, integral = u[:, 0, 1], u[:, 1, 1], u[:, 1, 2]
    assert late.var() == pytest.approx(1, rel=0.04) and early.var() == pytest.approx(0.25, rel=0.04)
    assert integral.var() == pytest.approx(1 / 3, rel=0.04)
    assert (late * integral).mean() == pytest.approx(0.5, rel=0.04)
    assert (early * (late - early)).mean() == pytest.approx(0, abs=4 * np.sqrt(0.25 * 0.75 / 20000))


def test_moments_of_ornstein_and_uhlenbeck() -> None:
    u = paths(SPRING, 1e-3, n=20000)[:, 1]
    assert u[:, 0].var() == pytest.approx(0.49 * (1 - np.exp(-4)) / 4, rel=0.04)
    assert (u[:, 0] * u[:, 1]).mean() == pytest.approx(0.7 * (1 - np.exp(-2)) / 2, rel=0.04)


def test_threads_and_single_paths_give_the_same_bits() -> None:
    one, two = (paths(GROWTH, 1e-2, workers=k) for k in (1, 2))
    assert np.array_equal(one, two)
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    alone = solve_noise(problem, rtol=1e-2, atol=1e-2, seed=1, trajectory=123, saveat=TIMES)
    assert np.array_equal(alone.u, one[123])


def test_work_follows_the_equation() -> None:
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    steps = [
        symde.solve(problem, rtol=tolerance, atol=tolerance, seed=1, saveat=[1.0]).stats.steps
        for tolerance in (1e-1, 1e-2, 1e-3)
    ]
    assert steps == sorted(steps) and steps[-1] > 4 * steps[0]
    without = symde.solve(problem, rtol=1e-2, seed=1)
    assert len(without.t) == 101 and without.t[-1] == 1.0


def test_methods_without_estimate_are_refused() -> None:
    general = symde.Problem("dx = dt + dW1\ndy = dt + x*dW2", {"x": 1.0, "y": 1.0}, (0, 1))
    for method in ("Milstein", "DRI1", "ImplicitMilstein"):
        with pytest.raises(ValueError, match=f"{method} does not estimate its error: leave out method"):
            symde.solve(general, method, rtol=1e-3)
        with pytest.raises(ValueError, match=f"{method} does not estimate its error: leave out method"):
            symde.ensemble(general, method, n=2, rtol=1e-3)


def test_failures_say_why() -> None:
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    with pytest.raises(SolveError, match="max_steps") as caught:
        symde.solve(problem, rtol=1e-4, atol=1e-4, seed=1, max_steps=10)
    assert caught.value.retcode is Retcode.MAX_STEPS and caught.value.solution.stats.steps == 10
    explosion = symde.Problem("dx = x^3*dt + 0.1*dW", {"x": 2.0}, (0, 10))
    with pytest.raises(SolveError) as caught:
        symde.solve(explosion, rtol=1e-3, seed=1)
    assert caught.value.retcode in (Retcode.NON_FINITE, Retcode.STEP_TOO_SMALL)
    assert caught.value.solution.t[-1] < 10


@pytest.mark.parametrize("first", [1e7, 1e22, 1e300])
def test_a_first_step_beyond_the_span_is_the_span(first: float) -> None:
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    one, other = (solve_noise(problem, rtol=1e-2, dt0=dt0, seed=1, saveat=TIMES) for dt0 in (1.0, first))
    np.testing.assert_array_equal(one.u, other.u)


def test_a_state_that_stays_at_zero_meets_a_tolerance_of_zero() -> None:
    problem = symde.Problem(symde.ode_def("dx = x*dt + x*dW\nx(0) = 0"), tspan=(0, 1))
    assert np.all(solve_noise(problem, rtol=1e-2, atol=0.0, seed=1).u == 0.0)


def test_the_path_between_saved_times_is_followed_again() -> None:
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    times = np.array([0.0, 0.123, 0.5, 0.77, 1.0])
    fine, sparse = (
        symde.solve(problem, rtol=1e-4, atol=1e-4, seed=1, saveat=saveat) for saveat in (None, [0.5, 1.0])
    )
    u = fine(times)
    assert np.array_equal(u[[0, 2, 4]], fine.u[[0, 50, 100]])
    # the Brownian motion is that of the path, and x follows it to the tolerance; from further back as well
    np.testing.assert_allclose(u[:, 0], np.exp(0.18 * times + 0.8 * u[:, 1]), rtol=2e-3)
    np.testing.assert_allclose(sparse(times)[:, 1], u[:, 1], atol=1e-12)
    np.testing.assert_allclose(sparse(times)[:, 0], u[:, 0], rtol=2e-3)
    # a value is a function of its time alone
    assert np.array_equal(sparse(0.123), sparse(np.linspace(0, 1, 100).tolist() + [0.123])[-1])
    again = pickle.loads(pickle.dumps(fine))
    assert np.array_equal(again(0.123), fine(0.123))
    with pytest.raises(ValueError, match="outside of the span"):
        fine(1.5)
    assert symde.solve(problem, rtol=1e-2, seed=1, dense=False).dense is None


def test_the_last_point_of_a_path_that_ends_early_is_kept() -> None:
    # times to save are rounded to parts of the span, and may come after the rounded one
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 1))
    whole = symde.solve(problem, rtol=1e-3, atol=1e-3, seed=1)
    for limit in range(5, 40, 5):
        with pytest.raises(SolveError) as caught:
            symde.solve(problem, rtol=1e-3, atol=1e-3, seed=1, max_steps=limit)
        part = caught.value.solution
        assert np.array_equal(part.u, whole.u[: len(part.t)])
        assert np.isnan(part.u).sum() == 0 and part.message.endswith("give dt0")
        reached = float(part.message.split("t = ")[1].split("\n")[0])
        assert abs(part.t[-1] - reached) < 0.01 and (whole.t[len(part.t)] > reached)


def test_tolerances_that_are_the_usual_ones_of_ordinary_equations_count() -> None:
    problem = symde.Problem(symde.ode_def(GROWTH), tspan=(0, 0.01))
    given = {"seed": 1, "saveat": [0.01]}
    for rtol, atol in ((1e-6, 1e-3), (1e-3, 1e-9), (1e-6, 1e-9)):
        expected = solve_noise(problem, rtol=rtol, atol=atol, **given)
        found = symde.solve(problem, rtol=float(str(rtol)), atol=float(str(atol)), **given)
        assert np.array_equal(found.u, expected.u) and found.stats.steps == expected.stats.steps >= 10
        sens = symde.sensitivities(problem, rtol=float(str(rtol)), atol=float(str(atol)), **given)
        assert np.array_equal(sens.u, expected.u)
    with pytest.raises(ValueError, match="Milstein does not estimate its error"):
        symde.solve(problem, "Milstein", dt0=0.001, rtol=float("1e-6"), seed=1)
