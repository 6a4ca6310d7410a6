"""Derivatives over moments in which branches of algebraic equations change more than once, and events read
the algebraic variables in between."""

from __future__ import annotations

import numpy as np
import pytest

import symde

ONE_BRANCH = """
param a = 3, c = 1
state x = 0.2, y = 0, z = 0.2, w = 0
x' = c*(1 + 0.1*z)
w' = z
y' = 0*x
0 = z + 0.2*z^3 - (x > 2 ? a*x : x)
"""

FIRST_UP_THEN_DOWN = f"""{ONE_BRANCH}
time 0 .. 1.5
first: when x >= 1: x = x + 1 + 0.5*z
second: when x > 2: y = z*x, x = 0.3*x
"""

AT_THE_SWITCH = f"""{ONE_BRANCH}
time 0 .. 2.5
second: when x > 2: y = z*x, x = 0.3*x
third: when x < 1: w = w + z*x
"""

ONE_BRANCH_DECIDES_THE_NEXT = """
param a = 3, c = 1
state x = 0.2, y = 0, z = 0.2, v = 0.3, w = 0
x' = c*(1 + 0.1*z)
w' = z*v
y' = 0*x
0 = z + 0.2*z^3 - (x > 1 ? a*x : x)
0 = v + 0.1*v^3 - (z > 1.5 ? a*z : z)
time 0 .. 1.5
first: when v >= 2: y = z*v*x, x = 0.3*x + 0.1*v
second: when x < 1: w = w + z*v
"""


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "gauss", "interpolating"])
@pytest.mark.parametrize("text", [FIRST_UP_THEN_DOWN, AT_THE_SWITCH, ONE_BRANCH_DECIDES_THE_NEXT])
def test_effects_that_read_algebraic_variables_between_two_flips(text, sensealg):
    problem = symde.Problem(symde.ode_def(text))
    weights = np.array([1.0, 2.0, 0.5, 1.5, 1.0])[: len(problem.u0)]

    def end(p: np.ndarray) -> float:
        return weights @ symde.solve(symde.remake(problem, p=p), "Rodas5P", rtol=1e-11, atol=1e-12).u[-1]

    differences = [(end(problem.p + h) - end(problem.p - h)) / 2e-5 for h in 1e-5 * np.eye(2)]
    _, found = symde.value_and_grad(
        lambda u: (u[-1] @ weights, weights[None]), problem, "Rodas5P", wrt="p", sensealg=sensealg,
        saveat=[problem.tspan[1]], rtol=1e-9, atol=1e-11,
    )  # fmt: skip
    np.testing.assert_allclose(found["p"], differences, rtol=1e-6, atol=1e-7)
