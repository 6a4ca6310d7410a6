"""The loop may stop and go on anywhere without a trace in its results."""

import math

import numpy as np
import pytest

import symde
from symde.engine.choice import methods_for
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

ADAPTIVE = [method.name for method in registry.methods() if method.adaptive and method.family != "nystrom"]
LOTKA = """
model Lotka
  param a = 1.5, b = 1, d = 3, g = 1
  state x = 1, y = 1
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -d*y + g*x*y
end
"""


def lotka(**changes):
    return symde.Problem(symde.ode_def(LOTKA), **changes)


def session(problem, method, **options):
    chosen = Session(
        problem.system.kernels, [packed(m) for m in methods_for(method, 1e-6, problem.system.traits)]
    )
    chosen.u[:], chosen.p[:], chosen.atol[:] = problem.u0, problem.p, 1e-8
    settings = dict(
        rtol=1e-6, saveat=None, save_steps=True, dense=True, dt0=None, dtmax=np.inf, max_steps=10**6
    )
    chosen.begin(*problem.tspan, **{**settings, **options})
    return chosen


@pytest.mark.parametrize("name", [*ADAPTIVE, "auto"])
def test_attempts_one_at_a_time_give_the_same_as_all_at_once(name):
    problem = lotka()
    whole = symde.solve(problem, name, atol=1e-8)
    sliced = session(problem, name)
    entries = 0
    while True:
        sliced.state.budget = 1
        status = sliced._advance(sliced._address)
        entries += 1
        if status == Status.OUTPUT_FULL:
            sliced.output.resize(2 * sliced.output.capacity, sliced.state.out_count)
        elif status == Status.DENSE_FULL:
            sliced.output.resize_rows(2 * sliced.output.row_capacity, sliced.state.dense_count)
        elif status != Status.BUDGET:
            break
    t, u = sliced.output.saved()
    assert status == Status.DONE and entries >= whole.stats.accepted
    np.testing.assert_array_equal(t, whole.t)
    np.testing.assert_array_equal(u, whole.u)


def test_full_buffers_lose_nothing():
    problem = lotka()
    tight = session(problem, "Tsit5")
    tight.output.resize(1, 1)
    tight.output.resize_rows(1, 0)
    assert tight.run() == Status.DONE
    whole = symde.solve(problem, "Tsit5", atol=1e-8)
    np.testing.assert_array_equal(tight.output.saved()[1], whole.u)
    assert tight.state.dense_count == len(whole.t) - 1


@pytest.mark.parametrize("name", [*ADAPTIVE, "auto"])
def test_stop_times_are_hit_exactly(name):
    problem = lotka()
    stops = np.array([0.1, math.pi, 7.0])
    run = session(problem, name, stops=stops)
    seen = []
    while run.run() == Status.STOPPED:
        seen.append(run.state.t)
    assert seen == stops.tolist()
    assert set(stops) <= set(run.output.saved()[0])


@pytest.mark.parametrize("name", ADAPTIVE)
def test_backward_undoes_forward(name):
    options = dict(rtol=1e-8, atol=1e-10)
    forward = symde.solve(lotka(tspan=(0, 3)), name, **options)
    back = symde.solve(lotka(tspan=(3, 0), u0=forward.u[-1]), name, **options)
    assert (np.diff(back.t) < 0).all() and back.t[-1] == 0
    # both ways make errors of a few hundred tolerances at most on this problem
    np.testing.assert_allclose(back.u[-1], [1, 1], rtol=1e-5)


@pytest.mark.parametrize("name", [*ADAPTIVE, "auto"])
def test_saved_points_lie_on_the_continuous_solution(name):
    options = dict(rtol=1e-6, atol=1e-9)
    points = symde.solve(lotka(), name, saveat=0.1, **options)
    whole = symde.solve(lotka(), name, **options)
    assert len(points.t) == 101 and points.t[-1] == 10.0
    np.testing.assert_allclose(points.u, whole(points.t), rtol=1e-12, atol=1e-13)
    both = symde.solve(lotka(), name, saveat=0.1, dense=True, **options)
    np.testing.assert_array_equal(both(points.t[3]), whole(points.t[3]))


def test_saved_points_do_not_change_the_steps():
    few = symde.solve(lotka(), "Tsit5", saveat=[10.0])
    many = symde.solve(lotka(), "Tsit5", saveat=0.001)
    assert few.stats.accepted == many.stats.accepted
    np.testing.assert_array_equal(few.u[-1], many.u[-1])


def test_repeated_and_boundary_times_are_saved_as_asked():
    solution = symde.solve(lotka(), saveat=[0.0, 0.0, 2.5, 2.5, 10.0])
    assert solution.t.tolist() == [0.0, 0.0, 2.5, 2.5, 10.0]
    np.testing.assert_array_equal(solution.u[0], solution.u[1])
    np.testing.assert_array_equal(solution.u[2], solution.u[3])
    np.testing.assert_array_equal(solution.u[0], [1, 1])


def test_a_spacing_that_does_not_divide_the_span_ends_with_the_end():
    solution = symde.solve(lotka(tspan=(0, 1)), saveat=0.3)
    np.testing.assert_allclose(solution.t, [0, 0.3, 0.6, 0.9, 1.0])
    backward = symde.solve(lotka(tspan=(1, 0)), saveat=0.5)
    np.testing.assert_allclose(backward.t, [1, 0.5, 0])


def test_max_steps_counts_attempts_and_keeps_the_part():
    solution = symde.solve(lotka(), max_steps=10, throw=False)
    assert solution.retcode is symde.Retcode.MAX_STEPS and not solution.success
    assert solution.stats.steps == 10 and 0 < solution.t[-1] < 10
    with pytest.raises(symde.SolveError, match="max_steps") as failure:
        symde.solve(lotka(), max_steps=10)
    np.testing.assert_array_equal(failure.value.solution.u, solution.u)


def test_dtmax_bounds_every_step():
    solution = symde.solve(lotka(), dtmax=0.01)
    assert np.diff(solution.t).max() <= 0.01 * 1.011  # a last step may be stretched by one per cent


def test_a_callback_sees_every_step_and_may_stop():
    seen = []

    def watch(t, u):
        seen.append((t, u.copy()))
        return t > 5

    solution = symde.solve(lotka(), "Tsit5", callback=watch)
    assert solution.retcode is symde.Retcode.STOPPED and solution.success
    assert [t for t, _ in seen] == solution.t[1:].tolist()
    np.testing.assert_array_equal(seen[-1][1], solution.u[-1])


def test_sums_are_compensated():
    """A million steps of u' = 1 with a step that binary cannot hold: plain sums drift by about 1e-10."""
    model = symde.ode_def("model Clock\n state u = 0\n u' = 1\nend")
    solution = symde.solve(
        symde.Problem(model, tspan=(0, 1000)), "Euler", dt0=1e-3, saveat=[1000.0], max_steps=2_000_000
    )
    assert abs(solution.u[-1, 0] - 1000) < 1e-11


def test_a_session_carries_nothing_over_to_the_next_solve():
    fresh = symde.solve(lotka(), saveat=[10.0]).u
    problem = lotka()
    symde.solve(problem, saveat=[10.0], rtol=1e-3)
    symde.solve(symde.remake(problem, p={"a": 9}), throw=False, max_steps=7)
    np.testing.assert_array_equal(symde.solve(problem, saveat=[10.0]).u, fresh)


def test_threads_do_not_share_a_session():
    from concurrent.futures import ThreadPoolExecutor

    problem = lotka()
    expected = [symde.solve(symde.remake(problem, p={"a": 1 + k / 50}), saveat=[10.0]).u for k in range(50)]
    with ThreadPoolExecutor(8) as pool:
        problems = [symde.remake(problem, p={"a": 1 + k / 50}) for k in range(50)]
        found = list(pool.map(lambda one: symde.solve(one, saveat=[10.0]).u, problems))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", [*ADAPTIVE, "auto"])
def test_a_zero_with_no_absolute_tolerance_can_be_left(name):
    """x = t from x = 0, beside a state that is not zero, under purely relative error control."""
    problem = symde.Problem("state x = 0, y = 5\nx' = 1\ny' = -y", tspan=(0, 1))
    end = symde.solve(problem, name, atol=0, rtol=1e-6).u[-1]
    np.testing.assert_allclose(end, [1, 5 * math.exp(-1)], rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1e-300, 1e30, 1e200])
def test_scales_do_not_matter_where_the_tolerance_follows(scale):
    problem = symde.Problem("param a = 1\nstate x = a\nx' = -x", tspan=(0, 1), p=[scale])
    end = symde.solve(problem, atol=1e-9 * scale, rtol=1e-6).u[-1, 0]
    assert end / scale == pytest.approx(math.exp(-1), rel=1e-5)


@pytest.mark.parametrize("method", [None, *ADAPTIVE])
@pytest.mark.parametrize("start", [1e12, -1e15])
def test_slow_problems_are_solved_far_from_time_zero(method, start):
    # 10 time constants; the usual first guess, which knows no units of time, is too small to move such a time
    problem = symde.Problem("x' = -1e-11*x", [1.0], (start, start + 1e12))
    solution = symde.solve(problem, method)
    exact = np.exp(-1e-11 * (solution.t - start))
    assert abs(solution["x"] - exact).max() < 1e-4  # rtol 1e-6 a step, and some hundred steps


def test_a_time_that_is_too_large_for_its_span_is_named():
    failed = symde.solve(symde.Problem("x' = -x", [1.0], (1e15, 1e15 + 10)), throw=False)
    assert failed.retcode is symde.Retcode.STEP_TOO_SMALL
    assert "times near t = 1e+15 apart by 0.125" in failed.message
