"""Implicit steps: stiff drifts, the work they take, and what stops them."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError

IMPLICIT = ("ImplicitEulerMaruyama", "ImplicitMilstein", "SKenCarp")
FAST = "dx = -10000*(x - y)*dt + 0.1*dW1\ndy = (x - 2*y)*dt + 0.2*dW2\nx(0) = 1; y(0) = 1"


@pytest.mark.parametrize("method", IMPLICIT)
def test_steps_are_as_long_as_the_slow_part_asks(method: str) -> None:
    # x follows y, so that dy = -y dt + 0.2 dW2 but for 1e-4: mean exp(-1), variance 0.02 (1 - exp(-2))
    problem = symde.Problem(symde.ode_def(FAST), tspan=(0, 1))
    y = symde.ensemble(problem, method, n=4000, seed=1, dt0=1 / 64, saveat=[1.0]).u[:, 0, 1]
    assert y.mean() == pytest.approx(np.exp(-1), abs=4 * y.std() / 4000**0.5 + 0.004)
    assert y.var() == pytest.approx(0.02 * (1 - np.exp(-2)), rel=0.1)


def test_steps_that_follow_the_error_are_fewer_than_explicit_ones() -> None:
    problem = symde.Problem(symde.ode_def(FAST), tspan=(0, 1))
    implicit, explicit = (
        symde.ensemble(problem, method, n=10, seed=1, rtol=1e-2, atol=1e-2, saveat=[1.0])
        for method in ("SKenCarp", "SOSRA")
    )
    assert implicit.stats.steps < explicit.stats.steps / 20
    np.testing.assert_allclose(implicit.u[:, 0, 1], explicit.u[:, 0, 1], atol=5e-3)  # on the same paths


@pytest.mark.parametrize("method", IMPLICIT)
def test_stages_solve_their_equations(method: str) -> None:
    # without noise, one step from 2 of x' = -x^3: x = 2 - h x^3 by the methods of order 1
    problem = symde.Problem("param s = 0\ndx = -x^3*dt + s*dW\nx(0) = 2", tspan=(0, 10))
    x = symde.solve(problem, method, dt0=10.0, seed=1).u[-1, 0]
    if method != "SKenCarp":
        assert 10 * x**3 + x == pytest.approx(2, rel=1e-9)
    assert np.isfinite(x)


def test_large_sparse_drifts_are_solved_by_the_solvers_of_the_engine() -> None:
    # a rod whose ends are cold: with additive noise the mean is the ODE's, which the steps follow without it
    n = 60
    names = [f"u{i}" for i in range(n)]
    around = ["0", *names, "0"]
    text = "param s = 0\n" + "\n".join(
        f"d{name} = 900*({around[i]} - 2*{name} + {around[i + 2]})*dt + s*dW" for i, name in enumerate(names)
    )
    problem = symde.Problem(text, dict.fromkeys(names, 1.0), (0, 0.1))
    u = symde.solve(problem, "SKenCarp", dt0=1e-3, seed=1).u[-1]
    matrix = 900 * (np.diag(np.full(n - 1, 1.0), 1) + np.diag(np.full(n - 1, 1.0), -1) - 2 * np.eye(n))
    values, vectors = np.linalg.eigh(matrix)
    exact = vectors @ (np.exp(0.1 * values) * (vectors.T @ np.ones(n)))
    np.testing.assert_allclose(u, exact, rtol=2e-4)


def test_a_step_without_solution_says_so() -> None:
    # y - h exp(y) = 0 has no root where h > 1/e
    problem = symde.Problem("dx = exp(x)*dt + 0*x*dW1 + 1e-3*dW\nx(0) = 0", tspan=(0, 4))
    with pytest.raises(SolveError, match="diverged: .*did not converge.*at t = 0") as caught:
        symde.solve(problem, "ImplicitEulerMaruyama", dt0=1.0, seed=1)
    assert caught.value.retcode is Retcode.DIVERGED


def test_what_is_no_number_is_not_called_an_iteration() -> None:
    problem = symde.Problem("dx = log(x)*dt + 0.01*dW\nx(0) = -1", tspan=(0, 1))
    for method in ("ImplicitMilstein", "SKenCarp"):
        with pytest.raises(SolveError, match="non_finite: the path is not finite, in the step from t = 0"):
            symde.solve(problem, method, dt0=0.1, seed=1)


def test_domains_are_kept() -> None:
    problem = symde.Problem("dom x >= 0\ndx = 50*(0.1 - x)*dt + 2*sqrt(x)*dW\nx(0) = 0.1", tspan=(0, 1))
    x = symde.ensemble(problem, "ImplicitEulerMaruyama", n=4000, seed=1, dt0=0.02, saveat=[1.0]).u.ravel()
    assert np.isfinite(x).all() and x.min() >= 0
    # a gamma distribution of mean 0.1; full truncation adds some per cent of the deviation
    assert x.mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("method", IMPLICIT)
def test_threads_give_the_same_bits(method: str) -> None:
    problem = symde.Problem(symde.ode_def(FAST), tspan=(0, 1))
    one, two = (
        symde.ensemble(problem, method, n=70, seed=3, dt0=0.05, saveat=[1.0], workers=k).u for k in (1, 2)
    )
    assert np.array_equal(one, two)
    alone = symde.noise.solve_noise(problem, method, dt0=0.05, seed=3, trajectory=33, saveat=[1.0])
    assert np.array_equal(alone.u, one[33])
