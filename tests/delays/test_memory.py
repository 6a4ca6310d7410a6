"""How much of the past is kept."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu import past
from symde.plan import plan_for
from symde.problem import options
from symde.sessions import make_session
from symde.solve import begin

# Hutchinson's equation oscillates for ever where tau is above pi/2
TEXT = "param tau = 2\nstate x = 0.5\nx' = x*(1 - x(t - tau))"
MOVING = "param tau = 2\nstate x = 0.5\nx' = x*(1 - x(t - tau - 0.1*sin(t)))"


def run(text: str, end: float, saveat, dense: bool | None = None):
    """The session of a solve, after it."""
    problem = symde.Problem(symde.ode_def(text), tspan=(0.0, end))
    plan = plan_for(problem.system, "Tsit5", 1e-6, None, None, 1_000_000, "auto", None)
    session = make_session(problem.system, plan)
    begin(session, problem, plan, options.DEFAULT_ATOL, saveat, dense, False)
    assert session.run().name == "DONE"
    return session


@pytest.fixture(autouse=True)
def little_room(monkeypatch):
    monkeypatch.setattr(past, "MOST_ROWS", 64)


def test_what_no_delay_reaches_is_dropped():
    short, long = run(TEXT, 100.0, [100.0]), run(TEXT, 10_000.0, [10_000.0])
    assert long.state.accepted > 50 * short.state.accepted
    assert short.output.row_capacity == long.output.row_capacity == 64
    # what is left reaches back to the largest delay
    assert long.output.rows[0, 0] <= long.state.t_old - 2.0


def test_dropping_changes_nothing():
    dropped = symde.solve(symde.Problem(symde.ode_def(TEXT), tspan=(0.0, 500.0)), "Tsit5", saveat=[500.0])
    kept = symde.solve(
        symde.Problem(symde.ode_def(TEXT), tspan=(0.0, 500.0)), "Tsit5", saveat=[500.0], dense=True
    )
    assert dropped.dense is None and kept.dense is not None
    np.testing.assert_array_equal(dropped.u, kept.u)


def test_all_is_kept_for_dense_output():
    session = run(TEXT, 1000.0, None)
    assert session.state.dense_count == session.state.accepted > 64


def test_all_is_kept_where_delays_change():
    session = run(MOVING, 1000.0, [1000.0])
    assert session.state.dense_count == session.state.accepted > 64


def test_a_second_solve_finds_nothing_of_the_first():
    model = symde.ode_def("param c\nstate x = 1\nhistory x = c\nx' = x(t - 1)")
    ends = [
        symde.solve(symde.Problem(model, tspan=(0, 2.5), p=[c]), "Tsit5", saveat=[2.5], rtol=1e-10).u[0, 0]
        for c in (0.0, 1.0, 0.0)
    ]
    assert ends[0] == ends[2]
    # by steps: 1 + c at 1, 2 + 3c/2 at 2, and the integral of 1 + c + w + c w^2/2 over half a delay more
    np.testing.assert_allclose(ends[:2], [2.625, 2.625 + 2 + 1 / 48], rtol=1e-10)


def test_two_solves_at_once_keep_apart():
    import threading

    model = symde.ode_def(TEXT)
    problems = [symde.Problem(model, tspan=(0.0, 300.0), p=[tau]) for tau in (0.5, 0.9, 1.3, 1.7)]
    expected = [symde.solve(one, "Tsit5", saveat=[300.0]).u for one in problems]
    found: dict[int, np.ndarray] = {}

    def solve(k: int) -> None:
        found[k] = symde.solve(problems[k], "Tsit5", saveat=[300.0]).u

    threads = [threading.Thread(target=solve, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        np.testing.assert_array_equal(found[k], expected[k])
