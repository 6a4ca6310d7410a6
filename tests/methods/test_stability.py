"""Rosenbrock and ESDIRK methods damp what is infinitely fast; explicit ones hold to their interval."""

from __future__ import annotations

import numpy as np
import pytest

from symde.engine.methods import registry

from .tableaus import METHODS

EXPLICIT = [method for method in METHODS if method.family.startswith("explicit")]
ROSENBROCK = [method for method in METHODS if method.family == "rosenbrock"]
ESDIRK = [method for method in METHODS if method.family == "esdirk"]


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


@named(ESDIRK)
def test_infinitely_fast_parts_vanish_in_one_step_of_l_stable_methods_and_decay_in_one_of_others(method):
    assert method.stability in ("L-stable", "A-stable")
    # R tends to its limit as 1/z
    limit = growth(method, -1e6)
    assert abs(limit) < 1
    assert bool(abs(limit) < 1e-4) is (method.stability == "L-stable")
    assert method.stiff_stages()[-1] == pytest.approx(limit, abs=1e-4)


@named(ESDIRK)
def test_the_stability_function_is_that_of_the_tableau(method):
    for z in (-0.7, -30.0, 2j):
        assert method.stability_function(z) == pytest.approx(growth(method, z), rel=1e-12)


@named([method for method in ESDIRK if method.name != "TRBDF2"])
def test_dense_output_stays_bounded_where_the_equation_is_infinitely_stiff(method):
    """h k_j = z u_j grows without bound, unless the weights of its limit cancel; the Hermite polynomial of
    TRBDF2 follows the slope at the start, which is its own."""
    # rounding of stages up to 30 in units of u, times weights up to 13
    np.testing.assert_allclose(method.stiff_stages() @ method.interpolant, 0, atol=1e-13)


@named([*ROSENBROCK, *ESDIRK])
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


def oscillated(method, h, steps=200):
    """The size of a solution of y'' = -y after steps of one size, stage by stage."""
    y, rate = 1.0, 0.5
    for _ in range(steps):
        forces = []
        for row, c in zip(method.a, method.c, strict=True):
            forces.append(-(y + c * h * rate + h * h * float(np.dot(row[: len(forces)], forces))))
        y += h * rate + h * h * float(np.dot(method.b, forces))
        rate += h * float(np.dot(method.b_velocity, forces))
    return np.hypot(y, rate)


@pytest.mark.parametrize("name", ["DPRKN6", "DPRKN8", "DPRKN12"])
def test_nystrom_steps_keep_an_oscillation_up_to_their_bound_and_not_beyond(name):
    method = registry.get(name)
    bound = method.oscillation_stability
    # to 0.05; the factor 100 is for the angle between the two modes
    assert oscillated(method, bound - 0.05) < 100 * 1.1**200
    assert oscillated(method, bound + 0.1) > 1.1**200
