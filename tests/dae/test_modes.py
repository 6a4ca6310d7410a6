"""Branches as modes in models with algebraic equations, whose variables follow them and may jump."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import symde
from tests.dae.systems import METHODS

FIRST, SECOND = (float(np.roots([0.1, 0.0, 1.0, -level])[-1].real) for level in (1.0, 2.0))
"""Solutions of z + 0.1 z^3 = 1 and = 2."""

LEVELS = """
param c = 0.5
state x = 1, z = 0
discrete n = 0
x' = -z
0 = z + 0.1*z^3 - (x > c ? 1 : 2)
time 0 .. 0.8
"""
# x falls at the rate FIRST to c, and at SECOND from there
CROSSED = 0.5 / FIRST

DIODE = """
param R = 1, C = 1, g = 100, leak = 0.01
state u = 0, v = 0, i = 0
C*u' = i - 0.1*u
0 = sin(t) - R*i - v - u
0 = i - ({law})
time 0 .. 20
"""
# i = (sin(t) - u)/(R + 1/conductance), whose sign is that of v
EXPLICIT = """
param R = 1, C = 1, g = 100, leak = 0.01
u' = ((sin(t) - u)/(R + 1/(sin(t) > u ? g + leak : leak)) - 0.1*u)/C; u(0) = 0
time 0 .. 20
"""
LAWS = "g*max(v, 0) + leak*v", "(v > 0 ? g + leak : leak)*v"
LOOSE = ("TRBDF2", "Rosenbrock23")


def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
    weights = np.zeros_like(u)
    weights[-1] = 1.0
    return float(u[-1].sum()), weights


@pytest.mark.parametrize("method", METHODS)
def test_an_algebraic_variable_jumps_where_a_branch_changes(method):
    solution = symde.solve(symde.Problem(LEVELS), method)
    (place,) = np.flatnonzero(np.diff(solution.t) == 0.0)
    assert solution.t[place] == pytest.approx(CROSSED, abs=1e-13)
    np.testing.assert_allclose(solution["z"][[place, place + 1]], [FIRST, SECOND], rtol=1e-12)
    assert solution["x"][-1] == pytest.approx(0.5 - SECOND * (0.8 - CROSSED), abs=1e-13)
    assert solution.stats.accepted < 25
    t = float(solution.t[place])
    assert solution(t, "z", side="left") == pytest.approx(FIRST, rel=1e-12)
    assert solution(t, "z") == pytest.approx(SECOND, rel=1e-12)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("method", METHODS)
def test_a_diode_circuit_is_what_it_is_with_its_loop_solved(method, law):
    reference = symde.solve(symde.Problem(EXPLICIT), "Vern7", rtol=1e-12, atol=1e-14)["u"][-1]
    solution = symde.solve(symde.Problem(DIODE.format(law=law)), method, rtol=1e-7, atol=1e-9)
    assert solution["u"][-1] == pytest.approx(reference, abs=5e-5 if method in LOOSE else 3e-6)


def test_the_order_of_the_method_is_kept_across_kinks():
    problem = symde.Problem(DIODE.format(law=LAWS[0]))
    reference = symde.solve(symde.Problem(EXPLICIT), "Vern7", rtol=1e-13, atol=1e-15)["u"][-1]
    found = [symde.solve(problem, "Rodas5P", rtol=rtol, atol=rtol * 1e-2) for rtol in (1e-5, 1e-9)]
    errors = [abs(one["u"][-1] - reference) for one in found]
    order = math.log(errors[0] / errors[1]) / math.log(found[1].stats.accepted / found[0].stats.accepted)
    assert order > 4.0


def test_an_event_follows_a_jump_of_an_algebraic_variable():
    text = LEVELS + "high: when z > 1.2: n += 1, x += 0.1"
    for method in ("Rodas5P", "QNDF"):
        events = symde.solve(symde.Problem(text), method).events
        assert [one.t for one in events] == pytest.approx([CROSSED + 0.1 * k / FIRST for k in range(3)])
        np.testing.assert_allclose([one.before[1] for one in events], SECOND, rtol=1e-12)
        np.testing.assert_allclose([one.after[1] for one in events], FIRST, rtol=1e-12)


@pytest.mark.parametrize(("slope", "value"), [(1, FIRST), (-1, SECOND)])
def test_a_start_at_a_jump_is_that_of_the_branch_behind_it(slope, value):
    text = f"state x = 0, z = 0\nx' = {slope}\n0 = z + 0.1*z^3 - (x > 0 ? 1 : 2)\ntime 0 .. 1"
    solution = symde.solve(symde.Problem(text), "Rodas5P")
    np.testing.assert_allclose(solution["z"], value, rtol=1e-12)
    text = text.replace("(x > 0 ? 1 : 2)", "(1.5 + 0.5*sign(x))")  # 1.5 at the start itself
    solution = symde.solve(symde.Problem(text), "Rodas5P")
    np.testing.assert_allclose(solution["z"], FIRST + SECOND - value, rtol=1e-12)


RELAY = "state x = 0, z = 0\nx' = 1\n0 = z + 0.1*z^3 - x - (z > 0.3 ? {step} : 0)\ntime 0 .. 2"


@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "Radau"])
def test_a_variable_that_decides_its_own_branch(method):
    # it jumps up where z = 0.3; where the branch behind would put it back there is no solution
    solution = symde.solve(symde.Problem(RELAY.format(step=0.5)), method)
    assert solution["z"][-1] == pytest.approx(float(np.roots([0.1, 0.0, 1.0, -2.5])[-1].real), rel=1e-6)
    (place,) = np.flatnonzero(np.diff(solution.t) == 0.0)
    assert solution.t[place] == pytest.approx(0.3 + 0.1 * 0.3**3, abs=1e-10)
    with pytest.raises(symde.SolveError, match=r"`z > 0.3` \(line 3\) switches"):
        symde.solve(symde.Problem(RELAY.format(step=-0.5)), method)


def test_floors_and_backward_solves():
    text = "state x = 0, z = 0\nx' = 1\n0 = z + 0.1*z^3 - floor(x) - mod(x, 0.7)\ntime 0 .. 3.2"
    problem = symde.Problem(text)
    solution = symde.solve(problem, "Rodas5P")
    jumps = solution.t[:-1][np.diff(solution.t) == 0.0]
    assert jumps == pytest.approx([0.7, 1.0, 1.4, 2.0, 2.1, 2.8, 3.0], abs=1e-12)
    back = symde.solve(symde.remake(problem, tspan=(3.2, 0), u0={"x": 3.2}), "Rodas5P")
    np.testing.assert_allclose(back(0.5), solution(0.5), atol=1e-6)


def test_an_integrator_steps_to_jumps_and_takes_states():
    integrator = symde.Integrator(symde.Problem(LEVELS), "Rodas5P")
    times = []
    while integrator.t < 0.8:
        integrator.step()
        times.append(integrator.t)
    assert times == sorted(set(times))
    assert min(abs(t - CROSSED) for t in times) < 1e-12
    integrator = symde.Integrator(symde.Problem(LEVELS), "Rodas5P")
    integrator.step()
    integrator.set_u([0.2, FIRST, 0.0])
    assert integrator.u[1] == pytest.approx(SECOND, rel=1e-12)


STRATEGIES = ("forward", "discrete", "interpolating", "gauss")


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_gradients_go_over_jumps(sensealg):
    # x(T) = c - SECOND (T - (1 - c)/FIRST)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, grad = symde.value_and_grad(
            loss, symde.Problem(LEVELS), "Rodas5P", wrt=("c", "x"), saveat=[0.8], sensealg=sensealg
        )
    assert grad["c"] == pytest.approx(1 - SECOND / FIRST, rel=1e-8)
    assert grad["x"] == pytest.approx(SECOND / FIRST, rel=1e-8)


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_gradients_go_over_kinks(sensealg):
    # those of the explicit form, C among them, which multiplies a derivative
    wrt, options = ("R", "C", "g"), {"saveat": [20.0], "rtol": 1e-9, "atol": 1e-11}
    _, expected = symde.value_and_grad(
        lambda u: loss(u[:, :1]), symde.Problem(EXPLICIT), "Vern7", wrt=wrt, sensealg="forward", **options
    )

    def of_u(u: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.zeros_like(u)
        weights[-1, 0] = 1.0
        return float(u[-1, 0]), weights

    problem = symde.Problem(DIODE.format(law=LAWS[0]))
    _, grad = symde.value_and_grad(of_u, problem, "Rodas5P", wrt=wrt, sensealg=sensealg, **options)
    for name in wrt:
        assert grad[name] == pytest.approx(expected[name], rel=1e-5, abs=1e-9)


def test_sensitivities_of_an_algebraic_variable_that_saturates():
    # y + 0.2 y^3 = min(k x, 1), x = sin(t): dy/dk = x/(1 + 0.6 y^2) up to the kink, 0 behind it
    text = "param k = 3\nstate x = 0, y = 0\nx' = cos(t)\n0 = y + 0.2*y^3 - min(k*x, 1 + 0*y)\ntime 0 .. 1.5"
    times = [0.2, 1.0]
    found = symde.sensitivities(symde.Problem(text), "Rodas5P", saveat=times, rtol=1e-9, atol=1e-11)
    y, x = found.solution["y"][0], math.sin(0.2)
    np.testing.assert_allclose(found["y", "k"], [x / (1 + 0.6 * y * y), 0.0], rtol=1e-6, atol=1e-12)
