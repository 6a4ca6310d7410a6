"""Every method keeps its order on differential and algebraic variables, at the ends of steps and between."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry
from tests.dae.systems import METHODS, with_mass

LINEAR = """
model Linear
  state x = 1, z = 5
  time 0 .. 2
  x' = -x + z
  z' = x - 2*z + sin(2*t)
end
"""

NONLINEAR = """
model Nonlinear
  state x = 1, z = 0.7
  time 0 .. 2
  w = 1/(1 + t^2)
  x' = -2*t*x*z
  z' = x*(z + z^3/5) - w*(w + w^3/5)
end
"""


def linear_exact(t):
    """z = (x + sin 2t)/2, so that x' = -x/2 + sin(2t)/2."""
    x = 21 / 17 * np.exp(-t / 2) + np.sin(2 * t) / 17 - 4 * np.cos(2 * t) / 17
    return np.stack([x, (x + np.sin(2 * t)) / 2], axis=-1)


def nonlinear_exact(t):
    """Both are 1/(1 + t^2)."""
    return np.stack([1 / (1 + t**2)] * 2, axis=-1)


CASES = {"linear": (LINEAR, linear_exact), "nonlinear": (NONLINEAR, nonlinear_exact)}
FIXED_ORDER = [name for name in METHODS if not registry.get(name).variable_order]
BETWEEN = np.linspace(0.01, 1.99, 301)

DENSE = {"Rodas5P": (5, 4), "Rodas4": (4, 3), "RadauIIA5": (4, 4), "Kvaerno4": (4, 3)}
"""Powers of h with which the continuous solution errs, of differential and algebraic variables, where they
are not those below. A step from an exact start errs by h^(q+1) at interpolant order q; over a whole solve
differential variables show that. Algebraic ones err by h^q where the interpolant is made of stage
derivatives, which count for them to one order less, and all variables by h^4 where it is made of the stages
themselves; for the latter Kvaerno4 has too few."""
DENSE_OF_ESDIRK = {3: (3, 3), 4: (4, 4), 5: (4, 4), 2: (2, 2)}


class WithoutEstimate:
    """A method whose steps are the caller's, so that tolerances are those of its iterations only."""

    adaptive = False

    def __init__(self, method):
        self.method = method
        self.error = np.zeros_like(method.error)

    def __getattr__(self, name):
        return getattr(self.method, name)


def solved(name, case, count):
    """A solve in `count` equal steps."""
    method, h = registry.get(name), 2 / count
    problem = symde.Problem(with_mass(CASES[case][0], algebraic=("z",)))
    if method.family == "esdirk":
        return symde.solve(problem, WithoutEstimate(method), rtol=1e-13, atol=1e-13, dt0=h, dtmax=h)
    # tolerances that nothing exceeds; a Radau iteration is done after one correction where all is linear
    loose = 1e6 if method.family == "radau" else 1e30
    solution = symde.solve(problem, name, rtol=0.1, atol=loose, dt0=h, dtmax=h)
    assert solution.stats.accepted in (count - 1, count)
    return solution


def slopes(name, case, counts):
    """Powers of h of the largest errors at the ends of steps and between them, each of (x, z)."""
    exact, ends, between = CASES[case][1], [], []
    for count in counts:
        solution = solved(name, case, count)
        ends.append(np.abs(solution.u - exact(solution.t)).max(axis=0))
        between.append(np.abs(solution(BETWEEN) - exact(BETWEEN)).max(axis=0))
    ratio = np.log(counts[1] / counts[0])
    return np.log(ends[0] / ends[1]) / ratio, np.log(between[0] / between[1]) / ratio


def counts_of(method):
    if method.family == "esdirk":
        return {2: (80, 160), 3: (80, 160), 4: (80, 160), 5: (40, 80)}[method.order]
    return (20, 40) if method.order > 3 else (80, 160)


@pytest.mark.parametrize("name", FIXED_ORDER)
def test_both_kinds_of_variables_have_the_order_of_the_method(name):
    method = registry.get(name)
    end, between = slopes(name, "linear", counts_of(method))
    np.testing.assert_allclose(end, method.order, atol=0.25)
    dense = DENSE.get(name) or (DENSE_OF_ESDIRK[method.order] if method.family == "esdirk" else (2, 2))
    # Kvaerno3's and KenCarp3's continuous solutions are as good as their steps
    np.testing.assert_allclose(between, dense, atol=0.25)


@pytest.mark.parametrize("name", [name for name in FIXED_ORDER if registry.get(name).family != "radau"])
def test_nonlinear_constraints_cost_no_order(name):
    method = registry.get(name)
    end, _ = slopes(name, "nonlinear", (80, 160) if method.family == "esdirk" else counts_of(method))
    # Rosenbrock methods come near their order from below: Rodas5P shows 4.7 from 40 to 80 steps, then 4.9
    assert (
        (end > method.order - 0.9).all()
        if method.family == "rosenbrock"
        else (end > method.order - 0.3).all()
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["QNDF", "FBDF", "Radau"])
def test_methods_of_variable_order_follow_the_tolerance(name, case):
    problem = symde.Problem(with_mass(CASES[case][0], algebraic=("z",)))
    exact = CASES[case][1]
    for rtol in (1e-4, 1e-6, 1e-8):
        solution = symde.solve(problem, name, rtol=rtol, atol=rtol)
        assert np.abs(solution.u - exact(solution.t)).max() < 10 * rtol
        # collocation polynomials of high degree are of the order of their stages only between the points
        between = 200 if name == "Radau" else 10
        assert np.abs(solution(BETWEEN) - exact(BETWEEN)).max() < between * rtol
