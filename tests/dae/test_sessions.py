"""A session that is used again knows nothing of what it solved before."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.dae.problems import amplifier, rober, rober_ode
from tests.dae.systems import METHODS

CASES = {"amplifier": (amplifier, {"R": 8000.0}, 0.02), "rober": (rober, {"k1": 0.1}, 1e5)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS)
def test_solves_are_the_same_bit_by_bit_whatever_came_before(method, case):
    make, other, end = CASES[case]
    problem = symde.remake(symde.Problem(make()), tspan=(0.0, end))
    options = {"rtol": 1e-5, "atol": 1e-8}
    first = symde.solve(problem, method, **options)
    for rtol in (1e-4, 1e-9 if method != "Rosenbrock23" else 1e-6):
        symde.solve(symde.remake(problem, p=other), method, rtol=rtol, atol=1e-3 * rtol, max_steps=10**6)
    again = symde.solve(problem, method, **options)
    np.testing.assert_array_equal(again.t, first.t)
    np.testing.assert_array_equal(again.u, first.u)


@pytest.mark.parametrize("method", ["Radau", "RadauIIA5", "QNDF", "KenCarp4", "Rodas5P"])
def test_so_are_those_of_differential_equations(method):
    problem = symde.Problem(rober_ode())
    first = symde.solve(problem, method)
    symde.solve(symde.remake(problem, p={"k1": 0.1}), method, rtol=1e-11, atol=1e-12)
    again = symde.solve(problem, method)
    np.testing.assert_array_equal(again.u, first.u)
