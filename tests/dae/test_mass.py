"""M u' = f with M of full rank is u' = M^-1 f; with dependent rows it has constraints."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import symde
from symde.engine.methods import registry
from symde.language.syntax import Name, Negate
from tests.dae.systems import METHODS, SOLVERS, unreduced, with_mass

TEXT = """
model Coupled
  param a = 2, k = 50
  state x = 1, y = 0.5, w = 0
  time 0 .. 2
  x' = -k*x + y*w + cos(t)
  y' = x - y^2
  w' = k*(x - w) + sin(3*t)
end
"""
ENTRIES = (
    ("x", "x", "a"), ("x", "y", 0.5), ("y", "y", 1.0), ("y", "w", -0.25), ("w", "x", 0.3), ("w", "w", 1.5),
)  # fmt: skip
MATRIX = np.array([[2, 0.5, 0], [0, 1, -0.25], [0.3, 0, 1.5]])
INVERSE = """
model Solved
  param a = 2, k = 50
  state x = 1, y = 0.5, w = 0
  time 0 .. 2
  f = -k*x + y*w + cos(t)
  g = x - y^2
  h = k*(x - w) + sin(3*t)
"""


def solved_for_derivatives():
    """u' = M^-1 f, the inverse by numpy."""
    rows = [" + ".join(f"({value!r})*{f}" for value, f in zip(row, "fgh", strict=True)) for row in _inverse()]
    equations = "".join(f"  {name}' = {row}\n" for name, row in zip("xyw", rows, strict=True))
    return symde.ode_def(INVERSE + equations + "end")


def _inverse():
    return np.linalg.inv(MATRIX).tolist()


@pytest.fixture(scope="module")
def reference():
    return symde.solve(
        symde.Problem(solved_for_derivatives()), "Radau", rtol=1e-12, atol=1e-13, saveat=[2.0]
    ).u[-1]


@pytest.mark.parametrize("method", METHODS)
def test_a_matrix_of_full_rank_is_its_inverse_on_the_other_side(method, reference):
    models = solved_for_derivatives(), with_mass(TEXT, ENTRIES)
    plain, massive = (
        symde.solve(symde.Problem(model), method, rtol=1e-7, atol=1e-7, saveat=[2.0]) for model in models
    )
    errors = [np.abs(solution.u[-1] - reference).max() for solution in (plain, massive)]
    # multistep methods iterate longer with a mass matrix; all others take the very same steps
    if registry.get(method).family != "bdf":
        assert massive.stats.steps == plain.stats.steps
    assert errors[1] <= 1.1 * errors[0] + 1e-6


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("method", ["Rodas5P", "FBDF", "Kvaerno4", "RadauIIA5"])
def test_with_every_solver(method, solver, reference):
    if solver == "klu":
        pytest.importorskip("nbklu")
    problem = symde.Problem(with_mass(TEXT, ENTRIES))
    solution = symde.solve(problem, method, rtol=1e-7, atol=1e-7, saveat=[2.0], linear_solver=solver)
    np.testing.assert_allclose(solution.u[-1], reference, rtol=2e-5)


def test_entries_are_those_of_the_run():
    problem = symde.Problem(with_mass(TEXT, ENTRIES))
    for a in (2.0, 5.0):
        matrix = MATRIX.copy()
        matrix[0, 0] = a
        solution = symde.solve(symde.remake(problem, p={"a": a}), "Rodas5P", rtol=1e-9, atol=1e-9)
        t = np.linspace(0.3, 1.7, 8)
        slope = (solution(t + 1e-4) - solution(t - 1e-4)) / 2e-4
        for k, u in enumerate(solution(t)):
            f = problem.system.slope(t[k], u, solution.problem.p)
            # differences of the interpolant over 2e-4 have about five digits
            np.testing.assert_allclose(matrix @ slope[k], f, rtol=1e-3, atol=1e-3)


def test_a_parameter_that_is_zero_makes_an_equation_a_constraint():
    text = "model Fast\n param e = 0\n state x = 1, z = 0\n time 0 .. 1\n x' = -z\n z' = x - 2*z\nend"
    model = with_mass(text, [("x", "x", 1.0), ("z", "z", "e")])
    solution = symde.solve(symde.Problem(model), rtol=1e-9, atol=1e-9, saveat=[0.0, 1.0])
    np.testing.assert_allclose(solution.u[:, 0], np.exp([0, -0.5]), rtol=1e-7)
    np.testing.assert_allclose(solution.u[:, 1], 0.5 * solution.u[:, 0], rtol=1e-12)
    # and with a small one the limit is near: both follow z = x/2 up to terms in e
    stiff = symde.solve(symde.Problem(model, p={"e": 1e-6}), rtol=1e-9, atol=1e-9, saveat=[1.0])
    np.testing.assert_allclose(stiff.u[-1], solution.u[-1], rtol=1e-5)


def test_dependent_rows_become_constraints():
    # a capacitor between two nodes: C (x - y)' = -x + 1 and C (y - x)' = -y, so x + y = 1
    text = "model Capacitor\n param C = 2\n state x = 1, y = 0\n time 0 .. 3\n x' = -x + 1\n y' = -y\nend"
    names = [("x", "x", "C"), ("x", "y", -2.0), ("y", "x", -2.0), ("y", "y", "C")]
    model = with_mass(text, names)
    entries = tuple(
        dataclasses.replace(entry, value=Name("C") if entry.row == entry.column else Negate(Name("C")))
        for entry in model.definition.mass
    )
    model = unreduced(dataclasses.replace(model.definition, mass=entries))
    for C in (2.0, 0.7):
        solution = symde.solve(symde.Problem(model, p={"C": C}), rtol=1e-9, atol=1e-10, saveat=[0.0, 3.0])
        # v = x - y: 2 C v' = -v + 1
        v = 1 + (solution.u[0, 0] - solution.u[0, 1] - 1) * np.exp(-3 / (2 * C))
        np.testing.assert_allclose(solution.u.sum(axis=1), 1.0, rtol=1e-12)
        np.testing.assert_allclose(solution.u[-1, 0] - solution.u[-1, 1], v, rtol=1e-7)
        assert solution.u[0, 0] - solution.u[0, 1] == pytest.approx(1.0, abs=1e-12)  # kept as given


def test_rows_that_depend_on_each_other_by_chance_are_refused():
    text = "model Chance\n param a = 1\n state x = 1, y = 0\n time 0 .. 1\n x' = -x\n y' = -y\nend"
    model = with_mass(text, [("x", "x", "a"), ("x", "y", 1.0), ("y", "x", 1.0), ("y", "y", 1.0)])
    symde.solve(symde.Problem(model, p={"a": 2.0}))
    with pytest.raises(symde.SolveError, match="for these parameters equations do not determine their deriv"):
        symde.solve(symde.Problem(model))


@pytest.mark.parametrize(
    "method", ["Tsit5", "VCABM", "Taylor", "ROCK4", "Exprb43", "GaussLegendre4", "ImplicitMidpoint"]
)
def test_methods_without_a_mass_matrix_say_so(method):
    with pytest.raises(ValueError, match="solves u' = f\\(u, p, t\\) only.*take Rodas5P"):
        symde.solve(symde.Problem(with_mass(TEXT, ENTRIES)), method, dt0=0.1)


def test_krylov_says_that_it_cannot():
    with pytest.raises(ValueError, match="krylov.*mass matrix.*take 'sparse'"):
        symde.solve(symde.Problem(with_mass(TEXT, ENTRIES)), "QNDF", linear_solver="krylov")


def test_the_default_method_is_the_stiff_one_alone():
    solution = symde.solve(symde.Problem(with_mass(TEXT, ENTRIES)))
    assert [method.name for method in solution.method] == ["Rodas5P"]
    assert solution.stats.switches == 0
