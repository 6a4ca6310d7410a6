"""Events of models with algebraic equations: what jumps, jumps consistently."""

from __future__ import annotations

import numpy as np
import pytest

import symde

SWITCHED = """
model Switched
  param k = 1, C = 2
  discrete on = 0
  state x = 1, z = 0.5
  C*x' = -k*z
  0 = z^3 + z - x - on
  time 0 .. 1
  {event}
end
"""

PENDULUM = """
model Bounce "a wall below the pivot"
  param g = 9.81, L = 1
  discrete hits = 0
  state x = L, y = 0, T = 0
  x'(0) = 0; y'(0) = 0
  time 0 .. 3
  x'' = -T*x
  y'' = -T*y - g
  x^2 + y^2 = L^2
  when falling x == 0: x' = -0.9*x', y' = -0.9*y', hits = hits + 1
end
"""


def test_algebraic_variables_jump_with_what_determines_them():
    problem = symde.Problem(symde.ode_def(SWITCHED.format(event="at t = 0.5: on = 1")))
    solution = symde.solve(problem, rtol=1e-9, atol=1e-9)
    z, x, on = solution["z"], solution["x"], solution["on"]
    np.testing.assert_allclose(z**3 + z - x, on, atol=1e-8)
    before, after = z[np.isclose(solution.t, 0.5)]
    assert after > before + 0.3


def test_constraints_hold_after_impacts():
    """The wall takes 19 % of the energy at each impact; the rod keeps its length."""
    solution = symde.solve(symde.Problem(symde.ode_def(PENDULUM)), rtol=1e-9, atol=1e-9)
    assert solution["hits"][-1] >= 2
    np.testing.assert_allclose(solution["x"] ** 2 + solution["y"] ** 2, 1, atol=1e-10)
    energy = (solution["x'"] ** 2 + solution["y'"] ** 2) / 2 + 9.81 * (solution["y"] + 1)
    np.testing.assert_allclose(energy, 9.81 * 0.81 ** solution["hits"], rtol=1e-6)


@pytest.mark.parametrize("target", ["z", "C"])
def test_what_equations_determine_and_factors_of_derivatives_are_not_set(target):
    problem = symde.Problem(symde.ode_def(SWITCHED.format(event="")))
    with pytest.raises(symde.ModelError, match=f"an event cannot set `{target}`"):
        symde.solve(problem, events=[symde.Event(at=0.5, effects={target: "1"})])
    with pytest.raises(symde.ModelError, match="an event cannot set `z`"):
        symde.Problem(symde.ode_def(SWITCHED.format(event="at t = 0.5: z = 1")))


def test_a_factor_that_the_text_calls_discrete_may_be_set():
    """It is no entry of the mass matrix then: x' is an algebraic variable."""
    text = SWITCHED.format(event="discrete C\n  at t = 0.5: C = 1e6")
    solution = symde.solve(symde.Problem(symde.ode_def(text)), rtol=1e-9, atol=1e-9)
    assert solution["x"][-1] == pytest.approx(solution["x"][np.isclose(solution.t, 0.5)][0], abs=1e-6)


def test_events_of_one_call_extend_what_is_solved():
    problem = symde.Problem(
        symde.ode_def(PENDULUM.replace("discrete hits = 0\n", "").replace(", hits = hits + 1", ""))
    )
    solution = symde.solve(problem, events=[symde.Event(at=1.0, effects={"g": "1.0"})], rtol=1e-9, atol=1e-9)
    assert solution["g"][-1] == 1.0
    np.testing.assert_allclose(solution["x"] ** 2 + solution["y"] ** 2, 1, atol=1e-10)


def test_a_derivative_that_an_event_reads_has_a_value_of_its_own():
    """x' of C*x' = -k*z is read by a condition: it is an algebraic variable then, -z/2."""
    text = SWITCHED.format(event="when rising x' == -0.3: stop")
    solution = symde.solve(symde.Problem(symde.ode_def(text)), rtol=1e-9, atol=1e-9)
    assert solution["x'"][-1] == pytest.approx(-0.3, abs=1e-7)
    # the interpolant of an algebraic variable errs by more than its steps
    assert solution["z"][-1] == pytest.approx(0.6, abs=1e-7)
    assert solution.t[-1] < 1
