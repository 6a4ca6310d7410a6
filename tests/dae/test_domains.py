"""Domains and invariants together with algebraic equations and events."""

from __future__ import annotations

import numpy as np
import pytest

import symde

EMPTYING = """
param R = 2
state h = 1, q = 0.5
dom h >= 0
h' = -h
0 = R*q - h^1.5
time 0 .. 60
"""


@pytest.mark.parametrize("method", ["Rodas5P", "Rodas4", "KenCarp4"])
def test_a_constraint_without_a_value_beyond_the_bound(method):
    solution = symde.solve(symde.Problem(EMPTYING), method, rtol=1e-6, atol=1e-6)
    assert solution["h"].min() >= 0
    np.testing.assert_allclose(solution["h"], np.exp(-solution.t), atol=1e-4)
    np.testing.assert_allclose(solution["q"], np.exp(-1.5 * solution.t) / 2, atol=1e-4)


def test_a_bound_of_an_algebraic_variable():
    text = "param R = 2\nstate a = 1, z = 0.5\ndom z >= 0\na' = -a\n0 = a - R*z\ntime 0 .. 40"
    solution = symde.solve(symde.Problem(text), rtol=1e-6, atol=1e-6)
    assert solution["z"].min() >= 0
    np.testing.assert_allclose(solution["z"], np.exp(-solution.t) / 2, atol=1e-5)


def test_bounds_of_a_constrained_motion_that_it_touches():
    # the pendulum starts at the bound, and comes back to it each time it is at rest
    text = """
    param g = 9.81, L = 1
    state x = L, y = 0
    state T = 0
    dom y <= 0
    x'(0) = 0; y'(0) = 0
    time 0 .. 5
    x'' = -T*x
    y'' = -T*y - g
    x^2 + y^2 = L^2
    """
    solution = symde.solve(symde.Problem(text), rtol=1e-7, atol=1e-7)
    assert solution["y"].max() <= 0
    assert abs(solution["x"] ** 2 + solution["y"] ** 2 - 1).max() < 1e-6
    angle = symde.Problem("state th = pi/2\nth'(0) = 0\nth'' = -9.81*sin(th)\ntime 0 .. 5")
    expected = symde.solve(angle, "Vern9", rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(solution["x"], np.sin(expected(solution.t, "th")), atol=1e-4)


KICKED = """
state x = 1, v = 0
discrete n = 0
x' = v
v' = -x
conserved x^2 + v^2
kick: when falling x == 0: v = 2*v, n += 1
time 0 .. 10
"""


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_after_an_event_what_it_left_is_conserved(method):
    model = symde.ode_def(KICKED).with_projection()
    solution = symde.solve(symde.Problem(model), method, rtol=1e-4, atol=1e-4)
    assert solution["n"][-1] == 2
    energy = solution["x"] ** 2 + solution["v"] ** 2
    first, second = (event.t for event in solution.events)
    for level, rows in (
        (1, solution.t < first),
        (4, (solution.t > first) & (solution.t < second)),
        (16, solution.t > second),
    ):
        np.testing.assert_allclose(energy[rows], level, rtol=1e-5)


def test_sensitivities_of_what_is_conserved_between_events():
    # x = 2^n cos(t - pi/2 + ...): with the start (cos s, -sin s) times r the phase moves by s
    problem = symde.Problem(symde.ode_def(KICKED).with_projection())
    sens = symde.sensitivities(problem, "Vern7", saveat=[5.0], rtol=1e-9, atol=1e-11)
    # one kick by t = 5: x = 2 r cos(t + s), from x(0) = r cos(s), v(0) = -r sin(s)
    np.testing.assert_allclose(sens["x", "x"], 2 * np.cos(5), rtol=1e-7)
    np.testing.assert_allclose(sens["x", "v"], 2 * np.sin(5), rtol=1e-7)
