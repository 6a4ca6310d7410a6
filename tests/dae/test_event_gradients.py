"""Derivatives through events of models with algebraic equations, against central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symde

TIMES = [1.1, 2.3, 4.0, 5.5]

# events at known times, the first at the start; at a root of the algebraic variable; and a delayed one
REFILLED = """
param k = 1, th = 0.3, up = 1.5
state a = k, z = 0.4
discrete n = 0, kept = 0
a' = -a*z*k
0 = a*k - z - z^3*th
refill: when z < th: a = up + z*k, n += 1
every 0.7 from t0: a = a + 0.1*z + 0.1*kept
slow: when z < 0.35 after 0.3*th: kept = a*z
time 0 .. 6
"""

# what is discrete stands in the constraint, so that z jumps where a does not
SWITCHED = """
param k = 1, R = 2, level = 0.6, faster = 3
state a = k, z = 0.4
discrete gain = 1
a' = -a*z
0 = a*gain - R*z - sin(z) + 0.1*t
switch: when a < level: gain = faster*k
time 0 .. 6
"""


def loss_of(problem: symde.Problem, name: str):
    """The state at the end and half of it half way."""
    index = problem.system.state_names.index(name)

    def loss(u):
        weights = np.zeros_like(u)
        weights[-1, index], weights[len(u) // 2, index] = 1.0, 0.5
        return u[-1, index] + 0.5 * u[len(u) // 2, index], weights

    return loss


def by_differences(problem: symde.Problem, loss, change: Any, value: float) -> float:
    """The central difference by a parameter or an initial value, from `change(value)`."""
    step = 1e-5 * max(1.0, abs(value))
    options = {"rtol": 1e-12, "atol": 1e-13, "saveat": TIMES}
    up, down = (
        loss(symde.solve(symde.remake(problem, **change(moved)), "Radau", **options).u)[0]
        for moved in (value + step, value - step)
    )
    return (up - down) / (2 * step)


@pytest.mark.parametrize("text", [REFILLED, SWITCHED], ids=["refilled", "switched"])
@pytest.mark.parametrize("name", ["a", "z"])
def test_gradients_are_central_differences(text, name):
    problem = symde.Problem(symde.ode_def(text))
    loss = loss_of(problem, name)
    pairs = zip(problem.system.parameter_names, problem.p, strict=True)
    expected = [by_differences(problem, loss, lambda v, q=q: {"p": {q: v}}, value) for q, value in pairs]
    by_start = by_differences(problem, loss, lambda v: {"u0": {"a": v}}, 1.0)
    for sensealg, methods in (
        ("forward", ("Rodas5P", "Radau", "KenCarp4", "QNDF")),
        ("discrete", ("Rodas5P", "Radau", "KenCarp4")),
        ("auto", (None,)),
    ):
        for method in methods:
            options = {"saveat": TIMES, "rtol": 1e-9, "atol": 1e-11}
            _, found = symde.value_and_grad(loss, problem, method, sensealg=sensealg, **options)
            np.testing.assert_allclose(found["p"], expected, rtol=1e-6, atol=1e-7)
            assert found["u0"][0] == pytest.approx(by_start, rel=1e-6)
            assert abs(found["u0"][1]) < 1e-15  # the start of z is a guess


def test_sensitivities_jump_with_the_algebraic_variable():
    # a' = -1, R z = gain a, gain from 1 to 3 where a = level: t* = 1 - level
    text = """
    param level = 0.6, R = 2
    state a = 1, z = 0
    discrete gain = 1
    a' = -1
    0 = R*z - gain*a
    switch: when a < level: gain = 3*level
    time 0 .. 0.8
    """
    sens = symde.sensitivities(symde.Problem(text), saveat=[0.2, 0.7], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(sens["z", "level"], [0, 3 * 0.3 / 2], atol=1e-9)
    np.testing.assert_allclose(sens["z", "R"], [-0.8 / 4, -1.8 * 0.3 / 4], atol=1e-9)


def test_the_time_at_which_an_algebraic_variable_ends_a_solve():
    # z = a/R = level at t = log(1/(R level))
    text = """
    param R = 2, level = 0.1
    state a = 1, z = 0
    a' = -a
    0 = a - R*z
    low: when z < level: stop
    period = t
    time 0 .. 9
    """
    for sensealg in ("forward", "discrete"):
        value, found = symde.value_and_grad(
            lambda u: (u[-1, 0], np.ones_like(u)),
            symde.Problem(text),
            of="period",
            wrt="p",
            sensealg=sensealg,
            rtol=1e-10,
            atol=1e-12,
        )
        assert value == pytest.approx(np.log(5), rel=1e-8)
        assert found["p"] == pytest.approx([-1 / 2, -1 / 0.1], rel=1e-7)


PENDULUM = """
param g = 9.81, L = 1, e = 0.8, w = 0.5
state x = L, y = 0
state T = 0
x'(0) = 0; y'(0) = 0
time 0 .. 6
x'' = -T*x
y'' = -T*y - g
x^2 + y^2 = L^2
"""
WALL = "wall: when x < -w: x' = -e*x', y' = -e*y'"


@pytest.mark.parametrize("wall", [WALL, WALL.replace("x < -w", "T > 40*w")])
def test_forward_sensitivities_of_a_constrained_motion(wall):
    problem = symde.Problem(symde.ode_def(PENDULUM + wall))
    loss = loss_of(problem, "x")
    pairs = zip(problem.system.parameter_names, problem.p, strict=True)
    expected = [by_differences(problem, loss, lambda v, q=q: {"p": {q: v}}, value) for q, value in pairs]
    for sensealg in ("forward", "auto"):
        _, found = symde.value_and_grad(
            loss, problem, "Rodas5P", wrt="p", sensealg=sensealg, saveat=TIMES, rtol=1e-9, atol=1e-10
        )
        np.testing.assert_allclose(found["p"], expected, rtol=1e-6, atol=1e-7)


def test_initial_values_that_constraints_determine():
    # y and its derivative are left out: they follow x, L and x'
    text = "param g = 9.81, L = 1, e = 0.8, w = 0.5, x0 = 0.8\nstate x = x0, y\nstate T = 0\nx'(0) = 0.3\n"
    text += "time 0 .. 6\nx'' = -T*x\ny'' = -T*y - g\nx^2 + y^2 = L^2\n" + WALL
    problem = symde.Problem(symde.ode_def(text), u0={"y": -1})
    loss = loss_of(problem, "x")
    pairs = zip(problem.system.parameter_names, problem.p, strict=True)
    expected = [by_differences(problem, loss, lambda v, q=q: {"p": {q: v}}, value) for q, value in pairs]
    _, found = symde.value_and_grad(
        loss, problem, "Rodas5P", wrt="p", sensealg="forward", saveat=TIMES, rtol=1e-9, atol=1e-10
    )
    np.testing.assert_allclose(found["p"], expected, rtol=1e-6, atol=1e-7)


def test_derivatives_that_leave_a_constraint_are_refused():
    problem = symde.Problem(symde.ode_def(PENDULUM + WALL))
    loss, options = loss_of(problem, "x"), {"saveat": TIMES, "sensealg": "forward"}
    with pytest.raises(
        ValueError, match=r"the start leaves the constraint `x\^2 \+ y\^2 = L\^2` when x\(0\)"
    ):
        symde.value_and_grad(loss, problem, wrt=["x"], **options)
    fixed = WALL.replace("x' = -e*x', y' = -e*y'", "x = 0.6, y = -0.8, x' = 0.8*e, y' = 0.6*e")
    problem = symde.Problem(symde.ode_def(PENDULUM + fixed))
    with pytest.raises(ValueError, match="what event `wall` sets at t = 0.713.* when L changes"):
        symde.value_and_grad(loss, problem, wrt=["L"], **options)
    assert np.isfinite(symde.value_and_grad(loss, problem, wrt=["e", "g"], **options)[1]["e"])


@pytest.mark.parametrize("sensealg", ["interpolating", "gauss"])
def test_continuous_adjoints(sensealg):
    problem = symde.Problem(REFILLED)
    loss, options = loss_of(problem, "a"), {"saveat": TIMES, "rtol": 1e-8, "atol": 1e-9, "wrt": "p"}
    expected = symde.value_and_grad(loss, problem, sensealg="forward", **options)[1]["p"]
    found = symde.value_and_grad(loss, problem, sensealg=sensealg, **options)[1]["p"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("sensealg", ["interpolating", "gauss", "backsolve", "discrete"])
def test_adjoints_that_are_refused(sensealg):
    constrained = symde.Problem(symde.ode_def(PENDULUM + WALL))
    with pytest.raises(ValueError, match="take forward sensitivities"):
        symde.value_and_grad(loss_of(constrained, "x"), constrained, wrt="e", sensealg=sensealg, saveat=TIMES)
