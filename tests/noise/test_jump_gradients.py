"""Derivatives of paths that jump at fixed times: by differences of the same path, forward against back,
closed forms of their means, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import symde
from symde.engine.noise.method import NoiseMethod
from symde.engine.noise.registry import methods
from symde.sensitivity.moving_jump import MovingJumpWarning

EQUATIONS = {
    "additive": "dx = a*(m - x)*dt + s*dW1\n",
    "diagonal": "dx = a*(m - x)*dt + s*x*dW1\n",
    "general": "dx = a*(m - x)*dt + s*y*dW1 + 0.1*x*dW2\ndy = -a*y*dt + s*x*dW1\ny(0) = 1\n",
}
JUMPS = """jump 4: x = 0.5*x*exp(normal(0.2, s)), z = x + z*m^2
jump 3: x += 0.1*uniform(z, m + 2)/exponential(a)
"""
REST = "x(0) = 1; z(0) = 0.3; time 0 .. 1; param a = 1.3, m = 0.8, s = 0.2"
TIMES = [0.0, 0.105, 0.5, 0.77, 1.0]


def problem_of(method: NoiseMethod) -> symde.Problem:
    """Of the kind of noise that asks most of a method."""
    kind = [one for one in EQUATIONS if one in method.noise][-1]
    return symde.Problem(symde.ode_def(EQUATIONS[kind] + JUMPS + REST))


def squares(u: np.ndarray):
    weights = np.linspace(1.0, 2.0, u.size).reshape(u.shape)
    return (weights * u**2).sum(), 2 * weights * u


def difference(problem: symde.Problem, key: str, name: str, method, **options) -> np.ndarray:
    """From four neighbours with the same noise (error of order 4)."""
    system = problem.system
    names, values = (system.parameter_names, problem.p) if key == "p" else (system.state_names, problem.u0)
    at, h = values[names.index(name)], 3e-4
    rows = [
        symde.solve(symde.remake(problem, **{key: {name: at + k * h}}), method, **options).u
        for k in (-2, -1, 1, 2)
    ]
    return (rows[0] - 8 * rows[1] + 8 * rows[2] - rows[3]) / (12 * h)


@pytest.mark.parametrize("method", methods(), ids=repr)
def test_forward_sensitivities_are_those_of_the_path(method: NoiseMethod) -> None:
    problem = problem_of(method)
    jumped = symde.solve(problem, method, dt0=0.1, seed=4).events
    assert {one.name for one in jumped} == {"jump 1", "jump 2"} and len(jumped) > 4
    options = {"dt0": 0.1, "seed": 4, "saveat": sorted({*TIMES, jumped[2].t})}  # and at the time of a jump
    found = symde.sensitivities(problem, method, **options)
    assert np.array_equal(found.u, symde.solve(problem, method, **options).u)
    for place, name in enumerate(problem.system.parameter_names):
        expected = difference(problem, "p", name, method, **options)
        np.testing.assert_allclose(found.dp[..., place], expected, rtol=1e-8, atol=1e-9)
    expected = difference(problem, "u0", "z", method, **options)
    np.testing.assert_allclose(found["x", "z(0)"], expected[:, 0], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("method", methods(), ids=repr)
def test_back_and_forward_agree_to_rounding(method: NoiseMethod) -> None:
    problem = problem_of(method)
    jumped = symde.solve(problem, method, dt0=0.1, seed=4).events
    given = {"dt0": 0.1, "seed": 4, "saveat": sorted({*TIMES, jumped[2].t}), "n": 3}
    (value, ahead), (other, back) = (
        symde.value_and_grad(squares, problem, method, sensealg=name, **given)
        for name in ("forward", "discrete")
    )
    assert value == other
    scale = abs(ahead.vector()).max()
    np.testing.assert_allclose(back.vector(), ahead.vector(), rtol=1e-12, atol=1e-12 * scale)
    # with room for few states the steps are done a third time, and two threads add in the same order
    for options in ({"memory": 1}, {"workers": 2}):
        again = symde.value_and_grad(squares, problem, method, sensealg="discrete", **given, **options)[1]
        assert np.array_equal(again.vector(), back.vector())


MERTON = """
model Merton
  param r = 0.05, sigma = 0.2, lam = 1, m = -0.1, s = 0.15
  state S = 1, w = 0
  time 0 .. 1
  dS = (r - lam*(exp(m + s^2/2) - 1))*S*dt + sigma*S*dW1
  dw = 0*dt + dW1
  jump 1: S *= exp(normal(m, s))
end
"""
N = 40_000


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_greeks_of_an_option_are_those_of_mertons_series(sensealg: str) -> None:
    problem = symde.Problem(symde.ode_def(MERTON))
    discount, strike, sigma, s = math.exp(-0.05), 1.0, 0.2, 0.15

    def payoff(u: np.ndarray):
        weights = np.zeros_like(u)
        weights[:, -1, 0] = discount * (u[:, -1, 0] > strike) / len(u)
        return discount * np.maximum(u[:, -1, 0] - strike, 0).mean(), weights

    given = {"dt0": 0.1, "seed": 5}
    _, grad = symde.value_and_grad(
        payoff, problem, "SRIW1", n=N, wrt=["S", "sigma"], sensealg=sensealg, **given
    )
    delta = vega = 0.0
    k = math.exp(-0.1 + s**2 / 2) - 1
    for n in range(40):  # Merton 1976, equation (19): a mixture of Black's and Scholes' formulas
        weight = math.exp(-(1 + k)) * (1 + k) ** n / math.factorial(n)
        deviation = math.sqrt(sigma**2 + n * s**2)
        d = (-math.log(strike) + 0.05 - k + n * math.log(1 + k) + deviation**2 / 2) / deviation
        delta += weight * stats.norm.cdf(d)
        vega += weight * stats.norm.pdf(d) * sigma / deviation
    # the spread of the derivatives of paths, S and (W - sigma) S, in closed form
    end, w = symde.ensemble(problem, "SRIW1", n=N, saveat=[1.0], **given).u[:, 0].T
    for found, exact, each in ((grad["S"], delta, end), (grad["sigma"], vega, (w - sigma) * end)):
        spread = (discount * (end > strike) * each).std() / N**0.5
        assert abs(found - exact) < 4 * spread


def test_moments_of_marks_have_their_derivatives() -> None:
    # one jump on average: of mean m, and of variance 0.2^2 + m^2 + s^2
    text = "param m = -0.1, s = 0.15\nx(0) = 0; time 0 .. 1\ndx = 0*dt + 0.2*dW\njump 1: x += normal(m, s)"
    problem = symde.Problem(symde.ode_def(text))

    def second(u: np.ndarray):
        return (u**2).mean(), 2 * u / u.size

    value, grad = symde.value_and_grad(second, problem, n=N, dt0=0.5, seed=1, wrt="p")
    m, s = -0.1, 0.15
    assert value == pytest.approx(m**2 + 0.2**2 + m**2 + s**2, rel=0.03)
    np.testing.assert_allclose(grad["p"], [4 * m, 2 * s], rtol=0.05)


def test_switches_of_their_own_are_no_obstacle() -> None:
    # the regime g goes on and off at rates that it decides itself, and nothing that is differentiated by
    text = """
      param a = 0.5, b = 2, k = 3
      state x = 1, g = 0
      time 0 .. 1
      dx = (g > 0.5 ? a : b)*x*dt + (0.1 + 0.2*g)*x*dW
      jump 2*(1 - g) + k*g: g = 1 - g
    """
    problem = symde.Problem(symde.ode_def(text))
    options = {"dt0": 0.05, "seed": 3, "saveat": TIMES}
    assert symde.solve(problem, **options).stats.jumps > 1
    found = symde.sensitivities(problem, wrt=["a", "b"], **options)
    for name in ("a", "b"):
        expected = difference(problem, "p", name, None, **options)[:, 0]
        np.testing.assert_allclose(found["x", name], expected, rtol=1e-9, atol=1e-10)
        assert abs(found["x", name][-1]) > 0.01
    _, grad = symde.value_and_grad(squares, problem, wrt="a", **options)
    assert grad.sensealg == "forward"
    with pytest.raises(ValueError, match=r"'discrete' goes back over jumps at constant rates"):
        symde.value_and_grad(squares, problem, wrt="a", sensealg="discrete", **options)
    with pytest.raises(ValueError, match=r"the rate of `jump 2\*\(1 - g\).* follows parameter `k`"):
        symde.sensitivities(problem, wrt="k", **options)
    moved = symde.Problem(symde.ode_def(text.replace("g > 0.5", "x > 1.2")))
    with pytest.warns(MovingJumpWarning, match="x > 1.2"):
        symde.sensitivities(moved, wrt="a", **options)


def test_steps_that_follow_the_error_are_differentiated_forward() -> None:
    problem = symde.Problem(symde.ode_def(MERTON))
    found = symde.sensitivities(
        problem, "SRIW1", rtol=1e-4, atol=1e-4, seed=2, wrt=["S", "sigma"], saveat=[1.0]
    )
    x, w = found.u[0]
    assert found["S", "S(0)"][0] == pytest.approx(x, rel=1e-3)
    assert found["S", "sigma"][0] == pytest.approx((w - 0.2) * x, rel=1e-2)


def refused(message: str, text: str, **options) -> None:
    problem = symde.Problem(symde.ode_def(f"param a = 1, b = 0.5, m = 0\n{text}\nx(0) = 1; time 0 .. 1"))
    given = {"dt0": 0.1, "seed": 1, "wrt": "p"} | options
    for ask in (
        lambda: symde.sensitivities(problem, **given),
        lambda: symde.value_and_grad(squares, problem, sensealg="forward", **given),
        lambda: symde.value_and_grad(squares, problem, sensealg="discrete", **given),
    ):
        with pytest.raises(ValueError, match=message):
            ask()


def test_what_moves_jumps_is_refused_with_the_alternatives() -> None:
    told = r"the rate of `jump {}: .* follows {}, .*"
    text = "dx = m*x*dt + dW\njump a: x += b"
    refused(told.format("a", "parameter `a`") + r"wrt=\['b', 'm'\], or take differences", text)
    refused(told.format("a", "parameter `a`") + r": take differences of means", text, wrt="a")
    refused(told.format(r"1 \+ x\^2", "state `x`"), "dx = m*x*dt + dW\njump 1 + x^2: x += b")
    refused(
        r"differentiate by others, wrt=\['a', 'b'\]",
        "dx = m*dt + dW\ndy = 0*dt + dW2\ny(0) = a + b\njump x^2: y += 1",
    )
    # a case of a mark that a parameter decides; max(x, m) has no leap
    refused(
        "does leaps where `uniform\\(0, 1\\) < b`", "dx = m*dt + dW\njump 5: x += (uniform(0, 1) < b ? 1 : 2)"
    )
    kink = "param m = 0.9\nx(0) = 1; time 0 .. 1\ndx = -x*dt + dW\njump 5: x = max(x, m)"
    assert symde.sensitivities(symde.Problem(symde.ode_def(kink)), dt0=0.1, seed=1).dp.any()


def test_parameters_that_follow_others_move_their_rates() -> None:
    text = "param a = 1, r = 2*a\ndx = a*dt + dW\njump r: x += 1\nx(0) = 1; time 0 .. 1"
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(ValueError, match="follows parameter `r`"):
        symde.sensitivities(problem, wrt="a", dt0=0.1, seed=1)
    fixed = symde.remake(problem, p={"r": 2.0})
    assert symde.sensitivities(fixed, wrt="a", dt0=0.1, seed=1)["x", "a"][-1] == pytest.approx(1.0)


def test_fits_and_torch_know_jumps() -> None:
    text = "param mu = 0.1, m = 0, lam = 2\nS(0) = 1; time 0 .. 1\ndS = mu*S*dt + 0.2*S*dW\n"
    problem = symde.Problem(symde.ode_def(text + "jump lam: S *= exp(normal(m, 0.1))"))
    given: dict = {"dt0": 0.1, "seed": 1}
    t = np.linspace(0.25, 1, 4)
    found = symde.fit(problem, (t, np.exp(0.5 * t)), parameters=["mu"], n=500, **given)
    assert found["mu"] == pytest.approx(0.5, abs=0.05)
    with pytest.raises(ValueError, match="follows parameter `lam`"):
        symde.fit(problem, (t, np.exp(0.5 * t)), parameters=["lam"], n=500, **given)
    torch = pytest.importorskip("torch")
    from symde import layers

    given["saveat"] = [0.5, 1.0]
    p = {name: torch.tensor(0.1, dtype=torch.float64, requires_grad=True) for name in ("mu", "m")}
    layers.diffeq(p, problem, **given).sum().backward()
    at = symde.remake(problem, p={"mu": 0.1, "m": 0.1})
    for name, one in p.items():
        assert float(one.grad) == pytest.approx(
            symde.sensitivities(at, wrt=name, **given).dp.sum(), rel=1e-12
        )
    every = torch.tensor(problem.p, requires_grad=True)
    with pytest.raises(ValueError, match="follows parameter `lam`"):
        layers.diffeq(every, problem, **given)
    assert layers.diffeq(None, problem, **given).shape == (2, 1)  # paths alone ask for no derivative
    with pytest.raises(ValueError, match="the torch engine follows none that do"):
        layers.diffeq(None, problem, backend="torch", **given)


def test_a_path_that_cannot_be_is_told() -> None:
    text = "param s = -1\ndx = -x*dt + dW\njump 5: x += normal(0, s)\nx(0) = 1; time 0 .. 1"
    with pytest.raises(symde.SolveError, match="draws from no distribution .*\n.*solve_noise"):
        symde.sensitivities(symde.Problem(symde.ode_def(text)), dt0=0.1, seed=1, wrt="s")


def test_states_beyond_their_domain_jump_from_where_they_are() -> None:
    text = "param a = 1, b = 0.4\ndx = a*(1 - x)*dt + b*sqrt(x)*dW\ndom x >= 0\njump 6: x -= b"
    problem = symde.Problem(symde.ode_def(text + "\nx(0) = 1; time 0 .. 1"))
    options = {"dt0": 0.02, "seed": 10, "saveat": TIMES}
    assert (symde.solve(problem, "EulerMaruyama", **options).u == 0).any()
    for place, name in enumerate(("a", "b")):
        found = symde.sensitivities(problem, "EulerMaruyama", wrt="p", **options).dp[..., place]
        expected = difference(problem, "p", name, "EulerMaruyama", **options)
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def test_networks_in_what_jumps_do_are_differentiated() -> None:
    text = (
        "extern f(a, b) -> 1\nstate x = 1\ntime 0 .. 1\ndx = -x*dt + 0.1*dW\njump 5: x += f(x, normal(0, 1))"
    )
    network = symde.Network([symde.Dense(2, 4, "tanh"), symde.Dense(4, 1)], seed=1)
    problem = symde.Problem(symde.ode_def(text).bind(f=network))
    ahead, back = (
        symde.value_and_grad(squares, problem, wrt="p", sensealg=name, dt0=0.1, seed=5)[1]["p"]
        for name in ("forward", "discrete")
    )
    assert abs(ahead).max() > 0.1
    np.testing.assert_allclose(back, ahead, rtol=1e-12, atol=1e-13)


def test_notes_of_steps_take_no_more_memory_than_is_given() -> None:
    problem = symde.Problem(symde.ode_def(MERTON))
    given = {"dt0": 0.1, "seed": 5, "n": 40, "wrt": "sigma", "sensealg": "discrete"}
    whole = symde.value_and_grad(squares, problem, "SRIW1", **given)[1]["sigma"]
    parts = symde.value_and_grad(squares, problem, "SRIW1", memory=1000, **given)[1]["sigma"]
    assert parts == pytest.approx(whole, rel=1e-12)
