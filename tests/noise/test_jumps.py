"""Jumps beside noise: moments, prices and probabilities against closed forms, and how paths are told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import symde
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.registry import methods
from symde.ensemble.ensemble import EnsembleWarning
from symde.noise import solve_noise

MERTON = """
model Merton
  param r = 0.1, sigma = 0.2, lam = 2, m = -0.1, s = 0.15
  state S = 1
  time 0 .. 1
  dS = r*S*dt + sigma*S*dW
  jump lam: S = S*exp(normal(m, s))
end
"""
N = 40_000


def ends(text: str, n: int = N, **options) -> np.ndarray:
    """The states at the end, shape (n, states)."""
    problem = symde.Problem(symde.ode_def(text))
    return symde.ensemble(problem, n=n, seed=2, saveat=[problem.tspan[1]], **options).u[:, -1]


@pytest.mark.parametrize(
    "options",
    [{"dt0": 0.05}, {"dt0": 0.005, "method": "EulerMaruyama"}, {"rtol": 1e-3, "atol": 1e-3}],
)
def test_merton_has_its_moments(options: dict) -> None:
    found = ends(MERTON, **options)[:, 0]
    # Merton 1976: log S is normal given the number of jumps, which is Poisson
    factor = math.exp(-0.1 + 0.15**2 / 2) - 1
    mean = math.exp(0.1 + 2 * factor)
    log_mean, log_variance = 0.1 - 0.02 - 2 * 0.1, 0.04 + 2 * (0.1**2 + 0.15**2)
    assert abs(found.mean() - mean) < 4 * found.std() / N**0.5
    assert abs(np.log(found).mean() - log_mean) < 4 * (log_variance / N) ** 0.5
    assert abs(np.log(found).var() / log_variance - 1) < 0.03


def _black_scholes(spot: float, strike: float, rate: float, sigma: float, t: float) -> float:
    d = (math.log(spot / strike) + (rate + sigma**2 / 2) * t) / (sigma * math.sqrt(t))
    return spot * stats.norm.cdf(d) - strike * math.exp(-rate * t) * stats.norm.cdf(d - sigma * math.sqrt(t))


def test_the_price_of_an_option_is_that_of_mertons_series() -> None:
    rate, sigma, lam, m, s, strike = 0.05, 0.2, 1.0, -0.1, 0.15, 1.0
    k = math.exp(m + s**2 / 2) - 1
    text = MERTON.replace("r = 0.1", f"r = {rate} - {lam * k}").replace("lam = 2", f"lam = {lam}")
    payoff = math.exp(-rate) * np.maximum(ends(text, dt0=0.05)[:, 0] - strike, 0)
    price = 0.0
    for n in range(40):  # Merton 1976, equation (19), in the form of risk-neutral drifts
        weight = math.exp(-lam * (1 + k)) * (lam * (1 + k)) ** n / math.factorial(n)
        drift = rate - lam * k + n * math.log(1 + k)
        price += weight * _black_scholes(1.0, strike, drift, math.sqrt(sigma**2 + n * s**2), 1.0)
    assert abs(payoff.mean() - price) < 4 * payoff.std() / N**0.5


def test_kou_has_its_moments() -> None:
    text = MERTON.replace("normal(m, s)", "(exponential(10) if uniform(0, 1) < 0.3 else -exponential(5))")
    found = np.log(ends(text, dt0=0.05)[:, 0])
    # Kou 2002: of the double exponential law the mean is p/a - q/b, the mean square 2p/a^2 + 2q/b^2
    mean = 0.1 - 0.02 + 2 * (0.3 / 10 - 0.7 / 5)
    variance = 0.04 + 2 * (2 * 0.3 / 100 + 2 * 0.7 / 25)
    assert abs(found.mean() - mean) < 4 * (variance / N) ** 0.5
    assert abs(found.var() / variance - 1) < 0.05


@pytest.mark.parametrize(
    "options",
    [{"dt0": 0.02}, {"dt0": 0.02, "method": "EulerMaruyama"}, {"rtol": 1e-2, "atol": 1e-2}],
)
def test_a_rate_that_follows_the_noise_has_its_survival(options: dict) -> None:
    text = "dw = 0*dt + dW1\njump 2*w^2: n += 1\nw(0) = 0; n(0) = 0; time 0 .. 1"
    none = (ends(text, n=20_000, **options)[:, 1] == 0).mean()
    # Cameron and Martin 1945: the mean of exp(-c times the integral of w^2) is cosh(sqrt(2c) t)^(-1/2)
    exact = math.cosh(2.0) ** -0.5
    assert abs(none - exact) < 4 * (exact * (1 - exact) / 20_000) ** 0.5


def test_a_rate_that_follows_the_time_has_its_law() -> None:
    text = "dx = -x*dt + 0.1*dW\njump 3*t: n += 1\nx(0) = 0; n(0) = 0; time 0 .. 2"
    n = ends(text, n=20_000, dt0=0.25)[:, 1]
    assert abs(n.mean() - 6) < 4 * (6 / 20_000) ** 0.5 and abs(n.var() / 6 - 1) < 0.05


def test_jumps_and_the_noise_between_are_independent_of_the_members_beside() -> None:
    problem = symde.Problem(symde.ode_def(MERTON))
    for options in ({"dt0": 0.05}, {"rtol": 1e-2, "atol": 1e-2}):
        one, two = (
            symde.ensemble(problem, n=200, seed=5, saveat=[0.5, 1.0], workers=w, **options) for w in (1, 2)
        )
        assert (one.u == two.u).all()
        for member in (0, 3, 199):
            alone = solve_noise(problem, seed=5, trajectory=member, saveat=[0.5, 1.0], **options)
            assert (alone.u == one.u[member]).all()


def test_both_limits_are_saved_and_jumps_are_logged() -> None:
    problem = symde.Problem(symde.ode_def(MERTON), tspan=(0, 20), p={"lam": 10})
    path = symde.solve(problem, dt0=0.1, seed=1)
    assert len(path.events) == path.stats.jumps > 150 and path.stats.steps == 200 + path.stats.jumps
    assert len(path.t) == 201 + 2 * len(path.events) and (np.diff(path.t) >= 0).all()
    one = path.events[3]
    assert path(one.t, "S") == one.after[0] and path(one.t, "S", side="left") == one.before[0]
    at = symde.solve(problem, dt0=0.1, seed=1, saveat=[one.t])
    assert at["S"][0] == one.after[0]
    again = symde.solve(problem, dt0=0.1, seed=1)
    assert (again.u == path.u).all()


def test_between_jumps_a_path_keeps_the_order_of_its_method() -> None:
    # a jump of known size: S(t) = exp((a - b^2/2) t + b W(t)) 2^N(t), with W as a state beside
    text = "dx = 0.5*x*dt + 0.8*x*dW1\ndw = 0*dt + dW1\njump 3: x *= 2, n += 1\n"
    problem = symde.Problem(symde.ode_def(text + "x(0) = 1; w(0) = 0; n(0) = 0; time 0 .. 1"))
    errors = []
    for dt0 in (0.1, 0.025):
        u = symde.ensemble(problem, "SRIW1", n=4000, seed=3, dt0=dt0, saveat=[1.0]).u[:, 0]
        exact = np.exp(0.18 + 0.8 * u[:, 1]) * 2 ** u[:, 2]
        errors.append((np.abs(u[:, 0] - exact) / exact).mean())
    assert errors[1] < errors[0] / 4**1.2  # 4^1.5 for order 1.5


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("dx = -x*dt + dW\njump x: x += 1\nx(0) = 1", {"dt0": 0.1}, r"the rate of `jump x: x \+= 1`"),
        ("param k = -1\ndx = dt + dW\njump k: x += 1\nx(0) = 1", {"dt0": 0.1}, "is -1, at t = 0"),
        ("dx = dt + dW\njump 5: x = normal(0, -1)\nx(0) = 1", {"dt0": 0.1}, "draws from no distribution"),
    ],
)
def test_what_cannot_be_ends_the_path(text: str, options: dict, message: str) -> None:
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 20))
    with pytest.raises(symde.SolveError, match=message) as caught:
        symde.solve(problem, seed=1, **options)
    assert caught.value.retcode.word == "bad_rate"


def test_readings_of_noise_and_jumps() -> None:
    model = symde.ode_def(MERTON)
    assert symde.Problem(model).kind == "sde" and symde.ode_def(model.text()) == model
    with pytest.raises(ValueError, match="noise beside jumps"):
        symde.Problem(model, kind="jump")
    with pytest.raises(ValueError, match="leave out kind='ode'"):
        symde.Problem(model, kind="ode")


KINDS = {
    "additive": "dx = (1 - x)*dt + 0.3*dW\n",
    "diagonal": "dx = (1 - x)*dt + 0.3*x*dW\n",
    "general": "dx = (1 - x)*dt + 0.3*y*dW1 + 0.1*x*dW2\ndy = -y*dt + 0.2*x*dW1\ny(0) = 1\n",
}


@pytest.mark.parametrize("rate", ["2", "1 + x"])
@pytest.mark.parametrize("method", methods(), ids=repr)
def test_every_method_has_the_mean(method: NoiseMethod, rate: str) -> None:
    moving = "x" in rate
    able = [kind for kind in KINDS if kind in method.noise and not (moving and kind in method.beyond)]
    problem = symde.Problem(
        symde.ode_def(f"{KINDS[able[-1]]}jump {rate}: x += 0.1\nx(0) = 0; time 0 .. 2"),
    )
    assert problem.system.noise.kind == able[-1]
    # m' = 1 - m + 0.1*rate(m), linear in the mean m
    decay, end = (0.9, 1.1 / 0.9) if moving else (1.0, 1.2)
    exact = end * (1 - math.exp(-2 * decay))
    for options in [{"dt0": 0.01}] + method.adaptive * [{"rtol": 1e-3, "atol": 1e-3}]:
        x = symde.ensemble(problem, method, n=4000, seed=4, saveat=[2.0], **options)["x"][:, 0]
        assert abs(x.mean() - exact) < 4 * x.std() / 4000**0.5


def test_steps_are_not_cut_short_where_their_numbers_are_of_whole_ones() -> None:
    text = KINDS["general"] + "jump 1 + x^2: x += 0.1\nx(0) = 0; time 0 .. 2"
    problem = symde.Problem(symde.ode_def(text))
    for method in ("Milstein", "ImplicitMilstein", "DRI1"):
        with pytest.raises(ValueError, match="cut short where a jump comes"):
            symde.solve(problem, method, dt0=0.1, seed=1)
    path = symde.solve(problem, dt0=0.1, seed=1)
    assert path.method[0].name == "EulerMaruyama" and path.t[-1] == 2.0
    assert path.stats.steps == 32 + path.stats.jumps  # a power of 2, and one more for each jump


@pytest.mark.parametrize("rate", ["2", "2 + x^2"])
def test_a_step_that_is_not_solved_ends_the_path(rate: str) -> None:
    problem = symde.Problem(
        symde.ode_def(f"dx = exp(50*x)*dt + 0.3*dW\njump {rate}: x += 1\nx(0) = 1; time 0 .. 2")
    )
    with pytest.raises(symde.SolveError, match="diverged"):
        symde.solve(problem, "ImplicitEulerMaruyama", dt0=0.1, seed=1)


def test_steps_that_follow_the_error_are_not_taken_again_where_they_jump() -> None:
    problem = symde.Problem(symde.ode_def(MERTON))
    with pytest.raises(ValueError, match="jumps are not: leave out dense"):
        symde.solve(problem, rtol=1e-2, seed=1, dense=True)
    path = symde.solve(problem, rtol=1e-2, seed=1)
    assert path.dense is None and len(path.t) == 101


@pytest.mark.parametrize("options", [{"dt0": 0.01}, {"rtol": 1e-2}])
def test_jumps_without_end_come_to_a_limit(options: dict) -> None:
    # infinitely many in a finite time: each makes the next ones more frequent
    text = "dx = -x*dt + dW\njump 5 + x^2: x += 1\nx(0) = 0; time 0 .. 5"
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(symde.SolveError, match=r"max_steps: .*at t = .*\n.*raise max_steps") as caught:
        symde.solve(problem, seed=1, max_steps=3000, **options)
    found = caught.value.solution
    assert found.retcode.word == "max_steps" and found.stats.steps == 3000 and found.stats.jumps > 1000
    with pytest.warns(EnsembleWarning, match="raise max_steps"):
        paths = symde.ensemble(problem, n=2, seed=1, max_steps=3000, saveat=[5.0], **options)
    assert np.isnan(paths.u).all()


def test_steps_that_jumps_end_count() -> None:
    problem = symde.Problem(symde.ode_def(MERTON), p={"lam": 2000})
    with pytest.raises(symde.SolveError, match="max_steps: "):
        symde.solve(problem, dt0=0.1, seed=1, max_steps=500)
    assert symde.solve(problem, dt0=0.1, seed=1, max_steps=3000).stats.steps > 1500


def test_what_is_told_of_jumps_is_inside_of_domains() -> None:
    text = "dx = (1 - x)*dt + 0.4*sqrt(x)*dW\ndom x >= 0\njump 6: x -= 0.4\nx(0) = 1; time 0 .. 1"
    path = symde.solve(symde.Problem(symde.ode_def(text)), "EulerMaruyama", dt0=0.02, seed=1)
    assert path.u.min() == 0.0 and min(one.after[0] for one in path.events) == 0.0
