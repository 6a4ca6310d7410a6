"""Rosenbrock methods damp what is infinitely fast; explicit ones hold to their interval."""

from __future__ import annotations

import numpy as np
import pytest

from symde.engine.methods import registry

METHODS = [
    method
    for method in registry.methods()
    if method.family in ("explicit", "explicit_two_estimates", "rosenbrock")
]
EXPLICIT = [method for method in METHODS if method.family != "rosenbrock"]
ROSENBROCK = [method for method in METHODS if method.family == "rosenbrock"]


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def growth(method, z):
    """R(z) = 1 + z b (I - z beta)^-1 1: the factor of one step of u' = z u / h."""
    if method.family != "rosenbrock":
        b, beta = method.b, method.a
    else:
        gammas = method.gamma_matrix()
        b, beta = method.m @ gammas, method.a @ gammas + gammas
    return 1 + z * (b @ np.linalg.solve(np.eye(len(b)) - z * beta, np.ones(len(b))))


@named(ROSENBROCK)
def test_infinitely_fast_parts_vanish_in_one_step(method):
    gammas = method.gamma_matrix()
    beta = method.a @ gammas + gammas
    at_infinity = 1 - (method.m @ gammas) @ np.linalg.solve(beta, np.ones(len(method.m)))
    # rounding of beta's inverse, whose entries reach 1e3
    assert abs(at_infinity) < 1e-11


@named(ROSENBROCK)
def test_nothing_decaying_grows(method):
    # R has its poles at 1/gamma only, so the imaginary axis bounds it in the left half plane
    y = np.concatenate([np.linspace(0, 20, 801), np.geomspace(20, 1e6, 200)])
    assert max(abs(growth(method, 1j * point)) for point in y) <= 1 + 1e-12


@named(EXPLICIT)
def test_decay_is_kept_within_the_stability_interval_and_lost_beyond(method):
    x = method.real_stability
    assert max(abs(growth(method, -point)) for point in np.linspace(0, x, 500)) <= 1 + 1e-10
    assert abs(growth(method, -1.001 * x)) > 1


# Hairer & Wanner II, IV.2: 2 and 2.785 for as many stages as orders, 3.3 for DOPRI5. RK4 ends at the real
# root of z^3 + 4 z^2 + 12 z + 24 = 0, where R(z) = 1 + z + z^2/2 + z^3/6 + z^4/24 comes back to 1
@pytest.mark.parametrize(
    "name, length, digits", [("Euler", 2.0, 1e-12), ("RK4", 2.785293563, 1e-9), ("DP5", 3.3, 0.05)]
)
def test_known_stability_intervals(name, length, digits):
    assert registry.get(name).real_stability == pytest.approx(length, abs=digits)
