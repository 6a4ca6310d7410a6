"""Steps that follow the error where noise does not commute: intervals of a tree, and the right limit."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.noise_layout import LEVELS
from symde.engine.methods.proofs import TableauError
from symde.engine.noise.space_time_tableau import SpaceTimeTableau
from symde.noise import borrow, plan_of, solve_noise

WHIRL = """
dx = (-x + 0.3*y)*dt + 0.5*y*dW1 + 0.3*x*dW2
dy = -y*dt - 0.4*x*y/(1 + y^2)*dW1 + 0.4*x*dW2
dv = 0*dt + dW1
dw = 0*dt + dW2
x(0) = 1; y(0) = 1; v(0) = 0; w(0) = 0
"""
# Brownian motion on the sphere: dX = X x dW in the sense of Stratonovich
SPHERE = """
dx = 0*dt + y*dW3 - z*dW2
dy = 0*dt + z*dW1 - x*dW3
dz = 0*dt + x*dW2 - y*dW1
x(0) = 1; y(0) = 0; z(0) = 0
stratonovich
"""
BURST = """
dx = -x*dt + (0.1 + 3*exp(-((t - 0.4)/0.05)^2))*y*dW1
dy = -y*dt + (0.1 + 3*exp(-((t - 0.4)/0.05)^2))*x*dW2
x(0) = 1; y(0) = 1
"""


def problem_of(text: str) -> symde.Problem:
    return symde.Problem(symde.ode_def(text), tspan=(0, 1))


def ends_of(problem: symde.Problem, tolerance: float, seed: int, saveat: list[float]) -> np.ndarray:
    """The ends of the steps of a path, in parts of the span."""
    plan = plan_of(problem, None, None, 10**6, tolerance, tolerance)
    session = borrow(problem.system, plan)
    ends, out = np.zeros(10**5, np.int64), np.empty((1, len(saveat), len(problem.u0)))
    taken = session.run(
        plan.grid, problem.u0[None], problem.p[None], seed, 0, np.array(saveat), out, ends_of_steps=ends
    )[2]
    return ends[: taken[0]]


def slow_reference(v: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The solution of WHIRL by Milstein's method without Levy areas, in small steps of one size on given
    Brownian motions, shape (paths, times)."""
    h, count = 1 / (v.shape[1] - 1), len(v)
    x, y = np.ones(count), np.ones(count)
    for j in range(v.shape[1] - 1):
        moved = np.stack([v[:, j + 1] - v[:, j], w[:, j + 1] - w[:, j]])
        g = np.array([[0.5 * y, 0.3 * x], [-0.4 * x * y / (1 + y**2), 0.4 * x]])  # [state, motion]
        slope = np.zeros((2, 2, 2, count))  # [motion, state, by]
        slope[0, 0, 1], slope[1, 0, 0] = 0.5, 0.3
        slope[0, 1, 0], slope[0, 1, 1] = -0.4 * y / (1 + y**2), -0.4 * x * (1 - y**2) / (1 + y**2) ** 2
        slope[1, 1, 0] = 0.4
        double = 0.5 * (moved[:, None] * moved[None] - h * np.eye(2)[:, :, None])
        second = np.einsum("jklc,lic,ijc->kc", slope, g, double)
        first = np.einsum("kic,ic->kc", g, moved)
        x, y = (
            x + h * (-x + 0.3 * y) + first[0] + second[0],
            y - h * y + first[1] + second[1],
        )
    return np.stack([x, y], axis=1)


def test_paths_come_to_the_solution_on_their_brownian_motion() -> None:
    problem = problem_of(WHIRL)
    assert problem.system.noise.kind == "general"
    grid = np.linspace(0, 1, 4097)
    motions = symde.ensemble(problem, n=60, rtol=0.5, atol=1, seed=2, saveat=grid).u
    exact = slow_reference(motions[:, :, 2], motions[:, :, 3])
    errors = []
    for tolerance in (1e-1, 1e-2, 1e-3, 2e-4):
        u = symde.ensemble(problem, n=60, rtol=tolerance, atol=tolerance, seed=2, saveat=[1.0]).u[:, 0]
        np.testing.assert_allclose(u[:, 2:], motions[:, -1, 2:], atol=1e-13)
        errors.append(np.sqrt(((u[:, :2] - exact) ** 2).sum(axis=1).mean()))
    # local errors are the tolerance in the mean square, and add up over 1/tolerance steps
    slope = np.polyfit(np.log([1e-1, 1e-2, 1e-3, 2e-4]), np.log(errors), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.15)
    assert errors[-1] < 4e-3


def test_areas_have_their_distribution() -> None:
    # the integral of W1 dW2: mean 0, variance 1/2, fourth moment 7/4 (P. Levy 1951: 1/cosh of the area)
    problem = problem_of("dx = 0*dt + dW1\ndy = 0*dt + x*dW2\nx(0) = 0; y(0) = 0")
    y = symde.ensemble(problem, n=20000, rtol=0, atol=1e-3, seed=5, saveat=[1.0])["y"][:, 0]
    assert abs(y.mean()) < 4 * (0.5 / 20000) ** 0.5
    assert abs((y**2).mean() - 0.5) < 4 * ((1.75 - 0.25) / 20000) ** 0.5


def test_the_limit_is_that_of_the_equation() -> None:
    # E X(t) = exp(-t) X(0), and |X| stays 1; of Ito's reading without its correction the radius would grow
    problem = problem_of(SPHERE)
    assert problem.system.noise.kind == "general"
    u = symde.ensemble(problem, n=10000, rtol=0, atol=1e-2, seed=3, saveat=[0.5, 1.0]).u
    for k, t in enumerate((0.5, 1.0)):
        spread = 4 * u[:, k].std(axis=0) / 100
        assert (np.abs(u[:, k].mean(axis=0) - [np.exp(-t), 0, 0]) < spread).all()
    assert np.abs(np.linalg.norm(u[:, 1], axis=1) - 1).max() < 0.05


def test_steps_chosen_by_their_noise_mislead_euler_and_maruyama() -> None:
    # why the method of Euler and Maruyama does not reject steps whose noise is known: of dx = x dW, with
    # halves where W^2 is above h, the log of a step of any size is W - W^2/2 and less. Where W^2 chose the
    # size its mean is not -h/2, and smaller steps do not mend it (Gaines and Lyons 1997)
    draws = np.random.default_rng(0)
    drifts = []
    for count in (64, 256):
        h = 1 / count
        halves = draws.normal(0, (h / 2) ** 0.5, (4000, count, 2))
        whole = halves.sum(axis=2)
        squares = np.where(whole**2 < h, whole**2, (halves**2).sum(axis=2))
        drifts.append((-squares / 2).sum(axis=1).mean())
    # E(z^2 - 1; z^2 < 1) = -2 phi(1), of which the halves mend a half
    wrong = -0.5 + 0.5 * np.exp(-0.5) / np.sqrt(2 * np.pi)
    assert drifts == pytest.approx([wrong, wrong], abs=0.01)


def test_steps_are_intervals_of_one_tree() -> None:
    problem = problem_of(BURST)
    for seed in range(5):
        ends = ends_of(problem, 1e-2, seed, [1.0])
        starts = np.append(0, ends[:-1])
        sizes = ends - starts
        assert ends[-1] == 1 << LEVELS and (sizes & (sizes - 1) == 0).all() and (starts % sizes == 0).all()
        inside = (starts / 2.0**LEVELS > 0.25) & (ends / 2.0**LEVELS < 0.55)
        assert inside.sum() > 0.6 * len(ends)  # steps are where the noise is


def test_stretches_between_times_to_save_are_halved() -> None:
    ends = ends_of(problem_of(BURST), 1e-2, 1, [0.3, 1.0])
    third = round(0.3 * 2**LEVELS)
    assert third in ends
    for first, last in ((0, third), (third, 1 << LEVELS)):
        own = {0, 1}
        for end in np.append(first, ends[(ends > first) & (ends <= last)]):
            share = (int(end) - first) / (last - first)
            own.add(share)
            # a multiple of a power of 1/2 of the stretch, to its parts
            assert abs(share * 2**12 - round(share * 2**12)) < 1e-6


def test_the_same_bits_alone_and_beside_others() -> None:
    problem = problem_of(WHIRL)
    options = {"rtol": 1e-2, "atol": 1e-2, "seed": 1, "saveat": [0.25, 1.0]}
    one, two = (symde.ensemble(problem, n=300, workers=k, **options).u for k in (1, 2))
    assert np.array_equal(one, two)
    alone = solve_noise(problem, trajectory=123, **options)
    assert np.array_equal(alone.u, one[123]) and alone.method[0].name == "SPaRK"


def test_the_path_between_saved_times() -> None:
    problem = problem_of(WHIRL)
    path = symde.solve(problem, rtol=1e-3, atol=1e-3, seed=1, saveat=[0.5, 1.0])
    every = symde.solve(problem, rtol=1e-3, atol=1e-3, seed=1)
    assert np.array_equal(path(0.5), path.u[0]) and len(every.t) == 101
    assert np.abs(path(0.73)[:2] - every(0.73)[:2]).max() < 0.02
    np.testing.assert_allclose(path(0.73)[2:], every(0.73)[2:], atol=1e-13)


def test_noise_that_commutes_takes_steps_of_any_size() -> None:
    text = (
        "dx = 0.2*x*dt + 0.4*x*dW1 + 0.3*x*dW2\ndw = 0*dt + dW1\ndv = 0*dt + dW2\n"
        "x(0) = 1; w(0) = 0; v(0) = 0"
    )
    problem = problem_of(text)
    errors, counts = [], []
    for tolerance in (1e-2, 1e-3, 1e-4):
        u = symde.ensemble(problem, n=500, rtol=tolerance, atol=tolerance, seed=1, saveat=[1.0]).u[:, 0]
        exact = np.exp(0.2 - 0.08 - 0.045 + 0.4 * u[:, 1] + 0.3 * u[:, 2])
        errors.append(np.abs(u[:, 0] - exact).mean())
        counts.append(len(ends_of(problem, tolerance, 1, [1.0])))
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert order > 0.9


def test_derivatives_of_linear_equations_by_their_start() -> None:
    # u is linear in u(0) where the noise is, and steps are constants: sum_j u_j(0) du/du_j(0) = u
    problem = problem_of(SPHERE.replace("y(0) = 0", "y(0) = 0.5"))
    found = symde.sensitivities(problem, rtol=1e-2, atol=1e-2, seed=4, saveat=[0.3, 1.0])
    for row, name in enumerate("xyz"):
        total = sum(found[name, f"{by}(0)"] * start for by, start in zip("xyz", problem.u0, strict=True))
        np.testing.assert_allclose(total, found.u[:, row], atol=1e-13)


def test_coefficients_with_biased_areas_are_refused() -> None:
    good = {"a": ("", "1/2", "0 1"), "alpha": "1/6 2/3 1/6", "beta": "1 0 -1", "coarse": "1/2 0 1/2"}
    SpaceTimeTableau(**good, area=("", "3/2", ""))
    for changed in (
        {"area": ("", "1", "")},
        {"beta": "1/2 0 -1/2"},
        {"alpha": "1/4 1/2 1/4"},
        {"beta": "1 0 0"},
    ):
        with pytest.raises(TableauError, match="space-time"):
            SpaceTimeTableau(**{"area": ("", "3/2", ""), **good, **changed})
