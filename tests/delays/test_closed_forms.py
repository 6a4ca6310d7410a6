"""Solutions known in closed form, by every family of methods that solves delay equations."""

from __future__ import annotations

import numpy as np
import pytest

import symde

from .cases import CASES, NEUTRAL, Case

METHODS = {
    "Tsit5": 1e2, "DP5": 1e2, "BS3": 1e3, "Vern6": 1e2, "Vern7": 1e2, "Vern8": 1e2, "Vern9": 1e2,
    "DOP853": 1e2, "Rodas5P": 1e2, "Rodas4": 1e2, "Rosenbrock23": 1e4, "KenCarp4": 1e3, "Kvaerno5": 1e2,
    "TRBDF2": 1e4, "Radau": 1e3, "QNDF": 1e3, "FBDF": 1e3, "VCABM": 1e3,
}  # fmt: skip
"""Methods, and how many tolerances the error may be: one of low order gathers more of it, over 1e3 steps."""

RTOL = 1e-8
SHORT_STEPS = ("QNDF", "FBDF", "VCABM")
"""Multistep methods, whose steps are no longer than a delay."""
LOW_ORDER = ("Rosenbrock23", "TRBDF2")
"""Methods whose error takes a time that only touches t (y2 = 1/t is off by 3e-7 there) well beyond it."""


def error(case: Case, method: str | None, **options) -> float:
    solution = symde.solve(case.problem, method, atol=1e-2 * options["rtol"], **options)
    return float(np.abs(solution(case.times)[:, 0] - case.exact(case.times)).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_delayed_states(name, method):
    case = CASES[name]
    if case.vanishes and method in SHORT_STEPS:
        with pytest.raises(ValueError, match="no longer than a delay"):
            error(case, method, rtol=RTOL)
    elif name == "Neves" and method in LOW_ORDER:
        with pytest.raises(ValueError, match="is not in the past"):
            error(case, method, rtol=RTOL)
    else:
        assert error(case, method, rtol=RTOL) < METHODS[method] * RTOL


@pytest.mark.parametrize("name", CASES)
def test_the_default_methods(name):
    assert error(CASES[name], None, rtol=RTOL) < 1e2 * RTOL


DERIVATIVES = {"Tsit5": 5, "Vern7": 10, "DOP853": 20, "Rodas5P": 50, "Radau": 30}
"""Methods that read derivatives, and how many tolerances the error may be, whatever the tolerance."""


@pytest.mark.parametrize("rtol", [1e-5, 1e-8])
@pytest.mark.parametrize("method", DERIVATIVES)
@pytest.mark.parametrize("name", NEUTRAL)
def test_delayed_derivatives(name, method, rtol):
    assert error(NEUTRAL[name], method, rtol=rtol) < DERIVATIVES[method] * rtol


def test_the_error_of_delayed_derivatives_follows_the_tolerance():
    # without an estimate of it the error falls with the power 4/5 of the tolerance: interpolants have order 4
    case = NEUTRAL["Jackiewicz"]
    for method in ("Tsit5", "DP5", "KenCarp4"):
        loose, tight = (error(case, method, rtol=rtol) for rtol in (1e-5, 1e-8))
        assert tight < 5e-3 * loose


def test_a_neutral_equation_may_jump_where_no_step_ends():
    # y' = g(t) - y'(t - 1)/2 with g from 1 to 2 at pi/2: y' is 1, 1/2 from 1 on, 3/2 from pi/2 on
    text = "state y = 0\ny' = (t > pi/2 ? 2 : 1) - y'(t - 1)/2\ntime 0 .. 2"
    for method in ("Tsit5", "Vern7", "Rodas5P"):
        solution = symde.solve(symde.Problem(text), method, rtol=1e-9, atol=1e-11)
        expected = 1 + 0.5 * (np.pi / 2 - 1) + 1.5 * (2 - np.pi / 2)
        np.testing.assert_allclose(solution.u[-1, 0], expected, rtol=1e-8)
        assert solution.stats.accepted < 200


def test_a_step_by_a_fixed_size_has_no_error_to_join():
    solution = symde.solve(NEUTRAL["Wille and Baker"].problem, "RK4", dt0=0.01)
    assert abs(solution.u[-1, 0] - NEUTRAL["Wille and Baker"].exact(np.array([2.0]))[0]) < 1e-6


def test_points_of_saveat_are_those_of_the_continuous_solution():
    case = CASES["a history of t"]
    whole = symde.solve(case.problem, "Tsit5", rtol=RTOL)
    points = symde.solve(case.problem, "Tsit5", rtol=RTOL, saveat=0.7)
    assert points.dense is None
    np.testing.assert_allclose(points.u, whole(points.t), rtol=1e-13)


def test_steps_end_at_the_discontinuities():
    # at 0 the state jumps, so that the k-th derivative jumps at k
    case = CASES["a jump at the start"]
    solution = symde.solve(case.problem, "Tsit5", rtol=RTOL)
    assert {0.0, 1.0, 2.0, 3.0, 4.0} <= set(solution.t.tolist())


def test_no_step_is_rejected_for_a_discontinuity():
    # between discontinuities the solutions are polynomials
    for name in ("one delay", "a jump at the start", "two delays"):
        assert symde.solve(CASES[name].problem, "Vern7", rtol=RTOL).stats.rejected == 0


def test_a_state_dependent_discontinuity_is_found():
    # y reaches 2, the start, at t = 4
    solution = symde.solve(CASES["its own argument"].problem, "Vern7", rtol=1e-10, atol=1e-12)
    assert np.abs(solution.t - 4.0).min() < 1e-8


def test_stepping_by_hand_passes_the_same_points():
    case = CASES["two delays"]
    integrator = symde.Integrator(case.problem, "Tsit5", rtol=RTOL)
    while not integrator.done:
        integrator.step()
    whole = symde.solve(case.problem, "Tsit5", rtol=RTOL)
    np.testing.assert_array_equal(integrator.solution().u[-1], whole.u[-1])
    integrator.reinit()
    assert abs(integrator.advance(2.2)[0] - case.exact(np.array([2.2]))[0]) < 1e-7


def test_a_second_order_equation_has_a_delayed_velocity():
    # x'' = -x with x = sin t, read a whole turn before
    text = "state x\nhistory x = sin(t)\nx(0) = 0\nx'(0) = 1\nhistory x' = cos(t)\nx'' = x'(t - 3*pi/2)"
    solution = symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 10)), "Vern7", rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(solution["x"], np.sin(solution.t), atol=1e-8)
    np.testing.assert_allclose(solution["x'"], np.cos(solution.t), atol=1e-8)


def test_delayed_values_of_delayed_values():
    # x(t - x(t - 1)) with x = 1: x' = 1 - x(...) stays at rest
    text = "state x = 1\nx' = 1 - x(t - x(t - 1))"
    solution = symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 5)), "Tsit5")
    np.testing.assert_allclose(solution.u, 1.0, rtol=1e-14)


def test_a_delay_that_is_none_at_0_and_at_1_only():
    # x' = -x(t^2) on (0, 1): integrated term by term, x = 1 - t + t^3/3 - t^7/(3 7) + t^15/(3 7 15) - ...
    solution = symde.solve(symde.Problem("state x = 1\nx' = -x(t^2)\ntime 0 .. 1"), "Vern7", rtol=1e-9)
    powers, factors = 2.0 ** np.arange(1, 9) - 1, np.cumprod(1 / (2.0 ** np.arange(1, 9) - 1))
    signs = (-1.0) ** np.arange(1, 9)
    exact = 1 + (signs * factors * solution.t[:, None] ** powers).sum(axis=1)
    np.testing.assert_allclose(solution["x"], exact, atol=1e-8)


def test_times_that_stand_still_and_jump():
    # x(n) halves in every step of time
    solution = symde.solve(
        symde.Problem("state x = 1\nx' = -x(floor(t))/2\ntime 0 .. 3"), "Vern7", saveat=1, rtol=1e-9
    )
    np.testing.assert_allclose(solution["x"], [1, 0.5, 0.25, 0.125], atol=1e-6)


@pytest.mark.parametrize(
    ("time", "end"),
    # a delay that grows by 1 at every whole time is not constant: x(s) is 1 all the time, or as on (0, 1)
    [("t - 1 - floor(t)", -2.0), ("t - floor(t)", 3 * np.exp(-1) - 2), ("t > 1 ? t - 1 : t - 2", -1 / 6)],
)
def test_delays_of_pieces_are_not_constant(time, end):
    solution = symde.solve(symde.Problem(f"state x = 1\nx' = -x({time})\ntime 0 .. 3"), rtol=1e-8)
    np.testing.assert_allclose(solution.u[-1, 0], end, atol=1e-6)
