"""What readings of networks do not know is refused, in the modeller's words."""

from __future__ import annotations

import re

import pytest

import symde

NETWORK = "state A = 10, B = 0\ntime 0 .. 1\n1, A --> B\n"
OTHERS = {
    "A(t - 1), 0 => B": "knows nothing of delays and histories",
    "history A = 1": "knows nothing of delays and histories",
    "state z = 1\n0 = z - A + z^3": "knows nothing of algebraic equations",
    "dom A <= 5": "does not see to the domain of `A`",
}


@pytest.mark.parametrize("statement", OTHERS)
def test_a_jump_process_refuses_what_it_does_not_follow(statement: str) -> None:
    with pytest.raises(ValueError, match=re.escape(OTHERS[statement])):
        symde.Problem(NETWORK + statement, kind="jump")


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("at t = 0.5: A += 1", {"reaction 1", "event 1"}),
        ("dose: at t = 0.5: A += 1", {"reaction 1", "dose"}),
        ("discrete m = 1\nm, 0 => B", {"reaction 1", "reaction 2"}),
        ("x' = -x\nx(0) = 1", {"reaction 1"}),
    ],
)
def test_events_and_equations_stand_beside_jumps(statement: str, names: set[str]) -> None:
    path = symde.solve(symde.Problem(NETWORK + statement, kind="jump"), seed=1)
    assert {one.name for one in path.events} == names


def test_an_event_happens_at_its_time_between_jumps() -> None:
    model = symde.ode_def("jump 1: x -= 1").with_events([symde.Event(at=1.0, effects={"x": "5"})])
    path = symde.solve(symde.Problem(model, {"x": 3}, (0, 2)), seed=1)
    (event,) = [one for one in path.events if one.t == 1.0]
    assert event.after[0] == 5
    assert sum(one.after[0] - one.before[0] for one in path.events) == path["x"][-1] - 3


def test_a_delayed_rate_of_a_jump_is_refused() -> None:
    with pytest.raises(ValueError, match="knows nothing of delays"):
        symde.Problem("state A = 1\ntime 0 .. 1\ny = 2*A\njump y(t - 1): A -= 1")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("at t = 0.5: A += 1", "knows nothing of events"),
        ("A(t - 1), 0 => B", "knows nothing of delays"),
        ("state z = 1\n0 = z - A + z^3", "knows nothing of algebraic equations"),
        ("dom A >= 0", "does not see to the domain of `A`"),
    ],
)
def test_a_network_with_other_parts_is_not_made_smaller(statement: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symde.eliminate_conserved(symde.ode_def(NETWORK + statement))


def test_steps_are_not_projected_in_either() -> None:
    stated = symde.ode_def(NETWORK + "conserved A + B")
    path = symde.solve(symde.Problem(stated, kind="jump"), seed=1)  # a statement changes nothing
    assert (path.u.sum(axis=1) == 10).all()
    assert symde.eliminate_conserved(stated).state_names == ("B",)
    with pytest.raises(ValueError, match="conserves by projection"):
        symde.Problem(stated.with_projection(), kind="jump")
    with pytest.raises(ValueError, match="conserves by projection"):
        symde.eliminate_conserved(stated.with_projection())


def test_domains_that_hold_are_no_hindrance() -> None:
    path = symde.solve(symde.Problem(NETWORK + "dom A >= 0\ndom B >= -1", kind="jump"), seed=1)
    assert path.u.min() >= 0
    assert symde.eliminate_conserved(symde.ode_def(NETWORK + "dom B >= 0")).state_names == ("B",)


def test_what_reads_differential_equations_refuses_jump_processes() -> None:
    problem = symde.Problem(NETWORK, kind="jump")
    with pytest.raises(ValueError, match="the problem is a jump process"):
        symde.sensitivities(problem)
    with pytest.raises(ValueError, match="events.*belongs to differential equations"):
        symde.solve(problem, events=[symde.Event(at=0.5, effects={"A": "1"})])
    jumps = symde.ode_def("state A = 1\njump A: A -= 1\nconserved A")
    with pytest.raises(ValueError, match="has jumps, which its differential equations know nothing of"):
        symde.testing.check_conserved(jumps)
