"""Means and variances that are known, and the random numbers themselves."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import symde
from symde.engine.cpu.library import function_address
from tests.jumps.test_random import philox

PATHS = 20000


def moments(problem: symde.Problem, method: str | None, dt0: float, end: float) -> tuple[float, float, float]:
    """Mean and variance of the first state at the end, and four standard errors of the mean."""
    x = symde.ensemble(problem, method, n=PATHS, seed=8, dt0=dt0, saveat=[end]).u[:, 0, 0]
    assert np.isfinite(x).all()
    return x.mean(), x.var(), 4 * x.std() / np.sqrt(PATHS)


@pytest.mark.parametrize("method", ["EulerMaruyama", "SRA1"])
def test_ornstein_uhlenbeck(method: str) -> None:
    problem = symde.Problem("dx = 2*(3 - x)*dt + 0.5*dW\nx(0) = 1", tspan=(0, 1))
    mean, variance, error = moments(problem, method, 1 / 128, 1.0)
    assert mean == pytest.approx(3 - 2 * np.exp(-2), abs=error + 0.01)
    assert variance == pytest.approx(0.25 * (1 - np.exp(-4)) / 4, rel=0.06)


@pytest.mark.parametrize("method", ["Milstein", "SRIW1"])
def test_geometric_brownian_motion(method: str) -> None:
    problem = symde.Problem("dx = 0.4*x*dt + 0.3*x*dW\nx(0) = 1", tspan=(0, 1))
    mean, variance, error = moments(problem, method, 1 / 64, 1.0)
    assert mean == pytest.approx(np.exp(0.4), abs=error + 0.003)
    assert variance == pytest.approx(np.exp(0.8) * (np.exp(0.09) - 1), rel=0.06)


@pytest.mark.parametrize("method", ["EulerMaruyama", "SRIW1"])
def test_cox_ingersoll_ross_reaches_zero_without_nan(method: str) -> None:
    # 2 a b < s^2: the process reaches 0; moments of J. C. Cox, J. E. Ingersoll, S. A. Ross, A theory of the
    # term structure of interest rates, Econometrica 53 (1985), 385-407, equation (19)
    a, b, s, x0, end = 1.0, 0.5, 1.2, 0.1, 2.0
    text = f"dom x >= 0\ndx = {a}*({b} - x)*dt + {s}*sqrt(x)*dW\nx(0) = {x0}"
    problem = symde.Problem(text, tspan=(0, end))
    mean, variance, error = moments(problem, method, 1 / 400, end)
    e = np.exp(-a * end)
    assert mean == pytest.approx(x0 * e + b * (1 - e), abs=error + 0.01)
    assert variance == pytest.approx(x0 * s**2 / a * (e - e**2) + b * s**2 / (2 * a) * (1 - e) ** 2, rel=0.1)
    path = symde.solve(problem, method, dt0=1 / 400, seed=1)
    assert path.u.min() == 0.0


def test_langevin_of_many_molecules_is_the_ode() -> None:
    # births at V and deaths at x: noise is about sqrt(V), so that x/V comes to the ODE as V grows
    network = "param V = 1\nV, 0 --> X\n1, X --> 0\nX(0) = 0"
    gaps = []
    for volume in (1e2, 1e6):
        problem = symde.Problem(symde.ode_def(network), tspan=(0, 3), p={"V": volume}, kind="sde")
        x = symde.ensemble(problem, n=400, seed=4, dt0=1 / 256, saveat=[3.0]).u[:, 0, 0] / volume
        gaps.append(np.abs(x - (1 - np.exp(-3))).mean())
        # the process of counts is Poisson's, of which mean and variance are the same
        assert x.mean() == pytest.approx(1 - np.exp(-3), abs=4 * x.std() / 20 + 1e-3)
        if volume == 1e2:
            assert x.var() * volume == pytest.approx(1 - np.exp(-3), rel=0.3)
    assert gaps[1] < gaps[0] / 50


def test_reactions_share_their_motion_among_species() -> None:
    # A --> B changes both by one Brownian motion: what is together stays
    problem = symde.Problem("1, A --> B\nA(0) = 100; B(0) = 0", tspan=(0, 1), kind="sde")
    path = symde.solve(problem, dt0=0.01, seed=1)
    np.testing.assert_allclose(path.u.sum(axis=1), 100.0, rtol=1e-13)
    assert problem.system.noise.motions == 1


def test_stratonovich_and_ito_are_the_same_process() -> None:
    # dx = x o dW is dx = x/2 dt + x dW
    ito = symde.Problem("dx = 0.5*x*dt + x*dW\nx(0) = 1", tspan=(0, 1))
    other = symde.Problem("dx = 0*dt + x*dW\nstratonovich\nx(0) = 1", tspan=(0, 1))
    one, two = (symde.solve(problem, dt0=0.01, seed=6).u for problem in (ito, other))
    np.testing.assert_allclose(one, two, rtol=1e-12)


def draws(seed: int, path: int, first: int, count: int) -> np.ndarray:
    """Normal numbers of the compiled function, shape (2, count)."""
    words, normals = np.zeros(2 * count, np.int64), np.zeros(2 * count)
    given = np.array([seed, path, first, count, words.ctypes.data, normals.ctypes.data], dtype=np.int64)
    ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(function_address("normal", "numbers"))(given.ctypes.data)
    return normals.reshape(2, count)


def test_normal_numbers_are_those_of_box_and_muller() -> None:
    count, seed, path = 500, 12345, 77
    found = draws(seed, path, 10, count)
    counters = ((path << 64) | (10 + i) for i in range(count))
    words = np.array([philox(counter, seed) for counter in counters], dtype=np.uint64)
    first = ((words[:, 0] | (words[:, 1] << np.uint64(32))) >> np.uint64(11)).astype(float)
    other = ((words[:, 2] | (words[:, 3] << np.uint64(32))) >> np.uint64(11)).astype(float)
    radius = np.sqrt(-2 * np.log((first + 1) * 2.0**-53))
    angle = 2 * np.pi * other * 2.0**-53
    np.testing.assert_allclose(found, [radius * np.cos(angle), radius * np.sin(angle)], atol=4e-15)


def test_normal_numbers_are_normal_and_independent() -> None:
    pairs = np.concatenate([draws(1, path, 0, 1000) for path in range(200)], axis=1)
    size = pairs.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert (pairs**power).mean() == pytest.approx(moment, abs=4.5 * np.sqrt(variance / size))
    assert (pairs[0] * pairs[1]).mean() == pytest.approx(0, abs=4.5 / np.sqrt(size / 2))
    assert (pairs[0, 1:] * pairs[0, :-1]).mean() == pytest.approx(0, abs=4.5 / np.sqrt(size / 2))
