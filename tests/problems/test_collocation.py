"""The second opinion is what it says: Radau IIA, good to extended precision."""

from __future__ import annotations

import numpy as np
import pytest

from . import get
from .collocation import REAL, integrate, jacobian, radau

EPSILON = float(np.finfo(REAL).eps)


@pytest.mark.parametrize("stages", [2, 3, 7, 9])
def test_stages_and_step_integrate_polynomials_exactly(stages):
    method = radau(stages)
    for k in range(1, stages + 1):
        assert np.abs(method.A @ method.c ** (k - 1) - method.c**k / k).max() < 100 * EPSILON
    for k in range(1, 2 * stages):  # the order of Radau quadrature
        assert abs(method.A[-1] @ method.c ** (k - 1) - REAL(1) / k) < 100 * EPSILON


def test_three_stages_are_the_published_radau5():
    # Hairer & Wanner II (1996), table IV.5.6.
    root = np.sqrt(REAL(6))
    assert np.abs(radau(3).c - np.array([(4 - root) / 10, (4 + root) / 10, 1])).max() < 10 * EPSILON
    assert abs(radau(3).A[0, 0] - (88 - 7 * root) / 360) < 10 * EPSILON


@pytest.mark.parametrize("name", ["decay", "rotation", "forced"])
def test_closed_forms_are_met_to_their_last_digit(name):
    case = get(name)
    problem = case.problem
    u = integrate(lambda u, t: case.rhs(u, problem.p, t), problem.u0, problem.tspan, 7, 1e-12)
    assert u.astype(float) == pytest.approx(case.end, rel=1e-15)


def test_complex_steps_give_a_jacobian():
    matrix = np.array([[-1.0, 3.0], [0.5, 2.0]])
    assert jacobian(lambda u, t: matrix @ u, np.ones(2), 0.0) == pytest.approx(matrix, rel=1e-15)
