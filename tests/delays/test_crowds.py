"""Discontinuities of several delays, which bring more of them each time, do not crowd out the steps."""

from __future__ import annotations

import numpy as np
import pytest

import symde

# with jumps at t0, three times of which two come together as x and y vanish; the value at 5 by Vern9 with
# every discontinuity of order up to 9 met (4259 steps) and by Radau at 1e-12
THREE = """param a = 2.11320333680912, b = 2.403871436353443, c = 0.2077839338397325, d = 0.80236416113453
param k = 0.7869858890858004
state x = 1, y = 0.5
history x = k*cos(t), y = 0.5*exp(t)
x' = -a*x(t - c - d*y^2) + 0.2*y(t - 0.7)
y' = -y + b*sin(x(t - c - 0.5*x^2/(1 + x^2)))
time 0 .. 5"""


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Vern9", "Rodas5P", "QNDF"])
def test_steps_stay_few(method):
    problem = symde.Problem(THREE)
    reference = symde.solve(problem, "Radau", rtol=1e-11, atol=1e-12, saveat=[5.0]).u[0]
    solution = symde.solve(problem, method, rtol=1e-6, atol=1e-7, saveat=[5.0])
    np.testing.assert_allclose(solution.u[0], reference, atol=3e-6)
    assert solution.stats.accepted < 1000


def test_gradients_take_few_steps():
    problem = symde.Problem(THREE)
    found = symde.sensitivities(problem, "Vern7", saveat=[5.0], rtol=1e-8, atol=1e-10, max_steps=5000)
    ends = [
        symde.solve(symde.remake(problem, p={"c": problem.p[2] + h}), "Radau", rtol=1e-11, atol=1e-12).u[-1]
        for h in (1e-5, -1e-5)
    ]
    np.testing.assert_allclose(found["x", "c"][0], (ends[0] - ends[1])[0] / 2e-5, atol=1e-6)


def test_jumps_of_derivatives_that_have_died_away_are_left():
    # two delays bring 12,000 discontinuities in this time, of which each is at most 0.3 times an earlier one;
    # cos t is the solution, and f makes it one
    text = """
    state y
    history y = t < -0.2 ? 2*cos(t) : cos(t)
    a = y'(t - 0.31) + sin(t - 0.31)
    b = y'(t - 0.470047) + sin(t - 0.470047)
    y' = -sin(t) + 0.3*a + 0.2*b + cos(t) - y
    time 0 .. 60
    """
    solution = symde.solve(symde.Problem(text), "Tsit5", rtol=1e-6)
    assert solution.stats.accepted < 3000
    np.testing.assert_allclose(solution.u[-1, 0], np.cos(60.0), atol=1e-5)
