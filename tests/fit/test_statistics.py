"""What fits say of uncertainty is what linear theory and repetition say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import symde
from tests.fit.models import DECAY, LINE, exact, problem

TIMES = np.array([0.5, 1.0, 2.0, 4.0, 5.0, 8.0])
VALUES = 0.3 + 1.7 * TIMES + np.array([0.1, -0.2, 0.15, 0.05, -0.1, 0.02])
DESIGN = np.stack([TIMES, np.ones(6)], axis=1)


def line(**options):
    """y = y(0) + slope*t: linear in what is estimated, so that theory is exact."""
    return symde.fit(problem(LINE), (TIMES, VALUES), ["slope", "y(0)"], **options)


def theory():
    estimate = np.linalg.lstsq(DESIGN, VALUES, rcond=None)[0]
    residuals = DESIGN @ estimate - VALUES
    return estimate, residuals, np.linalg.inv(DESIGN.T @ DESIGN)


def test_a_linear_model_has_the_covariance_of_linear_regression():
    estimate, residuals, inverse = theory()
    result = line()
    errors = [result.standard_errors[name] for name in result.names]
    assert (np.abs(result.x - estimate) < 1e-5 * np.array(errors)).all()  # where a search ends
    np.testing.assert_allclose(result.residuals[:, 0], residuals, atol=1e-6)
    variance = residuals @ residuals / 4
    assert result.noise_variance == pytest.approx(variance, rel=1e-8) and result.degrees_of_freedom == 4
    np.testing.assert_allclose(result.covariance, variance * inverse, rtol=1e-8)
    given = line(sigma=0.2)
    np.testing.assert_allclose(given.covariance, 0.04 * inverse, rtol=1e-8)
    errors = np.sqrt(np.diag(inverse))
    np.testing.assert_allclose(given.correlation, inverse / np.outer(errors, errors), rtol=1e-8)
    quantile = stats.t.ppf(0.95, 4)
    low, high = result.confidence_intervals(0.9)["slope"]
    width = quantile * np.sqrt(variance) * errors[0]
    np.testing.assert_allclose([low, high], [estimate[0] - width, estimate[0] + width], rtol=1e-8)


@pytest.mark.parametrize("sigma", [None, 0.2])
def test_the_profile_of_a_linear_model_is_a_parabola(sigma):
    estimate, residuals, inverse = theory()
    result = line(sigma=sigma)
    variance = residuals @ residuals / 4 if sigma is None else sigma**2
    for index, name in enumerate(("slope", "y")):
        profile = result.profile(name, level=0.9)
        expected = (profile.values - estimate[index]) ** 2 / (variance * inverse[index, index])
        np.testing.assert_allclose(profile.changes, expected, rtol=1e-6, atol=1e-8)
        # so that its interval is that of the standard errors
        np.testing.assert_allclose(
            profile.interval, result.confidence_intervals(0.9)[result.names[index]], rtol=1e-6
        )
        assert (
            profile.values[0] < estimate[index] < profile.values[-1] and (np.diff(profile.values) > 0).all()
        )
    assert "90%" in repr(profile)


def test_a_profile_of_what_is_not_identified_has_no_end():
    text = "param a = 1 in (0, 10), b = 2 in (0, 10)\nstate x = 1\ntime 0..4\nx' = -a*b*x"
    data = ([1.0, 2.0, 3.0], exact(text, np.array([1.0, 2.0, 3.0]), ["x"]))
    with pytest.warns(UserWarning, match=r"a\*b"):
        result = symde.fit(problem(text), data, sigma=0.1)
    profile = result.profile("a")
    # a reaches its bound; below, b reaches its own at a = 0.2, and the fit gets worse from there
    assert profile.interval[1] == 10.0
    inside = profile.values > 0.21
    np.testing.assert_allclose(profile.changes[inside], 0.0, atol=1e-6)
    np.testing.assert_allclose(profile.others[inside].prod(axis=1), 2.0, rtol=1e-3)


def test_a_profile_follows_the_curvature_that_intervals_do_not():
    times = np.array([0.5, 1.0, 1.5])
    values = 2 * np.exp(-0.7 * times) + np.array([0.1, -0.1, 0.05])
    result = symde.fit(problem(DECAY), (times, values), ["k"], sigma=0.3)
    profile = result.profile("k")

    def change(k):
        loss = [(((2 * np.exp(-rate * times) - values) / 0.3) ** 2).sum() for rate in (k, result["k"])]
        return loss[0] - loss[1]

    np.testing.assert_allclose([change(k) for k in profile.values], profile.changes, atol=1e-6)
    for end in profile.interval:  # between the profile's points its root is taken for a straight line
        assert change(end) == pytest.approx(profile.threshold, rel=0.02)


@pytest.mark.parametrize("noise", ["given", "unknown", "estimated"])
def test_intervals_hold_the_truth_as_often_as_they_say(noise):
    generator, times = np.random.default_rng(2024), np.linspace(0.2, 4.0, 20)
    truth = exact(DECAY, times, ["x"])[:, 0]
    sigma = {"given": 0.1, "unknown": None, "estimated": "noise"}[noise]
    names = ["k", "x(0)", *(["noise"] if noise == "estimated" else [])]
    hits, repeats, level = np.zeros(2), 150, 0.8
    for _ in range(repeats):
        values = truth + 0.1 * generator.standard_normal(20)
        result = symde.fit(problem(DECAY), (times, values), names, sigma=sigma)
        intervals = result.confidence_intervals(level)
        hits += [
            intervals[name][0] < value < intervals[name][1] for name, value in (("k", 0.7), ("x(0)", 2.0))
        ]
    # the likelihood's own noise scale is too small by the degrees of freedom, 10 % here
    expected = (
        level if noise != "estimated" else 2 * stats.t.cdf(stats.norm.ppf(0.9) * np.sqrt(18 / 20), 18) - 1
    )
    low, high = stats.binom.ppf([0.001, 0.999], repeats, expected)
    assert (low <= hits).all() and (hits <= high).all()


def test_estimates_scatter_as_their_standard_errors_say():
    generator, times = np.random.default_rng(7), np.linspace(0.2, 4.0, 20)
    truth, estimates = exact(DECAY, times, ["x"])[:, 0], []
    for _ in range(150):
        values = truth + 0.02 * generator.standard_normal(20)
        result = symde.fit(problem(DECAY), (times, values), ["k", "x(0)"], sigma=0.02)
        estimates.append(result.x)
    # the variance of 150 samples is known to 2/sqrt(300) = 12 % (one standard deviation)
    ratio = np.var(estimates, axis=0, ddof=1) / np.diag(result.covariance)
    assert (np.abs(ratio - 1) < 4 * 0.12).all()
