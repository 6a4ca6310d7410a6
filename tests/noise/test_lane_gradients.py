"""Derivatives of paths side by side: those of each path by itself, to the last bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import symde
from symde.engine.cpu.noise_lanes_layout import WIDTH
from symde.engine.noise import registry
from symde.engine.noise import session as sessions
from symde.engine.noise.back import BackSession
from symde.engine.noise.lanes import LaneSession
from symde.engine.noise.lanes_back import LaneBackSession
from symde.engine.noise.session import NoiseSession
from symde.noise import lanes_of, plan_of
from symde.sensitivity import noise_paths
from symde.sensitivity.noise_paths import PathRun, follow_along, pull_back
from tests.noise import path_models
from tests.noise.test_lanes import SIDE_BY_SIDE

TIMES = np.array([0.0, 0.105, 0.5, 0.77, 1.0])
COUNT = WIDTH + 3


def run_of(name: str, method: str, dt0: float = 0.02, **given) -> PathRun:
    problem = path_models.problem(name)
    plan = plan_of(problem, method, dt0, 10**6)
    options = {"seed": 15, "first": 0, "count": COUNT, "times": TIMES, **given}
    return PathRun(problem, plan, u0=problem.u0[None], p=problem.p[None], **options)


def weights_of(run: PathRun) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(COUNT, len(TIMES), len(run.problem.u0)))


def steps_of(run: PathRun) -> np.ndarray:
    return np.full(run.count, run.plan.grid.steps)


@pytest.mark.parametrize(("name", "method"), SIDE_BY_SIDE)
def test_the_way_back_is_that_of_single_paths(name: str, method: str) -> None:
    run, arrays = run_of(name, method), path_models.problem(name).system.arrays
    weights = weights_of(run)
    by_u0, by_p = pull_back(run, steps_of(run), weights, apart=True)
    assert noise_paths.lanes(run, "pull")
    system, one = run.problem.system, registry.get(method)
    products = {kernel: system.derivatives.back(kernel) for kernel in one.derived}
    session = BackSession(arrays, one, len(run.problem.p), products)
    expected_u0, expected_p = np.zeros_like(by_u0), np.zeros((COUNT, max(by_p.shape[1], 1)))
    session.run(run.plan.grid, run.u0, run.p, 15, 0, TIMES, weights, expected_u0, expected_p, 10**8)
    for found, expected in ((by_u0, expected_u0), (by_p, expected_p)):
        np.testing.assert_allclose(found, expected, rtol=1e-6 if name == "domain" else 1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "method"), [case for case in SIDE_BY_SIDE if case[0] != "domain"])
def test_directions_are_those_of_single_paths(name: str, method: str) -> None:
    run, one = run_of(name, method), registry.get(method)
    n, m = len(run.problem.u0), len(run.problem.p)
    du0, dp = np.vstack([np.eye(n), np.zeros((m, n))]), np.vstack([np.zeros((n, m)), np.eye(m)])
    assert noise_paths.lanes(run, "push")
    found = follow_along(run, du0[None], dp[None])
    along = {kernel: run.problem.system.derivatives.along(kernel) for kernel in one.derived}
    session = NoiseSession(run.problem.system.arrays.with_directions(n + m, m, along), one)
    out = np.empty((COUNT, len(TIMES), n * (n + m + 1)))
    starts = np.concatenate([run.problem.u0, du0.ravel()])[None]
    session.run(run.plan.grid, starts, run.p, 15, 0, TIMES, out, changes=dp[None])
    expected = np.swapaxes(out.reshape(COUNT, len(TIMES), n + m + 1, n), 2, 3)
    np.testing.assert_allclose(found.along, expected[..., 1:], rtol=1e-10, atol=1e-12)
    # they are the transpose of the way back
    weights = weights_of(run)
    by_u0, by_p = pull_back(run, steps_of(run), weights, apart=True)
    sums = np.einsum("btn,btnd->bd", weights, found.along)
    np.testing.assert_allclose(np.hstack([by_u0, by_p[:, :m]]), sums, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", ["Milstein", "DRI1"])
def test_derivatives_are_the_same_alone_in_slices_and_with_little_memory(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of("commutative", method, dt0=0.01)
    weights, one = weights_of(run), np.ones((1, 1, len(run.problem.p)))
    whole = pull_back(run, steps_of(run), weights, apart=True)
    ahead = follow_along(run, np.zeros((1, 1, 2)), one)
    for i in (0, WIDTH - 1, COUNT - 1):
        alone = dataclasses.replace(run, first=i, count=1)
        found = pull_back(alone, steps_of(alone), weights[i : i + 1], apart=True)
        assert all(np.array_equal(part[0], every[i]) for part, every in zip(found, whole, strict=True))
        assert np.array_equal(follow_along(alone, np.zeros((1, 1, 2)), one).along[0], ahead.along[i])
    little = dataclasses.replace(run, memory=1000)
    assert all(map(np.array_equal, pull_back(little, steps_of(run), weights, apart=True), whole))
    together = pull_back(run, steps_of(run), weights)
    np.testing.assert_allclose(together[1][0], whole[1].sum(axis=0), rtol=1e-12)
    monkeypatch.setattr(sessions, "FIRST_SLICE", 1)  # slices of one step each
    monkeypatch.setattr(sessions, "SLICE_SECONDS", 0.0)
    assert all(map(np.array_equal, pull_back(little, steps_of(run), weights), together))


def test_work_of_the_way_back() -> None:
    # a sine or cosine counts as 15
    run = run_of("diagonal", "EulerMaruyama")
    found = [run.problem.system.noise.lane_work(kind, run.plan.method) for kind in ("step", "push", "pull")]
    assert found == [36, 71, 66]


def test_who_goes_back_side_by_side() -> None:
    run = run_of("diagonal", "SRIW1")
    assert isinstance(noise_paths._back(run), LaneBackSession)
    assert isinstance(noise_paths._ahead(run, 2), LaneSession)
    bounded = run_of("domain", "SRIW1")  # along a direction 0 times infinity is no number at their ends
    assert noise_paths.lanes(bounded, "pull") and not noise_paths.lanes(bounded, "push")
    assert isinstance(noise_paths._ahead(bounded, 2), NoiseSession)
    adaptive = plan_of(run.problem, "SRIW1", None, 10**6, rtol=1e-2)
    assert not lanes_of(run.problem.system, adaptive)
    assert isinstance(noise_paths._back(dataclasses.replace(run, plan=adaptive)), BackSession)


def test_at_the_end_of_a_domain_values_are_those_of_solves() -> None:
    problem = path_models.problem("domain")
    given = {"dt0": 0.05, "seed": 15, "saveat": TIMES}
    found = symde.sensitivities(problem, "EulerMaruyama", **given)
    assert np.array_equal(found.u, symde.solve(problem, "EulerMaruyama", **given).u)
    assert (found.u == 0.0).any()
