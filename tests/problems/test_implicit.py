"""Differential-algebraic problems end where closed forms and the literature say."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.testing import check_derivatives
from tests.derive.numbers import Point, solved

from .implicit import SQUEEZER_FORCES, SQUEEZER_VELOCITIES, get_implicit, implicit_names

RTOL = 1e-7
METHODS = (None, "Rodas5P", "RadauIIA5", "FBDF")


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("name", implicit_names())
def test_a_solve_ends_at_the_reference(name, method):
    case = get_implicit(name)
    end = case.problem.tspan[1]
    solution = symde.solve(case.problem, method, rtol=RTOL, atol=RTOL * case.floor * 1e-2, saveat=[end])
    looser = (
        100 if method == "FBDF" else 1
    )  # its error test is of single steps, and each adds to the end error
    assert case.error(solution) <= case.growth * looser * RTOL


@pytest.mark.parametrize("name", implicit_names())
def test_constraints_are_kept_on_the_way(name):
    case = get_implicit(name)
    problem = case.problem
    solution = symde.solve(problem, rtol=RTOL, atol=RTOL * case.floor)
    definition = problem.system.definition
    for t, u in list(zip(solution.t, solution.u, strict=True))[:: max(1, len(solution.t) // 10)]:
        given = dict(zip(definition.state_names, u, strict=True)) | {"t": t}
        size = 1 + np.abs(u).max()
        assert np.abs(Point(definition, given).invariants()).max(initial=0.0) <= RTOL * size


def test_the_forces_of_the_squeezer_are_those_of_its_end():
    """The published forces are not quite those of the published angles and velocities."""
    case = get_implicit("squeezer")
    solution = symde.solve(case.problem, rtol=1e-10, atol=1e-12, saveat=[0.03])
    found = [solution[f"λ{k}"][-1] for k in range(1, 7)]
    np.testing.assert_allclose(found, SQUEEZER_FORCES, rtol=2e-6)
    definition = case.problem.system.definition
    given = dict.fromkeys(definition.state_names, 0.0) | case.reference | SQUEEZER_VELOCITIES | {"t": 0.03}
    exact = solved(definition, given)
    np.testing.assert_allclose(found, [exact[f"λ{k}"] for k in range(1, 7)], rtol=1e-8)


def test_steps_of_rounding_size_are_no_failures():
    """At tolerances near rounding the projection cannot come nearer than rounding lets it."""
    case = get_implicit("squeezer")
    solution = symde.solve(case.problem, "RadauIIA5", rtol=1e-12, atol=1e-14, saveat=[0.03])
    assert case.error(solution) < 2e-10  # the reference has ten digits


def test_the_energy_of_the_pendulum_is_kept():
    solution = symde.solve(get_implicit("pendulum_cartesian").problem, rtol=1e-9, atol=1e-9)
    x, y, u, v = (solution[name] for name in ("x", "y", "x'", "y'"))
    energy = (u**2 + v**2) / 2 + 9.81 * y
    assert np.abs(energy).max() < 1e-6  # from rest at height 0


@pytest.mark.parametrize("name", implicit_names())
def test_compiled_derivatives_are_those_of_sympy_and_of_differences(name):
    check_derivatives(get_implicit(name).model, points=2, symbolic=name != "squeezer", rtol=1e-12)
