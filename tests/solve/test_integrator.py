"""Stepping by hand: the same steps as a solve, exact stops, new starts."""

import numpy as np
import pytest

import symde

TEXT = """model Lotka
  param a = 1.5, b = 1, d = 3, g = 1
  state x = 1, y = 1
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -d*y + g*x*y
end"""


@pytest.fixture
def problem():
    return symde.Problem(symde.ode_def(TEXT))


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", None])
def test_steps_by_hand_are_the_steps_of_a_solve(problem, method):
    whole = symde.solve(problem, method)
    integrator = symde.Integrator(problem, method)
    times = [integrator.t]
    while not integrator.done:
        times.append(integrator.step())
    assert times == whole.t.tolist()
    np.testing.assert_array_equal(integrator.u, whole.u[-1])
    np.testing.assert_array_equal(integrator.solution().u, whole.u)
    np.testing.assert_array_equal(integrator.solution()(3.3), whole(3.3))
    assert integrator.stats.accepted == whole.stats.accepted


def test_advance_reaches_a_time_exactly(problem):
    integrator = symde.Integrator(problem, rtol=1e-9)
    state = integrator.advance(2.5)
    assert integrator.t == 2.5
    np.testing.assert_allclose(state, symde.solve(problem, rtol=1e-9)(2.5), rtol=1e-6)
    np.testing.assert_array_equal(integrator.advance(2.5), state)
    integrator.advance(10.0)
    assert integrator.done and integrator.step() == 10.0


def test_the_state_is_readable_by_name(problem):
    integrator = symde.Integrator(problem)
    assert integrator.state == {"x": 1.0, "y": 1.0}
    assert integrator.dt == 0.0
    integrator.step()
    assert integrator.dt > 0


def test_reinit_starts_afresh_from_anywhere(problem):
    integrator = symde.Integrator(problem, "Tsit5")
    first = [integrator.step() for _ in range(5)]
    integrator.reinit()
    assert integrator.t == 0 and [integrator.step() for _ in range(5)] == first
    integrator.reinit(u={"y": 2.0}, t=1.0, p={"a": 2.0})
    assert integrator.t == 1.0 and integrator.state == {"x": 1.0, "y": 2.0}
    end = integrator.advance(10.0)
    same = symde.remake(problem, u0={"y": 2.0}, p={"a": 2.0}, tspan=(1, 10))
    np.testing.assert_allclose(end, symde.solve(same, "Tsit5").u[-1], rtol=1e-9)


def test_the_state_may_be_replaced_between_steps(problem):
    integrator = symde.Integrator(problem, "Tsit5", rtol=1e-8)
    integrator.advance(1.0)
    integrator.set_u({"x": 3.0, "y": 0.5})
    end = integrator.advance(2.0)
    same = symde.remake(problem, u0=[3.0, 0.5], tspan=(1, 2))
    np.testing.assert_allclose(end, symde.solve(same, "Tsit5", rtol=1e-8).u[-1], rtol=1e-6)


def test_mistakes_are_told(problem):
    integrator = symde.Integrator(problem)
    integrator.advance(2.0)
    with pytest.raises(ValueError, match="behind"):
        integrator.advance(1.0)
    with pytest.raises(ValueError, match="beyond the end"):
        integrator.advance(11.0)
    with pytest.raises(ValueError, match="outside the problem's span"):
        integrator.reinit(t=20.0)
    with pytest.raises(ValueError, match="did you mean `x`"):
        integrator.set_u({"X": 1})


def test_a_step_that_fails_explains_itself():
    problem = symde.Problem(symde.ode_def("model B\n state y = 1\n time 0 .. 2\n y' = y^2\nend"))
    integrator = symde.Integrator(problem)
    with pytest.raises(symde.SolveError, match="y' = y\\^2"):
        while True:
            integrator.step()
    assert abs(integrator.t - 1) < 1e-4


def test_other_parameters_hold_for_observed_quantities_and_initial_values_too():
    model = symde.ode_def("param k = 1\nstate x = 2*k\nx' = -k*x\nflux = k*x\ntime 0 .. 1")
    integrator = symde.Integrator(symde.Problem(model), rtol=1e-9, atol=1e-12)
    integrator.reinit(p={"k": 3.0})
    assert integrator.u.tolist() == [6.0]  # the initial state is 2*k
    integrator.advance(1.0)
    solution = integrator.solution()
    assert solution["flux"][-1] == pytest.approx(18 * np.exp(-3.0), rel=1e-7)  # closed form
    assert solution.problem.p.tolist() == [3.0]
    integrator.reinit()
    assert integrator.u.tolist() == [2.0]
