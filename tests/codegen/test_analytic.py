"""Which right-hand sides Taylor coefficients tell all of."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symde
from symde.codegen.analytic import is_analytic
from symde.codegen.system import ModelKernels
from tests.problems import get


def analytic(right, more=""):
    text = f"param K = 2, n = 2\nstate u = 1, v = 1\nu' = {right}\nv' = -v{more}"
    lowered = ModelKernels(symde.ode_def(text).definition).lowered
    return is_analytic(lowered.graph, lowered.rhs)


@pytest.mark.parametrize(
    "right",
    [
        "K*u - u*v",
        "u^3 - 1/v^2",
        "K*u/(K + v)",
        "u/(u^2 + v^2)^(3/2)",
        "u*(u^2 + v^2)^(-1.5)",
        "u/sqrt(u^2 + v^2)^3",
        "(sqrt(u^2 + v^2) - 1)*u/sqrt(u^2 + v^2)",
        "sin(K*t) + cos(u)*tan(v)",
        "u*log(u/K)",
        "atan(u - v)",
        "exp(-K)*u + max(K, n)*v",
        "K^n*u",
    ],
)
def test_functions_that_are_finite_only_where_they_are_analytic(right):
    assert analytic(right)


@pytest.mark.parametrize(
    "right",
    [
        "sqrt(u)",
        "-sqrt(u^2 + v^2)*u",
        "u^1.5",
        "u^n",
        "u^n/(K^n + u^n)",
        "u^100",
        "K^u",
        "abs(u)",
        "min(u, v)",
        "floor(t)",
        "mod(u, K)",
        "ifelse(t < 1, u, v)",
        "asin(u/K)",
        "atan2(u, v)",
        "gamma(u + 1)",
    ],
)
def test_kinks_jumps_and_roots_that_may_vanish(right):
    assert not analytic(right)


@pytest.mark.parametrize("right", ["1/(1 + K/u)", "1/(1 + (K/u)^2)", "atan(K/u)", "(K/u)^(-2)", "1/log(u)"])
def test_infinities_that_become_finite_again(right):
    assert not analytic(right)


@pytest.mark.parametrize(
    "right", ["exp(-((t - 5)/K)^2)", "tanh(u)", "erf(t)", "cosh(u)", "1/(1 + exp(-K*u))"]
)
def test_exponentials_hide_what_lies_ahead(right):
    assert not analytic(right)


def test_what_no_derivative_reads_forbids_nothing():
    assert analytic("u", "\nobserved = abs(u)")


@pytest.mark.parametrize(
    "name", ["lotka", "lorenz", "kepler", "arenstorf", "pleiades", "fput", "hires", "rober_1e5"]
)
def test_orbits_chains_and_mass_action_qualify(name):
    lowered = ModelKernels(get(name).model.definition).lowered
    assert is_analytic(lowered.graph, lowered.rhs)


def test_where_the_right_side_is_finite_the_coefficients_are():
    """At the states where powers, roots and quotients are special, for functions that were let through."""
    rng = np.random.default_rng(5)
    rights = ["u/(u^2 + v^2)^(3/2)", "u^3 - 1/v^2", "u*log(u)", "K*u/(K + v)", "u/sqrt(u^2 + v^2)^3"]
    for right in rights:
        problem = symde.Problem(f"param K = 2\nstate u = 1, v = 1\nu' = {right}\nv' = -v", tspan=(0, 1e-3))
        assert problem.system.traits.analytic
        for u0 in (
            *np.array(np.meshgrid([0.0, 1.0, -2.0], [0.0, 1.0, -2.0])).reshape(2, 9).T,
            rng.normal(size=2),
        ):
            if np.isfinite(problem.system.slope(0.0, u0, problem.p)).all():
                end = symde.solve(symde.remake(problem, u0=list(u0)), "Taylor", rtol=1e-10, atol=1e-12).u[-1]
                assert math.isclose(end[1], u0[1] * math.exp(-1e-3), rel_tol=1e-9)
