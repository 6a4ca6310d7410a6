"""Numbers of a problem: defaults that follow parameters, functions of parameters, remake."""

import copy
import pickle

import numpy as np
import pytest

import symde

TEXT = """
model Tank "water in a tank"
  param area = 2 [m^2]
  param outflow = area/4
  param inflow = 1
  state level = inflow/outflow [m] nominal 10
  time 0 .. 2*area
  level' = (inflow - outflow*level)/area
end
"""


def test_defaults_follow_the_parameters_they_are_made_of():
    problem = symde.Problem(symde.ode_def(TEXT))
    np.testing.assert_array_equal(problem.p, [2, 0.5, 1])
    assert problem.u0[0] == 2 and problem.tspan == (0, 4)
    changed = symde.remake(problem, p={"area": 4})
    np.testing.assert_array_equal(changed.p, [4, 1, 1])
    assert changed.u0[0] == 1 and changed.tspan == (0, 8)


def test_a_default_that_was_set_follows_no_more():
    problem = symde.Problem(symde.ode_def(TEXT), p={"outflow": 0.25})
    changed = symde.remake(problem, p={"area": 4})
    np.testing.assert_array_equal(changed.p, [4, 0.25, 1])


def test_remake_with_none_goes_back_to_the_model():
    problem = symde.Problem(symde.ode_def(TEXT), p={"area": 9}, u0={"level": 7}, tspan=(1, 2))
    back = symde.remake(problem, p=None, u0=None, tspan=None)
    np.testing.assert_array_equal(back.p, [2, 0.5, 1])
    assert back.u0[0] == 2 and back.tspan == (0, 4)


def test_initial_state_and_span_may_be_functions_of_the_parameters():
    # SEED.md: u0 = [p2, p4], tspan = (0, 10 p4)
    model = symde.ode_def("@ode_def LV begin\n dx = a*x - b*x*y\n dy = -d*y + g*x*y\nend a b d g")
    problem = symde.Problem(model, lambda p: [p[1], p[3]], lambda p: (0, 10 * p[3]), [1.5, 1, 3, 1])
    np.testing.assert_array_equal(problem.u0, [1, 1])
    assert problem.tspan == (0, 10)
    changed = symde.remake(problem, p={"g": 0.5})
    np.testing.assert_array_equal(changed.u0, [1, 0.5])
    assert changed.tspan == (0, 5)


def test_problems_of_one_model_share_its_compiled_code():
    model = symde.ode_def(TEXT)
    assert symde.Problem(model).system is symde.Problem(model, p={"area": 3}).system
    problem = symde.Problem(model)
    assert symde.remake(problem, p={"area": 3}).system is problem.system


def test_values_of_a_problem_cannot_be_changed_behind_its_back():
    problem = symde.Problem(symde.ode_def(TEXT))
    with pytest.raises(ValueError):
        problem.u0[0] = 5


def test_a_problem_can_be_copied_and_pickled():
    problem = symde.Problem(symde.ode_def(TEXT), p={"area": 3})
    for twin in (copy.deepcopy(problem), pickle.loads(pickle.dumps(problem))):
        np.testing.assert_array_equal(twin.p, problem.p)
        np.testing.assert_array_equal(symde.solve(twin, saveat=[1.0]).u, symde.solve(problem, saveat=[1.0]).u)


def test_symbols_serve_as_names():
    model = symde.ode_def(TEXT)
    problem = symde.Problem(model, p={model.parameters[0]: 3}, u0={model.states[0]: 5})
    assert problem.p[0] == 3 and problem.u0[0] == 5


def test_a_scalar_tolerance_is_scaled_by_the_nominal_value():
    from symde.problem.options import absolute_tolerance

    system = symde.Problem(symde.ode_def(TEXT)).system
    np.testing.assert_allclose(absolute_tolerance(1e-6, ("level",), system.nominal, 1e-3), [1e-5])
    np.testing.assert_allclose(absolute_tolerance({"level": 1e-6}, ("level",), system.nominal, 1e-3), [1e-6])


def test_a_missing_first_velocity_is_asked_for_as_it_is_written():
    model = symde.ode_def("model P\n state x = 1\n x'' = -x\nend")
    with pytest.raises(ValueError, match=r"write `x'\(0\) = \.\.\.`"):
        symde.Problem(model, tspan=(0, 1))


def test_the_model_of_a_problem_made_from_text_is_a_model():
    problem = symde.Problem("state x = 1\nx' = -x", tspan=(0, 1))
    assert isinstance(problem.model, symde.Model)
    assert repr(problem).startswith("<Problem model: 1 state")
