"""The library's texts mean what their citations say, and end where the references say."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.codegen.call import call
from symde.codegen.kernel import INPUTS
from symde.testing import check_derivatives

from . import get, names

RTOL = 1e-7

ROUNDING = {"e5": 1e-20}
"""What the linear solves of Rosenbrock methods may leave of y2 - y3 - y4 in E5 (LSODA keeps it at 0)."""


def points(case, count=3):
    """Random states of the size of the problem's own, parameters around its own, and times in its span."""
    random = np.random.default_rng(0)
    problem = case.problem
    for _ in range(count):
        u = random.uniform(0.5, 1.5, len(problem.u0)) * np.where(problem.u0 == 0, 1, problem.u0)
        p = random.uniform(0.5, 1.5, len(problem.p)) * problem.p
        yield u, p, random.uniform(*problem.tspan)


def by_kernel(system, t, u, p):
    """The right-hand side by the compiled kernel."""
    table = {"u": u, "p": p}
    code, (f,) = call(system.kernels.address("rhs"), t, [table.get(name, ()) for name in INPUTS], [len(u)])
    assert code == 0
    return f


def term_sizes(case, u, p, t):
    """About the sum of the magnitudes of each equation's terms: all that moves it by way of the states."""
    shifts = np.diag(0.5 * u)
    here = case.rhs(u, p, t)
    sizes = [np.abs(here - case.rhs(u - shift, p, t)) for shift in shifts]
    return np.sum(sizes, axis=0) + np.abs(here)


@pytest.mark.parametrize("name", names())
def test_a_text_means_the_equations_written_in_numpy(name):
    case = get(name)
    system = case.problem.system
    for u, p, t in points(case):
        expected = case.rhs(u, p, t)
        bound = 1e-13 * term_sizes(case, u, p, t)
        assert (np.abs(system.slope(t, u, p) - expected) <= bound).all()
        assert (np.abs(by_kernel(system, t, u, p) - expected) <= bound).all()


@pytest.mark.parametrize("name", names())
def test_a_solve_ends_at_the_reference(name):
    case = get(name)
    end = case.problem.tspan[1]
    method = "Rodas5P" if case.stiff else "Vern7"
    solution = symde.solve(case.problem, method, rtol=RTOL, atol=RTOL * case.floor, saveat=[end])
    assert case.error(solution.u[-1]) <= case.growth * RTOL + ROUNDING.get(name, 0) / case.floor


@pytest.mark.parametrize("name", [name for name in names() if get(name).published])
def test_a_reference_agrees_with_the_literature(name):
    case = get(name)
    reference = case.end[: len(case.published)]
    assert reference == pytest.approx(case.published, rel=10.0 ** (1 - case.digits), abs=0)


@pytest.mark.parametrize("name", [name for name in names() if get(name).exact])
def test_a_closed_form_solves_its_equation(name):
    case = get(name)
    problem, h = case.problem, 1e-3
    assert case.exact(problem.tspan[0]) == pytest.approx(problem.u0, rel=1e-15)
    for t in np.linspace(*problem.tspan, 7):
        change = 8 * (case.exact(t + h) - case.exact(t - h)) - (case.exact(t + 2 * h) - case.exact(t - 2 * h))
        # A difference of fourth order errs by h^4/30 of the fifth derivative, here at most 5^5.
        assert change / (12 * h) == pytest.approx(case.rhs(case.exact(t), problem.p, t), abs=1e-9)


@pytest.mark.parametrize("name", names())
def test_compiled_derivatives_are_those_of_sympy_and_of_differences(name):
    check_derivatives(get(name).model, points=2, rtol=1e-13, symbolic=True)


def test_an_unknown_problem_is_refused():
    with pytest.raises(KeyError):
        get("robber")
