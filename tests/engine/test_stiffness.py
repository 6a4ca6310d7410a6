"""The default switches when stiffness shows and comes back when it has gone; an explicit method says when it
crawls."""

import numpy as np
import pytest

import symde

VAN_DER_POL = """
model VanDerPol
  param mu = 1000
  state x = 2, v = 0
  time 0 .. 2000
  x' = v
  v' = mu*(1 - x^2)*v - x
end
"""
ROBER = """
model Rober
  param k1 = 0.04, k2 = 3e7, k3 = 1e4
  state y1 = 1, y2 = 0, y3 = 0
  time 0 .. 1e11
  dy1 = -k1*y1 + k3*y2*y3
  dy2 = k1*y1 - k2*y2^2 - k3*y2*y3
  dy3 = k2*y2^2
end
"""


def test_the_default_switches_to_the_stiff_method():
    solution = symde.solve(symde.Problem(symde.ode_def(ROBER)), atol=[1e-8, 1e-12, 1e-8])
    assert solution.success and solution.stats.switches >= 1
    assert solution.stats.accepted < 1000


def test_the_default_stays_explicit_where_nothing_is_stiff():
    model = symde.ode_def("@ode_def begin\n dx = 1.5*x - x*y\n dy = -3*y + x*y\nend")
    solution = symde.solve(symde.Problem(model, [1, 1], (0, 10)))
    assert solution.stats.switches == 0 and solution.stats.factorisations == 0


def test_the_default_comes_back_when_stiffness_has_gone():
    # stiff (rate 1e4) until t = 1, then a slow oscillation over many periods
    text = """
    model Relax
      state x = 1, y = 0, z = 1
      x' = y
      y' = -x
      z' = -(1e4 if t < 1 else 1)*(z - x)
    end
    """
    solution = symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 200)))
    assert solution.stats.switches >= 2
    assert abs(solution.u[-1, 0] - np.cos(200)) < 1e-3


@pytest.mark.parametrize("method", ["DP5", "Tsit5", "Vern7", "BS3"])
def test_an_explicit_method_on_a_stiff_problem_ends_and_suggests_a_stiff_one(method):
    problem = symde.Problem(symde.ode_def(ROBER))
    with pytest.raises(symde.SolveError, match="Rodas5P") as failure:
        symde.solve(problem, method)
    assert failure.value.retcode is symde.Retcode.STIFF
    assert failure.value.solution.stats.steps < 5000


def test_the_work_of_the_default_on_van_der_pol_stays_near_the_stiff_method():
    problem = symde.Problem(symde.ode_def(VAN_DER_POL))
    default, stiff = symde.solve(problem), symde.solve(problem, "Rodas5P")
    assert default.stats.steps < 2 * stiff.stats.steps


def test_only_methods_that_took_steps_are_named_and_cited():
    calm = symde.solve(symde.Problem("state x = 1\nx' = -x", tspan=(0, 1)))
    assert [method.name for method in calm.method] == ["Taylor"] and len(calm.citations()) == 1
    stiff = symde.solve(symde.Problem(symde.ode_def(ROBER)), atol=[1e-8, 1e-12, 1e-8])
    assert [method.name for method in stiff.method] == ["Taylor", "Rodas5P"]
