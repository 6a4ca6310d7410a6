"""Steps are brought back to what solutions keep: the pendulum of index 3, reduced to index 1."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import symde
from symde.model.model import Model
from tests.dae.systems import METHODS, with_mass

PENDULUM = """
model Pendulum
  param g = 9.81, L = 1
  state x = 0.6, y = -0.8, v = {v}, w = 0, lam = 0
  time 0 .. 1000
  x' = v
  y' = w
  v' = -lam*x
  w' = -lam*y - g
  lam' = v^2 + w^2 - lam*(x^2 + y^2) - g*y
  length = x^2 + y^2 - L^2
  along = x*v + y*w
  energy = (v^2 + w^2)/2 + g*y
end
"""
CONSTRAINTS = (("length", True, True), ("along", True, True))
ENERGY = ("energy", False, True)


def pendulum(invariants=CONSTRAINTS, v="0"):
    return symde.Problem(with_mass(PENDULUM.format(v=v), algebraic=("lam",), invariants=invariants))


def test_constraints_hold_over_a_thousand_seconds():
    for method in ("Rodas5P", "QNDF", "Radau", "KenCarp4"):
        solution = symde.solve(pendulum(), method, rtol=1e-7, atol=1e-7, max_steps=10**6)
        assert solution.t[-1] == 1000
        assert np.abs(solution["length"]).max() < 1e-9
        assert np.abs(solution["along"]).max() < 1e-9
        # of the 2 J/kg that go to and fro one per cent, after 500 swings
        assert np.abs(solution["energy"] - solution["energy"][0]).max() < 0.02


def test_without_projection_they_drift():
    problem = symde.remake(pendulum(()), tspan=(0, 100))
    solution = symde.solve(problem, "Rodas5P", rtol=1e-7, atol=1e-7)
    assert np.abs(solution["length"]).max() > 1e-6


def test_energy_can_be_kept_as_well():
    problem = symde.remake(pendulum((*CONSTRAINTS, ENERGY)), tspan=(0, 100))
    solution = symde.solve(problem, "Rodas5P", rtol=1e-7, atol=1e-7)
    assert np.abs(solution["energy"] - solution["energy"][0]).max() < 1e-8
    assert np.abs(solution["length"]).max() < 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_every_method_projects_and_its_solution_stays_accurate(method):
    problem = symde.remake(pendulum(), tspan=(0, 2))
    rtol = 1e-6 if method in ("Rosenbrock23", "TRBDF2", "KenCarp3") else 1e-8
    reference = symde.solve(problem, "Radau", rtol=1e-12, atol=1e-12, saveat=[2.0]).u[-1]
    solution = symde.solve(problem, method, rtol=rtol, atol=rtol)
    assert np.abs(solution["length"]).max() < 1e-2 * rtol
    np.testing.assert_allclose(solution.u[-1], reference, atol=1e4 * rtol)
    # the continuous solution ends where the projected step does
    ends = solution.t[1:]
    np.testing.assert_allclose(solution(ends), solution.u[1:], rtol=0, atol=1e-10)
    before = np.nextafter(ends, 0.0)
    np.testing.assert_allclose(solution(before), solution.u[1:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "VCABM", "DP5", "Taylor", None])
def test_explicit_methods_keep_invariants_of_differential_equations(method):
    text = (
        "model Oscillator\n state x = 1, v = 0\n time 0 .. 200\n x' = v\n v' = -x^3\n E = v^2/2 + x^4/4\nend"
    )
    definition = with_mass(text, invariants=(("E", False, True),)).definition
    kept = symde.Problem(Model(dataclasses.replace(definition, mass=None)))
    solution = symde.solve(kept, method, rtol=1e-6, atol=1e-6)
    assert np.abs(solution["E"] - 0.25).max() < 1e-9
    free = symde.Problem(Model(dataclasses.replace(definition, mass=None, invariants=(), name="Free")))
    drifting = symde.solve(free, method, rtol=1e-6, atol=1e-6)
    assert np.abs(drifting["E"] - 0.25).max() > 1e-8
    reference = symde.solve(free, "Vern9", rtol=1e-13, atol=1e-13, saveat=[200.0]).u[-1]
    errors = [np.abs(one.u[-1] - reference).max() for one in (solution, drifting)]
    assert errors[0] <= 1.5 * errors[1]


def test_small_errors_of_the_start_are_taken_away():
    start = symde.solve(pendulum(v="1e-9"), rtol=1e-6, atol=1e-6, saveat=[0.0]).u[0]
    assert start[0] * start[2] + start[1] * start[3] == pytest.approx(0.0, abs=1e-15)
    assert start[4] == pytest.approx(0.8 * 9.81, rel=1e-8)


def test_a_start_that_contradicts_a_constraint_is_refused():
    with pytest.raises(symde.SolveError) as caught:
        symde.solve(pendulum(v="0.1"))
    message = str(caught.value)
    assert "constraint:  along" in message
    assert "line 12" in message
    assert "residual:    0.06" in message
    assert "give initial values that fulfil it" in message


def test_redundant_constraints_are_no_trouble():
    twice = (*CONSTRAINTS, CONSTRAINTS[0])
    problem = symde.remake(pendulum(twice), tspan=(0, 20))
    solution = symde.solve(problem, "Rodas5P", rtol=1e-7, atol=1e-7)
    assert np.abs(solution["length"]).max() < 1e-9


def test_saved_times_between_steps_are_the_continuous_solution():
    problem = symde.remake(pendulum(), tspan=(0, 5))
    times = np.linspace(0, 5, 101)
    whole = symde.solve(problem, "QNDF", rtol=1e-6, atol=1e-6)
    saved = symde.solve(problem, "QNDF", rtol=1e-6, atol=1e-6, saveat=times)
    # the last step is cut short by the end, so that it is another one
    np.testing.assert_allclose(saved.u[:-1], whole(times)[:-1], rtol=0, atol=1e-12)
