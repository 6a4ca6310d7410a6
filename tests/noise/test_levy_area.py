"""Levy areas: their distribution, in one step and in many."""

from __future__ import annotations

import numpy as np
import pytest

import symde

PATHS = 40000
MOTIONS = "dv = 0*dt + dW1\ndw = 0*dt + dW2\nda = 0*dt + v*dW2\nv(0) = 0; w(0) = 0; a(0) = 0"


def paths(steps: int, end: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W1, W2 and the Levy area at the end."""
    problem = symde.Problem(symde.ode_def(MOTIONS), tspan=(0, end))
    v, w, a = symde.ensemble(problem, "Milstein", n=PATHS, seed=3, dt0=end / steps, saveat=[end]).u[:, 0].T
    return v, w, a - 0.5 * v * w


@pytest.mark.parametrize("steps", [1, 4, 64])
def test_moments_of_levy_area(steps: int) -> None:
    # P. Levy (1951): E A^2 = h^2/4, and E A^4 = 5 h^4/16 from the characteristic function 1/cosh(h z/2), to
    # which a series that is cut off comes as steps are added
    v, w, area = paths(steps, 2.0)
    assert area.mean() == pytest.approx(0, abs=4 * area.std() / PATHS**0.5)
    assert (area**2).mean() == pytest.approx(1.0, rel=0.05)
    assert (area**4).mean() == pytest.approx(5.0, rel=0.15)
    assert (area * v).mean() == pytest.approx(0, abs=0.05) and (area * w).mean() == pytest.approx(0, abs=0.05)


def test_the_variance_beside_known_increments() -> None:
    # E[A^2 | W1, W2] = h^2/12 + h (W1^2 + W2^2)/12 (P. E. Kloeden, E. Platen, I. W. Wright 1992), whatever
    # the number of terms: the slope and the intercept of A^2 over W1^2 + W2^2
    v, w, area = paths(1)
    # with the weights of their own variance
    square = v**2 + w**2
    slope, intercept = np.polyfit(square, area**2, 1, w=1 / (1 + square))
    assert slope == pytest.approx(1 / 12, rel=0.06) and intercept == pytest.approx(1 / 12, rel=0.06)


def test_areas_of_three_motions_are_uncorrelated() -> None:
    text = "du = 0*dt + dW1\ndv = 0*dt + dW2\ndw = 0*dt + dW3\n"
    text += "da = 0*dt + u*dW2\ndb = 0*dt + v*dW3\ndc = 0*dt + w*dW1\n"
    problem = symde.Problem(text, dict.fromkeys("uvwabc", 0.0), (0, 1))
    u, v, w, a, b, c = symde.ensemble(problem, "Milstein", n=PATHS, seed=3, dt0=0.25, saveat=[1.0]).u[:, 0].T
    areas = np.array([a - u * v / 2, b - v * w / 2, c - w * u / 2])
    covariance = areas @ areas.T / PATHS
    np.testing.assert_allclose(covariance, np.eye(3) / 4, atol=0.012)


def test_threads_and_single_paths_have_the_same_areas() -> None:
    problem = symde.Problem(symde.ode_def(MOTIONS), tspan=(0, 1))
    one, two = (symde.ensemble(problem, n=64, seed=3, dt0=0.1, saveat=[1.0], workers=k).u for k in (1, 2))
    assert np.array_equal(one, two)
    alone = symde.noise.solve_noise(problem, dt0=0.1, seed=3, trajectory=40, saveat=[1.0])
    assert np.array_equal(alone.u, one[40])
