"""Other ways to solve: by hand, watched, interrupted, pickled; events in models with algebraic equations."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import symde

REFILLED = """
param th = 0.3, up = 1.5
state a = 1, z = 0.4
discrete n = 0
a' = -a*z
0 = a - z - z^3
refill: when z < th: a = up, n += 1
time 0 .. 6
"""
OPTIONS = {"rtol": 1e-8, "atol": 1e-10}


@pytest.fixture(scope="module")
def problem():
    return symde.Problem(symde.ode_def(REFILLED))


@pytest.mark.parametrize("method", ["Rodas5P", "Radau", "QNDF"])
def test_stepping_by_hand_is_a_solve(problem, method):
    whole = symde.solve(problem, method, **OPTIONS)
    by_hand = symde.Integrator(problem, method, **OPTIONS)
    while not by_hand.done:
        by_hand.step()
    found = by_hand.solution()
    np.testing.assert_array_equal(found.u, whole.u)
    assert [event.t for event in found.events] == [event.t for event in whole.events]


def test_advancing_to_an_event_and_setting_states(problem):
    event = symde.solve(problem, "Rodas5P", **OPTIONS).events[0]
    by_hand = symde.Integrator(problem, "Rodas5P", **OPTIONS)
    np.testing.assert_array_equal(by_hand.advance(event.t), event.after)
    by_hand.set_u({"a": 0.9})
    a, z, n = by_hand.u
    assert (a, n) == (0.9, 1) and abs(a - z - z**3) < 1e-15
    by_hand.advance(6.0)
    assert len(by_hand.solution().events) > 1


def test_callbacks_see_the_state_that_events_leave(problem):
    seen = []
    whole = symde.solve(problem, "Rodas5P", **OPTIONS)
    watched = symde.solve(problem, "Rodas5P", callback=lambda t, u: seen.append((t, u)), **OPTIONS)
    np.testing.assert_array_equal(watched.u, whole.u)
    for event in whole.events:
        (u,) = (u for t, u in seen if t == event.t)
        np.testing.assert_array_equal(u, event.after)
    stopped = symde.solve(problem, "Rodas5P", callback=lambda t, u: u[2] >= 1, **OPTIONS)
    assert stopped.retcode is symde.Retcode.STOPPED and stopped.t[-1] == whole.events[0].t
    np.testing.assert_array_equal(stopped.u[-1], whole.events[0].after)


def test_an_interrupted_solve_keeps_its_events_and_leaves_nothing_behind(problem):
    whole = symde.solve(problem, "Rodas5P", **OPTIONS)
    first = whole.events[0].t

    def interrupt(t, u):
        if t > first:
            raise KeyboardInterrupt

    with pytest.raises(symde.SolveInterrupted) as caught:
        symde.solve(problem, "Rodas5P", callback=interrupt, **OPTIONS)
    assert [event.t for event in caught.value.solution.events] == [first]
    np.testing.assert_array_equal(symde.solve(problem, "Rodas5P", **OPTIONS).u, whole.u)


def test_a_progress_bar_changes_nothing(problem, capsys):
    pytest.importorskip("tqdm")
    whole = symde.solve(problem, "Rodas5P", **OPTIONS)
    np.testing.assert_array_equal(symde.solve(problem, "Rodas5P", progress=True, **OPTIONS).u, whole.u)


@pytest.mark.parametrize("copied", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_solutions_are_pickled_with_their_events(problem, copied):
    solution = symde.solve(problem, "Rodas5P", **OPTIONS)
    found = copied(solution)
    np.testing.assert_array_equal(found.u, solution.u)
    for one, other in zip(found.events, solution.events, strict=True):
        assert (one.t, one.name) == (other.t, other.name)
        np.testing.assert_array_equal(one.after, other.after)
        for side in ("left", "right"):
            np.testing.assert_array_equal(found(one.t, side=side), solution(one.t, side=side))
    assert found.residuals.keys() == solution.residuals.keys()
    again = symde.solve(found.problem, "Rodas5P", **OPTIONS)
    np.testing.assert_array_equal(again.u, solution.u)


def test_solutions_are_pickled_with_the_events_of_their_call(problem):
    halve = symde.Event(at=1.0, effects={"th": "th/2"}, name="halve")
    solution = symde.solve(problem, "Rodas5P", events=[halve], **OPTIONS)
    more = symde.Event("a < 0.32", stop=True, name="enough")
    twice = symde.solve(solution.problem, "Rodas5P", events=[more], **OPTIONS)
    for one in (solution, twice):
        found = pickle.loads(pickle.dumps(one))
        assert found.names == one.names == ("a", "z", "n", "th")
        assert found["th"][-1] == 0.15
        np.testing.assert_array_equal(symde.solve(found.problem, "Rodas5P", **OPTIONS).u, one.u)
    assert [event.name for event in twice.events][-1] == "enough"
    changed = symde.remake(solution.problem, u0={"th": 0.5, "a": 2}, p={"up": 3}, tspan=(0, 2))
    found = pickle.loads(pickle.dumps(changed))
    np.testing.assert_array_equal(found.u0, changed.u0)
    np.testing.assert_array_equal(symde.solve(found).u, symde.solve(changed).u)


@pytest.mark.parametrize("backend", [None, "torch"])
def test_torch_functions_refuse_algebraic_equations(problem, backend):
    torch = pytest.importorskip("torch")
    from symde.layers import diffeq

    p = torch.tensor(problem.p, dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match="torch (functions know no models with eq|engine has no eq)"):
        diffeq(p, problem, saveat=[1.0], backend=backend)
