"""Searches and profiles beside bounds, and beside parameters that cannot be solved."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.fit.identifiability import IdentifiabilityWarning
from symde.fit.scoring import minimise
from tests.fit.models import problem

EPIDEMIC = """
model Epidemic
  param beta = 0.5 in (0, 5), gamma = 0.2 in (0, 2), rho = 0.5 in (0, 1), spread = 3 in (0, 1000)
  state S = 762, I = 1, R = 0
  time 0 .. 14
  S' = -beta*S*I/763
  I' = beta*S*I/763 - gamma*I
  R' = gamma*I
  reported = rho*I
  noise = sqrt(spread*reported + 1)
end
"""
DAYS = np.arange(1, 15)
# boys in bed of an English boarding school: Anonymous, Influenza in a boarding school, BMJ 1 (1978), page 587
IN_BED = np.array([3, 8, 26, 76, 225, 298, 258, 233, 189, 128, 68, 29, 14, 4])


def test_a_step_that_a_bound_bends_still_leads_to_the_optimum():
    # cut off at rho = 1, the first step leads uphill; the optimum has all cases reported
    data, rates = (DAYS, IN_BED), ["beta", "gamma", "rho"]
    result = symde.fit(problem(EPIDEMIC), data, rates, names=["reported"])
    inside = symde.fit(problem(EPIDEMIC, beta=1.7, gamma=0.4, rho=1.0), data, rates[:2], names=["reported"])
    assert result.success and result.at_bound.tolist() == [False, False, True]
    np.testing.assert_allclose(result.x[:2], inside.x, rtol=1e-5)


def test_starts_end_at_an_optimum_and_not_at_rates_of_nothing():
    result = symde.fit(
        problem(EPIDEMIC),
        (DAYS, IN_BED),
        ["beta", "gamma", "rho", "spread"],
        names=["reported"],
        sigma="noise",
        starts=12,
    )
    # one may end where nobody recovers, gamma = 0
    assert sum(start.converged and start.end.min() > 1e-6 for start in result.starts) >= 11
    assert result["rho"] == 1.0 and result.starts[0].number == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_quadratic_in_a_box_has_its_minimum_found_in_few_steps(seed):
    from scipy.optimize import lsq_linear

    from symde.fit.objective import Point

    generator = np.random.default_rng(seed)
    rows, target = generator.standard_normal((9, 5)), 3.0 * generator.standard_normal(9)
    low, high = -generator.random(5), generator.random(5)

    def evaluate(theta):
        residuals = rows @ theta - target
        return Point(0.5 * residuals @ residuals, residuals, rows, rows, rows.T @ residuals)

    found = minimise(
        evaluate, np.zeros(5), (low, high), logs=np.zeros(5, bool), sum_of_squares=True, max_iterations=30
    )
    expected = lsq_linear(rows, target, (low, high), tol=1e-14)
    assert found is not None and found.converged
    assert found.point.value == pytest.approx(expected.cost, rel=1e-9)


def test_a_profile_ends_where_nothing_can_be_solved():
    # x = 1/(1 - k*t) has an end within the span for k >= 1, and data that hardly tell k
    times = np.linspace(0.1, 1.0, 10)
    text = "param k = 0.8 in (0, 5)\nstate x = 1\ntime 0 .. 1\nx' = k*x^2"
    profile = symde.fit(problem(text), (times, 1 / (1 - 0.8 * times)), sigma=100.0).profile("k")
    assert 0.95 < profile.interval[1] <= 1.0 and len(profile.values) > 3


def test_a_start_that_fails_never_counts_as_one_that_ended_well():
    times = np.linspace(0.1, 1.0, 10)
    text = "param k = 3 in (0, 5)\nstate x = 1\ntime 0 .. 1\nx' = k*x^2"
    # the given start fails, and the noise is unknown
    result = symde.fit(problem(text), (times, 1 / (1 - 0.5 * times) + 0.01 * np.cos(9 * times)), starts=10)
    assert result["k"] == pytest.approx(0.5, rel=1e-2)
    failed = sum(not np.isfinite(start.value) for start in result.starts)
    assert (
        failed > 0 and f"{10 - failed} of 10 starts ended at this loss, {failed} failed" in result.summary()
    )


def test_parameters_that_are_hardly_known_are_told():
    text = "param k = 0.5 in (0, 10), m = 1 in (0, 10)\nstate x = 1\ntime 0..4\nx' = -k*x + 0.001*m"
    times = np.linspace(0.5, 4, 8)
    with pytest.warns(IdentifiabilityWarning, match=r"hardly known, with 95 % intervals .*: m \("):
        result = symde.fit(problem(text), (times, np.exp(-0.5 * times) + 0.001), sigma=0.1)
    assert result.hardly_known == ("m",) and "hardly known" in result.summary()


def test_quantities_smaller_than_the_noise_are_told():
    text = (
        "param k = 0.5 in (0, 10), m = 1 in (0, 10)\nstate x = 1, y = 1e-6\ntime 0..4\nx' = -k*x\ny' = -m*y"
    )
    times = np.linspace(0.5, 4, 8)
    noise = 0.05 * np.random.default_rng(1).standard_normal(8)
    values = np.stack([np.exp(-0.5 * times) + noise, 1e-6 * np.exp(-times)], axis=1)
    with pytest.warns(IdentifiabilityWarning, match="y hardly counts: all values are smaller than the noise"):
        result = symde.fit(problem(text), (times, values))
    assert result.outweighed == ("y",) and "y hardly counts" in result.summary()
