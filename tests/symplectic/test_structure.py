"""What symplectic methods keep: energy without drift, area, the way back, quadratic invariants."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

from .systems import COUPLED, GAUSS, GENERAL, HENON_HEILES, KEPLER, SPLITTING, energies, problem

SYMMETRIC = [method for method in (*SPLITTING, *GAUSS) if method.symmetric]
PERIOD = 2 * np.pi


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def drift(t, energy):
    """The slope of a line through the energy errors, and how far the errors swing about it."""
    slope, offset = np.polyfit(t, energy - energy[0], 1)
    return slope, np.abs(energy - energy[0] - slope * t - offset).max()


def kepler_energies(method, steps_per_period, periods, sampled):
    """Energies after some of the steps, chosen by lot: at equal distances a phase that shifts would seem a
    drift."""
    h, steps = PERIOD / steps_per_period, steps_per_period * periods
    times = h * np.sort(np.random.default_rng(1).choice(steps, sampled, replace=False))
    run = problem(KEPLER, tspan=(0, steps * h))
    solution = symde.solve(run, method, dt0=h, saveat=times, dense=False, max_steps=10**9)
    return solution.t, energies(solution.t, solution.u)


# 1e5 periods: 2e7 steps of Verlet take 3 s
def test_kepler_over_a_hundred_thousand_periods_has_no_drift():
    t, energy = kepler_energies("VelocityVerlet", 200, 100_000, 4000)
    slope, swing = drift(t, energy)
    # order 2 with 200 steps: the energy swings by 1e-2 each period; over all, the line moves by less than a
    # hundredth of that
    assert 1e-4 < swing < 0.05
    assert abs(slope) * t[-1] < 0.02 * swing


@named([method for method in SPLITTING if method.order > 1] + GAUSS)
def test_the_energy_of_kepler_swings_and_does_not_drift(method):
    steps = {2: 400, 3: 400, 4: 400, 6: 200, 8: 100}[method.order]
    t, energy = kepler_energies(method, steps, 1000, 2000)
    slope, swing = drift(t, energy)
    # what a fit to a swing sampled at 2000 points leaves is sqrt(12/2000) of it; rounding walks by 1e-13
    assert abs(slope) * t[-1] < 0.1 * swing + 1e-13


def test_the_same_measure_finds_the_drift_of_rk4():
    t, energy = kepler_energies("RK4", 400, 1000, 2000)
    slope, swing = drift(t, energy)
    assert abs(slope) * t[-1] > 100 * swing


def test_henon_heiles_over_a_hundred_thousand_steps():
    swings = {}
    for name in ("VelocityVerlet", "McAte4", "KahanLi8", "RK4"):
        run = problem(HENON_HEILES, tspan=(0, 1e4))
        solution = symde.solve(run, name, dt0=0.1, saveat=np.arange(0, 1e4 + 1, 5.0), dense=False)
        t, energy = solution.t, solution["H"]
        slope, swing = drift(t, energy)
        swings[name] = swing
        if name == "RK4":
            assert abs(slope) * t[-1] > 3 * swing
        else:
            assert abs(slope) * t[-1] < 0.1 * swing + 1e-13
    assert swings["VelocityVerlet"] > 30 * swings["McAte4"] > 30 * swings["KahanLi8"]


@named(GAUSS)
def test_a_hamiltonian_that_does_not_separate_keeps_its_energy(method):
    run = problem(COUPLED, tspan=(0, 1000))
    solution = symde.solve(run, method, dt0=0.05, saveat=np.arange(0, 1000.5, 0.5), dense=False)
    slope, swing = drift(solution.t, solution["H"])
    assert abs(slope) * 1000 < 0.1 * swing + 1e-13


@named([*SPLITTING, *GAUSS])
def test_angular_momentum_is_kept_to_rounding(method):
    solution = symde.solve(problem(KEPLER, tspan=(0, 100)), method, dt0=0.02, dense=False)
    # bilinear in q and p, which these methods keep (Hairer, Lubich & Wanner, IV.2.2); 5000 steps of rounding
    assert np.abs(solution["L"] - solution["L"][0]).max() < 1e-13


def stepped(method, text, u, h, span=None):
    run = problem(text, u0=u, tspan=(0, h) if span is None else span)
    return symde.solve(run, method, dt0=abs(h), dense=False).u[-1]


@named(SYMMETRIC)
def test_symmetric_methods_find_the_way_back(method):
    h, steps = 0.05, 40
    start = problem(KEPLER).u0
    forth = stepped(method, KEPLER, start, h, (0, steps * h))
    back = stepped(method, KEPLER, forth, h, (steps * h, 0))
    assert np.abs(forth - start).max() > 0.1
    np.testing.assert_allclose(back, start, atol=1e-13)  # rounding of 80 steps


@named(SYMMETRIC)
def test_the_way_back_is_found_where_the_equations_read_the_time(method):
    start = np.array([3.0, 2.0])
    forth = stepped(method, GENERAL, start, 0.05, (0, 2))
    np.testing.assert_allclose(stepped(method, GENERAL, forth, 0.05, (2, 0)), start, atol=1e-13)


@pytest.mark.parametrize("name", ["McAte4", "SymplecticEuler", "RK4"])
def test_others_do_not(name):
    start = problem(KEPLER).u0
    forth = stepped(registry.get(name), KEPLER, start, 0.05, (0, 2))
    back = stepped(registry.get(name), KEPLER, forth, 0.05, (2, 0))
    assert np.abs(back - start).max() > 1e-8


# two pairs in the order (q1, q2, p1, p2)
J = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])


def step_jacobian(method, text, u, h):
    """Derivative of one step by central differences of order 6, exact to 1e-13."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    columns = []
    for j in range(len(u)):
        column, size = 0.0, 0.01
        for k, weight in weights.items():
            moved = np.array(u, dtype=float)
            moved[j] += k * size
            other = np.array(u, dtype=float)
            other[j] -= k * size
            column = column + weight * (stepped(method, text, moved, h) - stepped(method, text, other, h))
        columns.append(column / size)
    return np.stack(columns, axis=1)


@named([*SPLITTING, *GAUSS])
def test_a_step_keeps_area(method):
    M = step_jacobian(method, HENON_HEILES, [0.2, 0.1, 0.3, -0.2], 0.1)
    np.testing.assert_allclose(M.T @ J @ M, J, atol=2e-12)
    assert np.linalg.det(M) == pytest.approx(1.0, abs=1e-12)


def test_a_step_of_rk4_does_not():
    M = step_jacobian(registry.get("RK4"), HENON_HEILES, [0.2, 0.1, 0.3, -0.2], 0.1)
    assert np.abs(M.T @ J @ M - J).max() > 1e-8
