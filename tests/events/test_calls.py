"""Events given where a problem is solved."""

from __future__ import annotations

import numpy as np
import pytest

import symde

SIR = symde.ode_def("""model SIR
  param beta = 0.4, gamma = 0.1
  state S = 999, I = 1, R = 0
  time 0 .. 160
  N = S + I + R
  S' = -beta*S*I/N
  I' = beta*S*I/N - gamma*I
  R' = gamma*I
end""")
LOCK = symde.Event("I/N > 0.1", {"beta": "beta*0.3"}, name="lock")


def test_a_parameter_that_an_event_sets_changes_from_then_on():
    solution = symde.solve(symde.Problem(SIR), events=[LOCK], rtol=1e-8)
    (lock,) = solution.events
    assert lock.name == "lock" and lock.before[1] == pytest.approx(100, rel=1e-6)
    # the same in two parts
    first = symde.solve(symde.Problem(SIR, tspan=(0, lock.t)), rtol=1e-8)
    second = symde.solve(symde.Problem(SIR, u0=first.u[-1], p={"beta": 0.12}, tspan=(lock.t, 160)), rtol=1e-8)
    np.testing.assert_allclose(solution.u[-1, :3], second.u[-1], rtol=1e-6)
    assert solution["beta"][-1] == pytest.approx(0.12) and solution["beta"][0] == 0.4


def test_what_the_problem_gives_is_kept():
    problem = symde.Problem(SIR, u0={"I": 5}, p={"beta": 0.5})
    solution = symde.solve(problem, events=[LOCK])
    assert solution.u[0].tolist() == [999, 5, 0, 0.5]
    assert symde.solve(problem).u.shape[1] == 3


def test_models_of_the_same_events_are_made_once():
    problem = symde.Problem(SIR)
    one = symde.solve(problem, events=[LOCK])
    two = symde.solve(problem, events=[symde.Event("I/N > 0.1", {"beta": "beta*0.3"}, name="lock")])
    assert one.problem.system is two.problem.system


def test_an_integrator_takes_events():
    integrator = symde.Integrator(symde.Problem(SIR), events=symde.Event("I > 50", stop=True))
    while not integrator.done:
        integrator.step()
    assert integrator.u[1] == pytest.approx(50)
    integrator.reinit(p={"beta": 0.8})
    assert integrator.problem.p.tolist() == [0.8, 0.1]


def test_a_traced_function_has_events():
    problem = symde.Problem(lambda u, p, t: [-p[0] * u[0]], [1.0], (0, 5), [1.0])
    name = problem.system.state_names[0]
    solution = symde.solve(problem, events=[symde.Event(f"{name} < 0.5", stop=True)], rtol=1e-9)
    np.testing.assert_allclose(solution.t[-1], np.log(2), rtol=1e-7)


def test_what_is_no_event_is_refused():
    problem = symde.Problem(SIR)
    for wrong in ("I > 1", [lambda t, u: True], 3):
        with pytest.raises(TypeError, match="symde.Event"):
            symde.solve(problem, events=wrong)
    with pytest.raises(symde.ModelError, match="unknown name `J`"):
        symde.solve(problem, events=[symde.Event("J > 1", stop=True)])
    called = symde.Problem(lambda u, p, t: [-u[0] if u[0] > 0.5 else 0.0], [1.0], (0, 5))
    with pytest.raises(ValueError, match="could not be traced"):
        symde.solve(called, events=[symde.Event("u > 1", stop=True)])
