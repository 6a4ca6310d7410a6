"""Known problems of index 1, by every method and every linear solver."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.dae.problems import AKZO_END, AMPLIFIER_END, akzo, amplifier, rober, rober_ode
from tests.dae.systems import METHODS, SOLVERS

LOW_ORDER = ("Rosenbrock23", "TRBDF2")
"""Methods that need very many steps for many digits."""


@pytest.fixture(scope="module")
def reference():
    """Robertson's end by its differential equations, at a tolerance far below the tests'."""
    return symde.solve(symde.Problem(rober_ode()), "Radau", rtol=1e-12, atol=1e-16, saveat=[1e5]).u[-1]


@pytest.mark.parametrize("method", METHODS)
def test_robertson_with_its_conservation_is_robertson(method, reference):
    rtol = 1e-6 if method in LOW_ORDER else 1e-8
    solution = symde.solve(symde.Problem(rober()), method, rtol=rtol, atol=1e-4 * rtol, saveat=[1e2, 1e5])
    np.testing.assert_allclose(solution.u[-1], reference, rtol=100 * rtol)
    np.testing.assert_allclose(solution.u.sum(axis=1), 1.0, rtol=0, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_the_chemical_akzo_nobel_problem_ends_as_published(method):
    rtol = 1e-5 if method in LOW_ORDER else 1e-7
    solution = symde.solve(symde.Problem(akzo()), method, rtol=rtol, atol=1e-3 * rtol, saveat=[180.0])
    np.testing.assert_allclose(solution.u[-1], AKZO_END, rtol=30 * rtol)


@pytest.mark.parametrize("method", METHODS)
def test_the_transistor_amplifier_ends_as_published(method):
    rtol = 1e-4 if method in LOW_ORDER else 1e-6
    solution = symde.solve(symde.Problem(amplifier()), method, rtol=rtol, atol=1e-3 * rtol, saveat=[0.2])
    # its gain of 170 amplifies errors
    np.testing.assert_allclose(solution.u[-1], AMPLIFIER_END, rtol=200 * rtol)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "KenCarp4", "Radau"])
def test_every_linear_solver_takes_the_mass_matrix(method, solver):
    if solver == "klu":
        pytest.importorskip("nbklu")
    for model, end, t in ((akzo(), AKZO_END, 180.0), (amplifier(), AMPLIFIER_END, 0.2)):
        solution = symde.solve(
            symde.Problem(model), method, rtol=1e-6, atol=1e-9, saveat=[t], linear_solver=solver
        )
        np.testing.assert_allclose(solution.u[-1], end, rtol=2e-4)


def test_work_is_that_of_the_differential_equations():
    counts = []
    for model in (rober_ode(), rober()):
        stats = symde.solve(symde.Problem(model), "Rodas5P", rtol=1e-6, atol=1e-10, saveat=[1e5]).stats
        counts.append(stats.steps)
        assert stats.pivotings == 0
    assert abs(counts[0] - counts[1]) <= 0.1 * counts[0]
