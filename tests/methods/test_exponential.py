"""Exponential Rosenbrock methods: what is linear is exact, what is stiff costs no order."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.linalg import expm

import symde
from symde.engine.methods import registry
from symde.engine.methods.proofs import TableauError

METHODS = [method for method in registry.methods() if method.family == "exponential"]


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


@named(METHODS)
def test_every_weight_counts(method):
    for key in ("c", "b"):
        values = getattr(method, key)
        for place in zip(*np.nonzero(values), strict=True):
            wrong = values.copy()
            wrong[place] *= 1 + 1e-5
            with pytest.raises(TableauError, match=method.name):
                dataclasses.replace(method, **{key: wrong})


@named(METHODS)
def test_stages_cannot_read_later_ones(method):
    late = method.a.copy()
    late[0, -1, 0] = 0.5
    with pytest.raises(TableauError, match="not known yet"):
        dataclasses.replace(method, a=late)


def heat(n, source=""):
    """u_t = u_xx + source on n inner points of [0, 1], u = 0 at both ends."""
    lines = [f"state u{i} = sin(pi*{i}/{n + 1}) + 0.5*sin(3*pi*{i}/{n + 1})" for i in range(1, n + 1)]
    for i in range(1, n + 1):
        left, right = (f"u{i - 1}" if i > 1 else "0"), (f"u{i + 1}" if i < n else "0")
        own = source.replace("U", f"u{i}").replace("X", f"({i}/{n + 1})")
        lines.append(f"u{i}' = {(n + 1) ** 2}*({left} - 2*u{i} + {right}){own}")
    return symde.ode_def("\n".join(lines))


@named(METHODS)
def test_a_linear_system_is_exact_whatever_the_step(method):
    """The matrix exponential by scipy; the steps grow tenfold, since there is no error to hold them."""
    n = 30
    problem = symde.Problem(heat(n), tspan=(0, 0.1))
    matrix = (n + 1) ** 2 * (np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1))
    solution = symde.solve(problem, method, rtol=1e-8, atol=1e-8)
    exact = expm(0.1 * matrix) @ problem.u0
    assert np.abs(solution.u[-1] - exact).max() < 1e-8
    assert solution.stats.accepted < 12


@named(METHODS)
def test_a_stiff_semilinear_problem_costs_no_order(method):
    """u = x(1 - x)exp(t) solves u_t = u_xx + 1/(1 + u^2) + what remains; the differences in x are exact for
    it. Four points, so that the Krylov spaces are complete and only the error of the steps is seen; h times
    the spectral radius is 18 at the largest step.
    Source: Hochbruck, Ostermann and Schweitzer (2009), example 6.1."""
    n = 4
    own = "X*(1 - X)*exp(t)"
    rest = f" + 1/(1 + U^2) + {own} + 2*exp(t) - 1/(1 + ({own})^2)"
    x = np.arange(1, n + 1) / (n + 1)
    problem = symde.Problem(heat(n, rest), u0=x * (1 - x), tspan=(0, 1))
    counts, errors = np.array([5, 10, 20]), []
    for h in 1 / counts:
        solution = symde.solve(problem, method, rtol=0.1, atol=1e30, dt0=h, dtmax=h)
        errors.append(np.abs(solution.u[-1] - x * (1 - x) * np.e).max())
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] > method.order - 0.2


@named(METHODS)
def test_between_the_steps_the_solution_is_as_good_as_at_their_ends(method):
    from tests.problems import get

    case = get("brusselator")
    fine = symde.solve(case.problem, "Rodas5P", rtol=1e-10, atol=1e-10)
    found = symde.solve(case.problem, method, rtol=1e-6, atol=1e-6)
    middle = 0.5 * (found.t[:-1] + found.t[1:])
    ends = np.abs(found.u - fine(found.t)).max()
    assert np.abs(found(middle) - fine(middle)).max() < 2 * ends + 1e-6


@named(METHODS)
def test_a_step_whose_krylov_space_would_be_too_large_is_cut(method):
    """From a rough start with h times the spectral radius 3600 the products need more than 40 dimensions."""
    start = np.random.default_rng(3).uniform(0, 1, 300)
    problem = symde.Problem(heat(300), start, tspan=(0, 0.01))
    solution = symde.solve(problem, method, rtol=1e-5, atol=1e-5, dt0=0.01)
    assert solution.stats.divergences > 0 and solution.success
    reference = symde.solve(problem, "Rodas5P", rtol=1e-8, atol=1e-8, saveat=[0.01])
    assert np.abs(solution.u[-1] - reference.u[-1]).max() < 1e-5


@named(METHODS)
def test_a_function_that_is_called_back_is_solved_with_differences(method):
    def branching(u, p, t):
        return [-50 * u[0] + np.cos(t) if u[0] < 5 else 0.0]

    solution = symde.solve(symde.Problem(branching, [1.0], (0, 1)), method, rtol=1e-6, atol=1e-6)
    # u' = -50 u + cos t: the transient is gone at t = 1
    assert solution.u[-1, 0] == pytest.approx((50 * np.cos(1) + np.sin(1)) / 2501, abs=1e-5)


@named(METHODS)
def test_a_function_that_is_called_back_gains_from_a_tighter_tolerance(method):
    # Directions of the Krylov space are as short as the tolerances; differences must not drown in rounding.
    def forced(u, p, t):
        return np.array([u[1], -2 * float(u[0]) + np.sin(float(t))])

    problem = symde.Problem(forced, u0=[1.0, 0.0], tspan=(0.0, 3.0))
    solution = symde.solve(problem, method, rtol=1e-8, atol=1e-10)
    # q'' = -2q + sin t: q = cos(wt) - sin(wt)/w + sin t with w = sqrt 2
    w = np.sqrt(2.0)
    exact = np.cos(3 * w) - np.sin(3 * w) / w + np.sin(3.0)
    assert abs(solution.u[-1, 0] - exact) < 1e-7  # ten times the tolerance; 1e-3 and worse when they drown


@named(METHODS)
@pytest.mark.parametrize(
    "text, end",
    [
        ("state x = 1\nx' = -x + sqrt(0.5 - t)", 0.5),  # in f
        ("state x = 1, y = 1\nx' = -1\ny' = y*sqrt(x)", 1.0),  # in a Jacobian's product, too
    ],
)
def test_a_right_hand_side_that_ends_is_called_so(method, text, end):
    """The root's argument is 0 at `end`; steps are cut until they are lost in the time's rounding."""
    solution = symde.solve(symde.Problem(text, tspan=(0, 2)), method, throw=False)
    assert solution.retcode is symde.Retcode.NON_FINITE
    assert abs(solution.t[-1] - end) < 1e-6


@named(METHODS)
def test_a_pole_is_not_mistaken_for_a_value_that_is_not_finite(method):
    """u = 1/(1 - t)."""
    solution = symde.solve(
        symde.Problem("state u = 1\nu' = u^2", tspan=(0, 2)), method, rtol=1e-3, throw=False
    )
    assert solution.retcode is symde.Retcode.STEP_TOO_SMALL
    assert abs(solution.t[-1] - 1) < 1e-2
