"""Jumps of random size: distributions, counting, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import symde
from symde.jumps import solve_jumps

LIKELY = 1e-3
"""P-values below are taken for a mistake; seeds are fixed, so that a test is passed always or never."""

ONE = """
model One
  param a = 2, b = 0.5
  state x = 1, y = 0
  time 0 .. 4
  jump 1: x = MARK, y += 1
end
"""


def _first(mark: str, n: int = 4000) -> np.ndarray:
    """What the first jump sets, of the paths that have one."""
    problem = symde.Problem(symde.ode_def(ONE.replace("MARK", mark)))
    paths = [solve_jumps(problem, seed=1, trajectory=i, max_events=1, throw=False) for i in range(n)]
    return np.array([path.u[1, 0] for path in paths if path.stats.events])


@pytest.mark.parametrize(
    ("mark", "distribution"),
    [
        ("normal(a, b)", stats.norm(2, 0.5)),
        ("uniform(b, a)", stats.uniform(0.5, 1.5)),
        ("exponential(a)", stats.expon(scale=0.5)),
        ("x*exp(normal(0, b))", stats.lognorm(0.5)),
        # a sum of two draws: each call is one
        ("uniform(0, 1) + uniform(0, 1)", stats.triang(0.5, scale=2)),
    ],
)
def test_sizes_have_their_distribution(mark: str, distribution) -> None:
    assert stats.kstest(_first(mark), distribution.cdf).pvalue > LIKELY


def test_arguments_may_be_drawn_themselves() -> None:
    # N(0, s) with s^2 exponential of mean 2 is Laplace's distribution of scale 1 (Kotz et al. 2001, 2.2.1)
    found = _first("normal(0, sqrt(exponential(b)))")
    assert stats.kstest(found, stats.laplace(scale=1).cdf).pvalue > LIKELY


def test_a_path_is_a_function_of_seed_and_number() -> None:
    model = symde.ode_def(ONE.replace("MARK", "x + normal(0, 1)"))
    problem = symde.Problem(model)
    paths = [solve_jumps(problem, method, seed=4, trajectory=2).u for method in ("Direct", "NRM", "Direct")]
    assert (paths[0] == paths[2]).all()
    # sizes follow from seed, number and count alone: they are the same whatever draws the times
    shared = min(len(paths[0]), len(paths[1]))
    assert shared > 3 and (paths[0][: shared - 1] == paths[1][: shared - 1]).all()
    assert not (solve_jumps(problem, "Direct", seed=4, trajectory=3).u[1] == paths[0][1]).all()


def test_effects_read_the_state_before_the_jump() -> None:
    text = "jump 1: x = y, y = x + 1\nx(0) = 1; y(0) = 5; time 0 .. 30"
    path = symde.solve(symde.Problem(symde.ode_def(text)), seed=1)
    assert path.u[:3].tolist() == [[1, 5], [5, 2], [2, 6]]


def test_compound_poisson_has_its_moments() -> None:
    text = "param lam = 3, m = 0.2, s = 0.5\njump lam: x += normal(m, s)\nx(0) = 0; time 0 .. 2"
    problem = symde.Problem(symde.ode_def(text))
    x = symde.ensemble(problem, n=20_000, seed=2, saveat=[2.0]).u[:, 0, 0]
    mean, variance = 3 * 2 * 0.2, 3 * 2 * (0.2**2 + 0.5**2)  # Wald's identities
    assert abs(x.mean() - mean) < 4 * (variance / 20_000) ** 0.5
    assert abs(x.var() / variance - 1) < 0.05


def test_a_function_of_the_model_hides_a_distribution() -> None:
    text = "normal(a, b) = a + b\njump 1: x = normal(1, 2)\nx(0) = 0; time 0 .. 20"
    assert symde.solve(symde.Problem(symde.ode_def(text)), seed=1).u[1, 0] == 3


@pytest.mark.parametrize(
    "mark", ["normal(0, -1)", "uniform(1, 0)", "exponential(0)", "exponential(-b)", "1/y"]
)
def test_what_is_no_distribution_ends_the_path(mark: str) -> None:
    problem = symde.Problem(symde.ode_def(ONE.replace("MARK", mark)), tspan=(0, 50))
    with pytest.raises(symde.SolveError, match=r"no finite number, or draws from no distribution, at t = .*"):
        symde.solve(problem, seed=1)


def test_a_species_stays_a_number_of_molecules() -> None:
    problem = symde.Problem("1, A --> B\njump 1: A *= 0.5", {"A": 3, "B": 0}, (0, 100))
    with pytest.raises(symde.SolveError, match="no whole number of molecules"):
        symde.solve(problem, seed=1)


def test_texts_and_models_are_the_same() -> None:
    model = symde.ode_def(ONE.replace("MARK", "x*exp(normal(a, b))"))
    assert symde.ode_def(model.text()) == model
