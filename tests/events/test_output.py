"""What a solve with events leaves behind: both limits of jumps, wherever they are looked at."""

from __future__ import annotations

import numpy as np
import pytest

import symde

DOSES = symde.ode_def("""model Doses
  param k = 0.3, D = 100
  state A = 0
  time 0 .. 24
  A' = -k*A
  C = A/2
  dose: every 6 from t0: A += D
end""")
PROBLEM = symde.Problem(DOSES)


def amount(t: float, right: bool = True) -> float:
    given = np.arange(0, 25, 6.0)
    given = given[given <= t] if right else given[given < t]
    return float(sum(100 * np.exp(-0.3 * (t - given))))


def test_every_step_saves_both_limits():
    solution = symde.solve(PROBLEM, "Vern7", rtol=1e-9)
    repeated = solution.t[1:][np.diff(solution.t) == 0]
    assert repeated.tolist() == [0, 6, 12, 18, 24]
    for t in repeated:
        before, after = solution.u[solution.t == t, 0]
        np.testing.assert_allclose([before, after], [amount(t, False), amount(t)], rtol=1e-8, atol=1e-12)
    assert (np.diff(solution.t) >= 0).all()


def test_saved_points_at_an_event_are_those_after_it():
    solution = symde.solve(PROBLEM, "Vern7", rtol=1e-9, saveat=3.0)
    np.testing.assert_allclose(solution.u[:, 0], [amount(t) for t in solution.t], rtol=1e-8)
    assert solution.t.tolist() == np.arange(0, 25, 3.0).tolist()


def test_the_continuous_solution_has_both_limits():
    solution = symde.solve(PROBLEM, "Vern7", rtol=1e-9)
    inside = np.linspace(0.1, 23.9, 50)
    np.testing.assert_allclose(solution(inside)[:, 0], [amount(t) for t in inside], rtol=1e-7)
    at = np.arange(0, 25, 6.0)
    np.testing.assert_allclose(solution(at)[:, 0], [amount(t) for t in at], rtol=1e-8)
    left = solution(at, side="left")[:, 0]
    np.testing.assert_allclose(left, [amount(t, False) for t in at], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(solution(6.0, "C", side="left"), amount(6, False) / 2, rtol=1e-8)
    with pytest.raises(ValueError, match="side must be 'right' or 'left'"):
        solution(1.0, side="up")


def test_frames_repeat_times():
    pytest.importorskip("pandas")
    solution = symde.solve(PROBLEM)
    frame = solution.to_pandas()
    assert frame.loc[6.0, "A"].diff().iloc[1] == pytest.approx(100)


@pytest.mark.parametrize("saving", [{}, {"saveat": 1.0}, {"dense": False}])
def test_no_line_crosses_a_jump(saving):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = symde.solve(PROBLEM, **saving).plot(["A", "C"])
    for line in axes.get_lines():
        t, value = line.get_data()
        whole = np.flatnonzero(np.isfinite(value[:-1]) & np.isfinite(value[1:]))
        # between doses the amount only falls
        assert (np.diff(value)[whole] <= 1e-9).all()
        assert (~np.isfinite(value)).sum() == 5
    pyplot.close(axes.figure)


def test_a_callback_sees_the_state_after_an_event():
    seen = []
    symde.solve(PROBLEM, "Tsit5", callback=lambda t, u: seen.append((t, u[0])))
    at = dict(seen)
    np.testing.assert_allclose(
        [at[t] for t in (6, 12, 18, 24)], [amount(t) for t in (6, 12, 18, 24)], rtol=1e-4
    )


def test_an_integrator_steps_to_events():
    integrator = symde.Integrator(PROBLEM, "Tsit5")
    visited = []
    while not integrator.done:
        visited.append(integrator.step())
    assert {6, 12, 18, 24} <= set(visited)
    assert [event.t for event in integrator.solution().events] == [0, 6, 12, 18, 24]
    integrator.reinit()
    np.testing.assert_allclose(integrator.advance(7.5), [amount(7.5)], rtol=1e-4)
    np.testing.assert_allclose(integrator.advance(12), [amount(12)], rtol=1e-4)
    integrator.set_u([0.0])
    np.testing.assert_allclose(integrator.advance(20), [100 * np.exp(-0.6)], rtol=1e-4)


def test_an_integrator_ends_where_an_event_ends_the_solve():
    text = "x' = -x; x(0) = 1; time 0 .. 50\n half: when x < 0.5: stop"
    integrator = symde.Integrator(symde.Problem(symde.ode_def(text)), "Vern7")
    while not integrator.done:
        integrator.step()
    assert integrator.solution().retcode is symde.Retcode.TERMINATED
    assert integrator.step() == integrator.t == pytest.approx(np.log(2), rel=1e-6)


def test_sessions_that_are_used_again_remember_no_events():
    first = symde.solve(PROBLEM, "Tsit5", saveat=1.0)
    other = symde.solve(symde.remake(PROBLEM, p={"D": 1.0}), "Tsit5", saveat=1.0)
    again = symde.solve(PROBLEM, "Tsit5", saveat=1.0)
    assert len(first.events) == len(other.events) == 5
    np.testing.assert_array_equal(first.u, again.u)


def test_a_domain_is_kept():
    # x reaches 0 and would go on: the slope at 0 is that of the square root of what is left
    text = "x' = -2*sqrt(x); x(0) = 1; time 0 .. 3\n dom x >= 0"
    solution = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", rtol=1e-6)
    assert (solution.u >= 0).all() and np.isfinite(solution.u).all()
    inside = solution.t < 0.99
    np.testing.assert_allclose(solution.u[inside, 0], (1 - solution.t[inside]) ** 2, atol=1e-5)
