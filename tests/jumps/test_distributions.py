"""Paths have the distribution of the master equation, for every method."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg, stats

import symde
from symde.jumps import solve_jumps
from tests.jumps.paths import EXACT, METHODS, agreement, ends

LIKELY = 1e-3
"""P-values below are taken for a mistake; seeds are fixed, so that a test is passed always or never."""

BIRTH_DEATH = """
model BirthDeath
  param k = 8, g = 1
  state X = 0
  time 0 .. 1.3
  k, 0 --> X
  g, X --> 0
end
"""
AS_LAWS = BIRTH_DEATH.replace("k, 0 --> X", "k, 0 => X").replace("g, X --> 0", "g*X, X => 0")
AS_JUMPS = BIRTH_DEATH.replace("k, 0 --> X", "jump k: X += 1").replace("g, X --> 0", "jump g*X: X -= 1")


FORMS = {"mass action": BIRTH_DEATH, "laws": AS_LAWS, "jumps": AS_JUMPS}
CASES = [(method, form) for method in EXACT for form in FORMS] + [("TauLeaping", "mass action")]


@pytest.mark.parametrize(("method", "form"), CASES)
def test_birth_and_death_are_poisson_at_all_times(method: str, form: str) -> None:
    text = FORMS[form]
    problem = symde.Problem(symde.ode_def(text), kind="jump")
    # from nobody the number is Poisson with the mean of the differential equation (Jahnke and Huisinga 2007)
    mean = 8 * (1 - np.exp(-1.3))
    samples = ends(problem, method, 3000)[:, 0]
    assert agreement(samples, stats.poisson.pmf(np.arange(40), mean)) > LIKELY


@pytest.mark.parametrize("method", METHODS)
def test_birth_and_death_settle_to_poisson(method: str) -> None:
    model = symde.ode_def(BIRTH_DEATH.replace("state X = 0", "state X = 30"))
    samples = ends(symde.Problem(model, tspan=(0, 12), kind="jump"), method, 2000)[:, 0]
    assert agreement(samples, stats.poisson.pmf(np.arange(40), 8)) > LIKELY


def _pairs(start: int, k: float, g: float, t: float) -> np.ndarray:
    """Probabilities of the number of pairs, by the exponential of the generator: all states are there."""
    most = start // 2
    generator = np.zeros((most + 1, most + 1))
    for pairs in range(most + 1):
        left = start - 2 * pairs
        up, down = k * left * (left - 1) / 2, g * pairs
        if pairs < most:
            generator[pairs, pairs + 1] = up
        if pairs > 0:
            generator[pairs, pairs - 1] = down
        generator[pairs, pairs] = -up - down
    return linalg.expm(generator * t)[0]


PAIRS = """
model Pairs
  param k = 0.05, g = 0.7
  state A = 25, B = 0
  time 0 .. 0.8
  (k, g), 2A <--> B
end
"""


@pytest.mark.parametrize("method", METHODS)
def test_pairs_have_the_distribution_of_their_generator(method: str) -> None:
    found = ends(symde.Problem(symde.ode_def(PAIRS), kind="jump"), method, 3000)
    assert (found[:, 0] + 2 * found[:, 1] == 25).all()
    assert agreement(found[:, 1], _pairs(25, 0.05, 0.7, 0.8)) > LIKELY


@pytest.mark.parametrize("method", EXACT)
def test_three_of_a_kind_are_counted_without_replacement(method: str) -> None:
    # 3A --> 0 from 7: the first event after Exp(k*C(7, 3)), the second after Exp(k*C(4, 3)), and no third
    model = symde.ode_def("k, 3A --> 0\nparam k = 0.02\nA(0) = 7")
    problem = symde.Problem(model, tspan=(0, 3), kind="jump")
    fast, slow = 0.02 * 35, 0.02 * 4
    none = np.exp(-3 * fast)
    one = fast / (fast - slow) * (np.exp(-3 * slow) - np.exp(-3 * fast))
    probabilities = np.zeros(8)
    probabilities[[7, 4, 1]] = none, one, 1 - none - one
    assert agreement(ends(problem, method, 3000)[:, 0], probabilities) > LIKELY


@pytest.mark.parametrize("method", EXACT)
def test_the_first_event_comes_at_an_exponential_time_and_by_share(method: str) -> None:
    model = symde.ode_def("1, 0 --> A\n2, 0 --> B\n5, 0 --> C\nA(0) = 0; B(0) = 0; C(0) = 0")
    problem = symde.Problem(model, tspan=(0, 100), kind="jump")
    times, first = [], []
    for i in range(2000):
        solution = solve_jumps(problem, method, seed=4, trajectory=i, max_events=1, throw=False)
        times.append(solution.t[1])
        first.append(int(np.argmax(solution.u[1])))
    assert stats.kstest(times, "expon", args=(0, 1 / 8)).pvalue > LIKELY
    assert agreement(np.array(first), [1 / 8, 2 / 8, 5 / 8]) > LIKELY


@pytest.mark.parametrize("method", EXACT)
def test_growth_over_many_powers_of_two(method: str) -> None:
    # Yule's process: after time t the number of descendants of one is geometric with p = exp(-t)
    model = symde.ode_def("1, X --> 2X\nX(0) = 1")
    t = 4.0
    samples = ends(symde.Problem(model, tspan=(0, t), kind="jump"), method, 2000)[:, 0]
    k = np.arange(1, 1200)
    probabilities = np.concatenate([[0], np.exp(-t) * (1 - np.exp(-t)) ** (k - 1)])
    assert agreement(samples, probabilities) > LIKELY


@pytest.mark.parametrize("method", METHODS)
def test_decay_to_nothing_ends_exactly_there(method: str) -> None:
    # the sum of propensities falls by ten powers of ten, and no rounding is left over
    model = symde.ode_def("g, X --> 0\nh, X --> Y\nr, Y --> 0\nX(0) = 100000; Y(0) = 0")
    p = {"g": 1e6, "h": 1, "r": 1e-4}
    solution = symde.solve(symde.Problem(model, tspan=(0, 1e7), p=p, kind="jump"), method, seed=3)
    assert solution.u[-1].tolist() == [0, 0]
    if method != "TauLeaping":
        through = (np.diff(solution["Y"]) > 0).sum()
        assert solution.stats.events == 100_000 + through


FIRST_ORDER = """
model FirstOrder
  param k = 20, a = 0.5, b = 0.2, c = 1, d = 0.1
  state A = 30, B = 5, C = 0
  time 0 .. 4
  k, 0 --> A
  (a, b), A <--> B
  c, B --> 2C
  d, C --> 0
end
"""


@pytest.mark.parametrize("method", METHODS)
def test_means_of_first_order_networks_are_the_solution_of_the_equations(method: str) -> None:
    model = symde.ode_def(FIRST_ORDER)
    expected = symde.solve(symde.Problem(model), rtol=1e-9).u[-1]
    found = ends(symde.Problem(model, kind="jump"), method, 2000)
    error = found.std(axis=0) / np.sqrt(len(found))
    # tau-leaping changes means by a part of epsilon, here of at most 2 %
    allowed = 4 * error + (0.02 * expected if method == "TauLeaping" else 0)
    assert (abs(found.mean(axis=0) - expected) < allowed).all()


@pytest.mark.parametrize("method", METHODS)
def test_large_volumes_follow_the_equations(method: str) -> None:
    """Relative deviations fall as 1/sqrt(volume) (Kurtz 1972)."""
    expected = None
    deviations = []
    for volume in (1e2, 1e4, 1e6):
        model = symde.ode_def("(k, g), 2A <--> B")
        values = {"u0": {"A": volume, "B": 0}, "p": {"k": 1 / volume, "g": 0.5}, "tspan": (0, 2)}
        expected = symde.solve(symde.Problem(model, **values), rtol=1e-9).u[-1] / volume
        problem = symde.Problem(model, kind="jump", **values)
        found = ends(problem, method, 20, seed=8) / volume
        deviations.append(abs(found[:, 0] - expected[0]).mean() * np.sqrt(volume))
    # constant but for the bias of leaps, which the largest volume shows
    assert max(deviations[:2]) / min(deviations[:2]) < 2
    if method != "TauLeaping":
        assert max(deviations) / min(deviations) < 2


def test_leaps_agree_with_exact_paths() -> None:
    model = symde.ode_def(FIRST_ORDER)
    problem = symde.Problem(model, {"A": 3000, "B": 500}, p={"k": 2000}, kind="jump")
    exact, leaps = (ends(problem, method, 1500, seed) for method, seed in (("Direct", 1), ("TauLeaping", 2)))
    solution = solve_jumps(problem, "TauLeaping", seed=1)
    assert solution.stats.leaps < solution.stats.events / 30
    np.testing.assert_allclose(leaps.mean(axis=0), exact.mean(axis=0), rtol=0.01)
    np.testing.assert_allclose(leaps.std(axis=0), exact.std(axis=0), rtol=0.15)


def test_a_smaller_epsilon_leaps_less_far_and_errs_less() -> None:
    from symde.engine.jumps.registry import get

    model = symde.ode_def("g, X --> 0\nparam g = 1\nX(0) = 1000000")
    problem = symde.Problem(model, tspan=(0, 2), kind="jump")
    errors, leaps = [], []
    for epsilon in (0.2, 0.05, 0.0125):
        method = get("TauLeaping").with_epsilon(epsilon)
        found = ends(problem, method, 20)[:, 0]
        errors.append(abs(found.mean() / (1e6 * np.exp(-2)) - 1))
        leaps.append(solve_jumps(problem, method, seed=1).stats.leaps)
    # as Euler's method: of first order in the length of a leap
    assert leaps[0] < leaps[1] < leaps[2]
    assert errors[0] > 2.5 * errors[1] and errors[1] > 2.5 * errors[2]


@pytest.mark.parametrize(("text", "start", "variance"), [
    ("10000, 0 --> X\n1, X --> 0", {"X": 10_000}, 10_000.0),  # Poisson
    ("(1, 1), X <--> Y", {"X": 10_000, "Y": 10_000}, 5_000.0),  # binomial
])  # fmt: skip
def test_leaps_near_an_equilibrium_keep_its_variance(text: str, start: dict, variance: float) -> None:
    problem = symde.Problem(text, start, (0, 8), kind="jump")
    found = symde.ensemble(problem, "TauLeaping", n=8000, seed=1, saveat=[8.0]).u[:, 0, 0]
    # a leap multiplies fluctuations by 1 - gh, gh <= 0.03: 1/(1 - gh/2) = 1.015 times the variance
    assert abs(found.mean() - 10_000) < 4 * (variance / 8000) ** 0.5
    assert abs(found.var() / variance - 1.0075) < 0.06


def test_the_readings_agree_in_the_mean_of_large_volumes() -> None:
    text = "param k = 0.02, r = 0.5, V = 1\nstate A, B, C\nk/V, A + B --> C\nr, C --> A + B"
    for volume in (10.0, 100.0):
        start = {"A": 5 * volume, "B": 4 * volume, "C": 0}
        given = {"tspan": (0, 2), "p": {"V": volume / 10}}
        ode = symde.solve(symde.Problem(text, start, **given), rtol=1e-8)["C"][-1]
        options = {"n": 2000, "seed": 1, "saveat": [2.0]}
        jump = symde.ensemble(symde.Problem(text, start, kind="jump", **given), **options)
        noise = symde.ensemble(symde.Problem(text, start, kind="sde", **given), dt0=0.02, **options)
        for found in (jump.u[:, 0, 2], noise.u[:, 0, 2]):
            # of order 1 whatever the volume, beside the error of the mean
            assert abs(found.mean() - ode) < 0.3 + 4 * found.std() / 2000**0.5
