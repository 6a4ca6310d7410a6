"""Stabilised methods: the numbers follow from their definition, and a step takes the stages it needs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import symde
from symde.engine.methods import registry
from symde.engine.methods.proofs import TableauError
from symde.engine.methods.stabilised import Recurrence, composed

from .make_rock import HEIGHT, defects, finishing_of_order_two

METHODS = [method for method in registry.methods() if method.family == "stabilised"]


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def roots(row):
    return np.array(row.split(";")[1].split(), dtype=float)


def rows(method):
    return [row for row in method.table.splitlines() if row.strip()]


def stability(degree, z):
    """R(z) by the recurrence and the finish, the way a step takes them."""
    older, old = np.zeros_like(z), np.ones_like(z)
    older = old
    for j, (mu, kappa) in enumerate(zip(degree.mu, degree.kappa, strict=True)):
        new = mu * z * old + (1 + kappa) * old - (kappa * older if j else 0)
        older, old = old, new
    slopes = []
    for i in range(len(degree.b)):
        slopes.append(z * (old + sum(degree.a[i, j] * slopes[j] for j in range(i))))
    return old + sum(weight * slope for weight, slope in zip(degree.b, slopes, strict=True))


@named(METHODS)
def test_the_roots_follow_from_the_definition(method):
    """Order at x = 1 to rounding, ripples of height 0.95 to a thousandth."""
    for row in rows(method)[::6]:
        degree = int(row.split(";")[0])
        missing = np.abs(defects(roots(row), degree, method.order))
        assert missing[:-1].max() < 1e-10 and missing[-1] < 1e-3


def test_the_finish_of_rock2_is_the_one_that_makes_w():
    method = registry.get("ROCK2")
    for row, degree in zip(rows(method), method.degrees, strict=True):
        a, b, error = finishing_of_order_two(roots(row), degree.degree)
        np.testing.assert_allclose(degree.a, a, rtol=1e-12)
        np.testing.assert_allclose(degree.b, b, rtol=1e-12)
        np.testing.assert_allclose(degree.error, error, rtol=1e-12)


@named(METHODS)
def test_decay_is_kept_over_the_whole_interval_and_lost_beyond(method):
    for degree in method.degrees:
        x = np.cos(np.linspace(0, np.pi, 100 * degree.degree))
        z = 0.5 * degree.length * (x - 1)
        R = np.abs(stability(degree, z))
        assert R.max() <= 1 + 1e-9
        assert R[z < -0.5 * degree.length].max() < HEIGHT + 2e-3
        assert abs(stability(degree, np.array([-1.02 * degree.length]))[0]) > 1


@named(METHODS)
def test_the_interval_grows_like_the_square_of_the_stages(method):
    ratios = [degree.length / degree.degree**2 for degree in method.degrees]
    assert all(left < right for left, right in zip(ratios, ratios[1:], strict=False))
    assert ratios[-1] == pytest.approx({2: 0.80, 4: 0.35}[method.order], abs=0.01)


@named(METHODS)
def test_a_wrong_figure_is_refused(method):
    row = rows(method)[3]
    first, *parts = row.split(";")
    for k in range(3):
        values = np.array(parts[k].split(), dtype=float)
        values[0] *= 1 + 1e-5
        changed = [*parts[:k], " ".join(map(repr, values.tolist())), *parts[k + 1 :]]
        with pytest.raises(TableauError, match=method.name):
            dataclasses.replace(method, table=";".join([first, *changed]))


@named(METHODS)
def test_the_recurrence_and_its_finish_are_one_runge_kutta_method(method):
    """sum b = 1, and c is where the stages stand."""
    for row, degree in zip(rows(method), method.degrees, strict=True):
        A, weights, size = composed(Recurrence.of(roots(row), degree.degree), degree.a, degree.b)
        assert size == degree.degree and weights.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(degree.c[:-1], A.sum(axis=1)[: len(degree.mu)], atol=1e-13)


def heat(n):
    lines = [f"state u{i} = sin(pi*{i}/{n + 1})" for i in range(1, n + 1)]
    for i in range(1, n + 1):
        left, right = (f"u{i - 1}" if i > 1 else "0"), (f"u{i + 1}" if i < n else "0")
        lines.append(f"u{i}' = {(n + 1) ** 2}*({left} - 2*u{i} + {right})")
    return symde.ode_def("\n".join(lines))


@named(METHODS)
def test_a_step_takes_the_stages_its_size_asks_for(method):
    """The spectral radius of the differences is 4(n+1)^2 cos^2(pi/(2n+2)); 1.2 of it times h is to fit."""
    n, h = 60, 0.01
    solution = symde.solve(
        symde.Problem(heat(n), tspan=(0, 20 * h)), method, rtol=0.1, atol=1e30, dt0=h, dtmax=h
    )
    radius = 4 * (n + 1) ** 2 * np.cos(np.pi / (2 * n + 2)) ** 2
    needed = next(one.degree for one in method.degrees if one.length >= 1.2 * h * radius)
    steps = solution.stats.accepted
    # the first slope is evaluated once; the spectral radius is known to a per cent
    assert solution.stats.evaluations <= steps * needed + 4 * steps + 3
    assert solution.stats.evaluations >= 0.9 * steps * needed
    exact = np.exp(-4 * (n + 1) ** 2 * np.sin(np.pi / (2 * n + 2)) ** 2 * 20 * h)
    assert np.abs(solution.u[-1] / solution.u[0] - exact).max() < 1e-2


@named(METHODS)
def test_diffusion_is_solved_to_the_tolerance(method):
    from tests.problems import get

    case = get("brusselator")
    solution = symde.solve(case.problem, method, rtol=1e-6, atol=1e-6, saveat=[10.0])
    assert case.error(solution.u[-1]) < 1e-5
    assert solution.stats.jacobians == solution.stats.factorisations == 0


@named(METHODS)
def test_what_is_too_stiff_ends_with_a_clear_code(method):
    problem = symde.Problem("state x = 1\nx' = -1e12*(x - cos(t)) - sin(t)", tspan=(0, 100))
    solution = symde.solve(problem, method, max_steps=2000, throw=False)
    assert str(solution.retcode) in ("max_steps", "dt_underflow", "stiff")
