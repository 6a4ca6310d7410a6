"""Paths side by side: each is the path of its number to the last bit, whatever is beside it."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import symde
from symde.codegen.noise_steps import lane_step
from symde.codegen.noise_steps.choice import WRITERS
from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.noise_lanes_layout import WIDTH
from symde.engine.noise import registry
from symde.engine.noise import session as sessions
from symde.engine.noise.grid import equal_steps
from symde.engine.noise.lanes import LaneSession
from symde.engine.noise.session import NoiseSession
from symde.noise import solve_noise
from symde.problem.retcode import Retcode
from symde.problem.solution import SolveError
from tests.noise import path_models

EXPLICIT = [one.name for one in registry.methods() if one.entry in WRITERS]
CASES = [
    (name, method)
    for name in path_models.TEXTS
    for method in EXPLICIT
    if path_models.problem(name).system.noise.kind in registry.get(method).noise
    and not (registry.get(method).smooth and path_models.problem(name).system.cuts)
]
SIDE_BY_SIDE = [one for one in CASES if "stratonovich" not in registry.get(one[1]).kernels]
"""Methods that follow Stratonovich's equation go path by path."""

TIMES = [0.0, 0.3, 0.505, 1.0]
STEPS = {"dt0": 0.01, "seed": 4, "saveat": TIMES}

CUBIC = "param k = 1\nstate x = 0.1\ntime 0 .. 2\ndx = (k*x^3 - x)*dt + 0.1*x*dW"
GENERAL = """
state x = 1, y = 1
time 0 .. 1
dx = -x*dt + 0.5*y*dW1 + 0.3*x*dW2
dy = -y*dt + 0.4*x*dW2
"""
ODD = """
param k = 1.3, m = 2.3, s = 0.2
state x = 1, y = 0.5
time 0 .. 1
dx = (k/(1 + y^m) - x + 0.1*sin(3*t))*dt + s*x*dW
dy = (tanh(x) + atan(x)*exp(-y) - y*log(1 + x))*dt + s*cos(y)*dW
"""


def lanes_of(problem: symde.Problem, method: str) -> LaneSession:
    one = registry.get(method)
    kernel = problem.system.side_by_side("step", one)
    assert kernel
    return LaneSession(problem.system.arrays, one, kernel, len(problem.p))


def run(session, problem: symde.Problem, first: int, paths: int, dt: float = 0.01, times=TIMES) -> np.ndarray:
    out = np.empty((paths, len(times), len(problem.u0)))
    grid = equal_steps(*problem.tspan, dt, 1e9, session.method)
    codes, _, taken = session.run(grid, problem.u0[None], problem.p[None], 4, first, np.array(times), out)
    assert (codes == Status.DONE).all() and (taken == grid.steps).all()
    return out


@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_path_is_the_same_alone_and_beside_others(name: str, method: str) -> None:
    problem = path_models.problem(name)
    count = 2 * WIDTH + 3
    together = [symde.ensemble(problem, method, n=count, workers=k, **STEPS).u for k in (1, 2)]
    assert np.array_equal(*together)
    for i in (0, 5, WIDTH - 1, WIDTH, count - 1):
        assert np.array_equal(solve_noise(problem, method, trajectory=i, **STEPS).u, together[0][i])


@pytest.mark.parametrize(("name", "method"), [case for case in SIDE_BY_SIDE if case[0] != "domain"])
def test_steps_are_those_of_the_loop_over_single_paths(name: str, method: str) -> None:
    problem = path_models.problem(name)
    one, other = lanes_of(problem, method), NoiseSession(problem.system.arrays, registry.get(method))
    np.testing.assert_allclose(run(one, problem, 3, 11), run(other, problem, 3, 11), rtol=1e-12, atol=1e-14)


def test_at_the_end_of_a_domain_steps_differ_by_rounding_alone() -> None:
    problem = path_models.problem("domain")  # where sqrt(x) makes more of it
    for method in ("EulerMaruyama", "Milstein", "SRIW1", "DRI1"):
        one, other = lanes_of(problem, method), NoiseSession(problem.system.arrays, registry.get(method))
        found = run(one, problem, 0, 40)
        np.testing.assert_allclose(found, run(other, problem, 0, 40), atol=1e-7)
        assert found.min() == 0.0


@pytest.mark.parametrize("method", ["EulerMaruyama", "SRIW1", "SOSRI", "DRI1"])
def test_functions_of_the_library_and_the_time(method: str) -> None:
    problem = symde.Problem(symde.ode_def(ODD))
    one, other = lanes_of(problem, method), NoiseSession(problem.system.arrays, registry.get(method))
    found = run(one, problem, 0, WIDTH + 1)
    np.testing.assert_allclose(found, run(other, problem, 0, WIDTH + 1), rtol=1e-12)
    assert np.array_equal(run(one, problem, WIDTH, 1)[0], found[WIDTH])


@pytest.mark.parametrize("method", ["EulerMaruyama", "Milstein", "DRI1"])
def test_groups_and_slices_change_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = symde.Problem(symde.ode_def(GENERAL))
    session = lanes_of(problem, method)
    whole = run(session, problem, 0, 3 * WIDTH)
    for first, paths in ((0, 1), (1, 5), (3, WIDTH), (7, 2 * WIDTH + 1)):
        assert np.array_equal(run(session, problem, first, paths), whole[first : first + paths])
    monkeypatch.setattr(sessions, "FIRST_SLICE", 1)  # slices of one step each
    monkeypatch.setattr(sessions, "SLICE_SECONDS", 0.0)
    slices: list[int] = []
    out = np.empty_like(whole)
    grid = equal_steps(0.0, 1.0, 0.01, 1e9, session.method)
    session.run(grid, problem.u0[None], problem.p[None], 4, 0, np.array(TIMES), out, lambda: slices.append(1))
    assert np.array_equal(out, whole) and len(slices) == 3 * 100 - 1


def test_a_path_is_the_same_however_many_steps_are_drawn_at_once() -> None:
    problem = path_models.problem("scalar")
    long = symde.solve(problem, "SRIW2", dt0=1 / 256, seed=1)  # four blocks of random numbers
    half = symde.solve(symde.remake(problem, tspan=(0, 0.5)), "SRIW2", dt0=1 / 256, seed=1)
    assert np.array_equal(half.u, long.u[:129]) and len(long.t) == 257


def test_a_path_that_fails_leaves_those_beside_it_alone() -> None:
    problem = symde.Problem(symde.ode_def(CUBIC))
    starts = np.full(2 * WIDTH + 2, 0.1)
    starts[[2, WIDTH + 1, 2 * WIDTH + 1]] = 3.0, 2.0, 4.0
    given = {"dt0": 0.01, "seed": 3, "saveat": [0.0, 0.02, 2.0]}
    with pytest.warns(RuntimeWarning, match="3 of 18 members failed"):
        result = symde.ensemble(problem, "SRIW1", u0={"x": starts}, **given)
    quiet = symde.ensemble(problem, "SRIW1", n=len(starts), **given)
    for i, start in enumerate(starts.tolist()):
        alone = solve_noise(
            symde.remake(problem, u0={"x": start}), "SRIW1", trajectory=i, throw=False, **given
        )
        assert np.array_equal(result.u[i, : len(alone.t)], alone.u)
        assert np.isnan(result.u[i, len(alone.t) :]).all()
        if start == 0.1:
            assert np.array_equal(result.u[i], quiet.u[i])
        else:
            assert alone.retcode is Retcode.NON_FINITE
    failures = {one.index: one for one in result.failures}
    assert sorted(failures) == [2, WIDTH + 1, 2 * WIDTH + 1]
    with pytest.raises(SolveError) as caught:
        solve_noise(symde.remake(problem, u0={"x": 2.0}), "SRIW1", trajectory=WIDTH + 1, **given)
    assert failures[WIDTH + 1].message == caught.value.solution.message


def test_where_all_paths_fail_the_rest_is_no_number() -> None:
    problem = symde.Problem(symde.ode_def(CUBIC), u0={"x": 5.0})
    session, times = lanes_of(problem, "EulerMaruyama"), np.array([0.0, 1.0, 2.0])
    out = np.zeros((WIDTH + 2, 3, 1))
    grid = equal_steps(0.0, 2.0, 0.01, 1e9, session.method)
    codes, ends, taken = session.run(grid, problem.u0[None], problem.p[None], 1, 0, times, out)
    assert (codes == Status.NON_FINITE).all() and np.isnan(out[:, 1:]).all() and (out[:, 0] == 5.0).all()
    np.testing.assert_allclose(ends, 0.01 * taken, rtol=1e-14)
    assert (taken > 0).all() and (taken < 20).all()


def test_infinite_states_of_one_path_are_found() -> None:
    problem = symde.Problem("param k = 0\nstate x = 1\ntime 0 .. 1\ndx = 10*k*dt + 0.1*dW")
    given = {"p": {"k": [0.0, 1e308, 1.0]}, "dt0": 0.1, "seed": 1, "saveat": [1.0]}
    with pytest.warns(RuntimeWarning, match="member 1: non_finite"):
        result = symde.ensemble(problem, "EulerMaruyama", **given)
    assert np.isnan(result.u[:, 0, 0]).tolist() == [False, True, False]


OPERATIONS = {
    "EulerMaruyama": 33, "Milstein": 48, "SRIW1": 202, "SRIW2": 217, "SOSRI": 342, "DRI1": 154,
}  # fmt: skip
"""Of whole steps of the equations named diagonal: what is multiplied by 0 is not computed."""


@pytest.mark.parametrize("method", list(OPERATIONS))
def test_operations_of_a_step(method: str) -> None:
    kernel = lane_step(path_models.problem("diagonal").system.noise.equation, registry.get(method))
    assert kernel is not None and len(kernel.nodes()) == OPERATIONS[method]


def test_which_paths_are_followed_side_by_side() -> None:
    diagonal, euler = path_models.problem("diagonal").system, registry.get("EulerMaruyama")
    assert all(diagonal.side_by_side("step", registry.get(name)) for name in OPERATIONS)
    assert not diagonal.side_by_side("step", registry.get("ImplicitMilstein"))
    jumping = symde.Problem("param a = 1\nstate x = 1\ntime 0 .. 1\ndx = a*dt + dW\njump 2: x = x + 1")
    assert not jumping.system.side_by_side("step", euler)
    states = range(150)
    text = "\n".join(f"dx{i} = (x{i - 1 if i else 149} - x{i})*dt + 0.1*sin(x{i})*dW" for i in states)
    long = symde.Problem(symde.ode_def(text), {f"x{i}": 1.0 for i in states}, (0, 1))
    assert long.system.side_by_side("step", euler) and not long.system.side_by_side(
        "step", registry.get("SRIW1")
    )
    ends = symde.ensemble(long, "SRIW1", n=3, dt0=0.5, seed=1, saveat=[1.0]).u
    alone = solve_noise(long, "SRIW1", dt0=0.5, seed=1, trajectory=2, saveat=[1.0]).u
    assert np.array_equal(ends[2], alone)
    one, other = lanes_of(long, "EulerMaruyama"), NoiseSession(long.system.arrays, euler)
    np.testing.assert_allclose(run(one, long, 0, 3), run(other, long, 0, 3), rtol=1e-12)


def test_steps_with_an_odd_number_of_normal_numbers_waste_none() -> None:
    # w is the Brownian motion itself: its increments are the normal numbers one after another
    problem = symde.Problem("state w = 0\ntime 0 .. 1\ndw = 0*dt + dW")
    path = symde.solve(problem, "EulerMaruyama", dt0=1 / 300, seed=9).u[:, 0]
    given, words = np.array([9, 0, 0, 150, 0, 0], np.int64), np.zeros(300, np.int64)
    pairs = np.zeros((2, 150))
    given[4], given[5] = words.ctypes.data, pairs.ctypes.data
    ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)(function_address("normal", "numbers"))(given.ctypes.data)
    np.testing.assert_allclose(np.diff(path), pairs.T.ravel() / 300**0.5, rtol=1e-9, atol=1e-14)
