"""Derivatives of paths are those of the computed numbers: by differences of the same path, forward against
back, and closed forms."""

from __future__ import annotations

import dataclasses
import pickle
import warnings

import numpy as np
import pytest

import symde
from symde.engine.noise import registry
from symde.noise import solve_noise
from symde.problem.solution import SolveError

from . import path_models

TIMES = [0.0, 0.105, 0.5, 0.77, 1.0]

CASES = [
    (name, method.name)
    for name in path_models.TEXTS
    for method in registry.methods()
    if path_models.problem(name).system.noise.kind in method.noise
    and not (method.smooth and path_models.problem(name).system.cuts)
]

FIXED = {"dt0": 0.05, "seed": 15, "saveat": TIMES}


def squares(u: np.ndarray):
    weights = np.linspace(1.0, 2.0, u.size).reshape(u.shape)
    return (weights * u**2).sum(), 2 * weights * u


def difference(problem, name: str, method: str, step: float = 3e-4, **options) -> np.ndarray:
    """A path's derivative by one number, from four neighbours with the same noise (error of order 4)."""
    system = problem.system
    if name in system.parameter_names:
        at, key = problem.p[system.parameter_names.index(name)], "p"
    else:
        at, key = problem.u0[system.state_names.index(name)], "u0"
    h = step * max(abs(at), 0.1)
    rows = [
        symde.solve(symde.remake(problem, **{key: {name: at + k * h}}), method, **options).u
        for k in (-2, -1, 1, 2)
    ]
    return (rows[0] - 8 * rows[1] + 8 * rows[2] - rows[3]) / (12 * h)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_forward_sensitivities_are_those_of_the_path(name: str, method: str) -> None:
    problem = path_models.problem(name)
    found = symde.sensitivities(problem, method, **FIXED)
    assert np.array_equal(found.u, symde.solve(problem, method, **FIXED).u)
    # where roots of small numbers bend, neighbours must be near, and differences have fewer digits
    step, close = (2e-5, 1e-8) if name == "domain" else (3e-4, 1e-9)
    for by in problem.system.parameter_names:
        expected = difference(problem, by, method, step, **FIXED)
        for row, state in enumerate(problem.system.state_names):
            np.testing.assert_allclose(found[state, by], expected[:, row], rtol=close, atol=close)
    for by in problem.system.state_names:
        expected = difference(problem, by, method, step, **FIXED)
        np.testing.assert_allclose(found["x", f"{by}(0)"], expected[:, 0], rtol=close, atol=close)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_back_and_forward_agree_to_rounding(name: str, method: str) -> None:
    problem = path_models.problem(name)
    both = [
        symde.value_and_grad(squares, problem, method, sensealg=alg, **FIXED)
        for alg in ("forward", "discrete")
    ]
    (value, ahead), (other, back) = both
    assert value == other
    np.testing.assert_allclose(
        back.vector(), ahead.vector(), rtol=1e-12, atol=1e-12 * abs(ahead.vector()).max()
    )


@pytest.mark.parametrize("method", ["EulerMaruyama", "Milstein", "SRIW1"])
def test_the_path_of_the_domain_goes_beyond_it(method: str) -> None:
    # so that the tests above have met the truncation
    u = symde.solve(path_models.problem("domain"), method, dt0=0.05, seed=15).u
    assert (u == 0.0).any() and (u > 0.0).any()


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_langevin_equations_are_differentiated_by_their_rates(sensealg: str) -> None:
    problem = path_models.langevin()
    options = {"dt0": 0.02, "seed": 2, "saveat": TIMES}
    _, grad = symde.value_and_grad(squares, problem, "EulerMaruyama", sensealg=sensealg, **options)
    weights = squares(symde.solve(problem, "EulerMaruyama", **options).u)[1]
    for name in ("k", "r"):
        expected = (weights * difference(problem, name, "EulerMaruyama", **options)).sum()
        assert grad["p"][problem.system.parameter_names.index(name)] == pytest.approx(expected, rel=1e-8)
    for name in ("X", "Y"):
        expected = (weights * difference(problem, name, "EulerMaruyama", **options)).sum()
        assert grad["u0"][problem.system.state_names.index(name)] == pytest.approx(expected, rel=1e-8)


def test_roots_of_rates_with_powers_are_no_jumps() -> None:
    # (V/K)^n underflows where its switch is sought, so that its root seemed to jump
    network = symde.ode_def("""
      param a = 50, K = 20, n = 2
      state U = 30, V = 5
      a/(1 + (V/K)^n), 0 => U
      a/(1 + (U/K)^n), 0 => V
      1, U --> 0
      1, V --> 0
    """)
    problem = symde.Problem(network, tspan=(0, 1), kind="sde")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        symde.value_and_grad(squares, problem, dt0=0.1, seed=1)


def test_rates_that_are_zero_at_the_start_have_no_derivative_by_it() -> None:
    problem = symde.remake(path_models.langevin(), u0={"Y": 0})
    with pytest.raises(ValueError, match=r"rate of reaction 3 is 0 at the start.*wrt='p'"):
        symde.value_and_grad(squares, problem, "EulerMaruyama", dt0=0.02, seed=2)
    both = [
        symde.value_and_grad(squares, problem, "EulerMaruyama", wrt="p", dt0=0.02, seed=2, sensealg=alg)[1]
        for alg in ("forward", "discrete")
    ]
    assert np.isfinite(both[0]["p"]).all()
    np.testing.assert_allclose(both[0]["p"], both[1]["p"], rtol=1e-12)


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_an_ensemble_is_the_mean_of_its_members(sensealg: str) -> None:
    problem = path_models.problem("diagonal")
    options = {"method": "Milstein", "dt0": 0.1, "seed": 9, "sensealg": sensealg}

    def mean(u: np.ndarray):
        assert u.shape == (70, 3, 2)
        return (u**2).sum() / len(u), 2 * u / len(u)

    value, grad = symde.value_and_grad(mean, problem, saveat=[0.2, 0.5, 1.0], n=70, **options)
    assert (grad.seed, grad.n, grad.sensealg) == (9, 70, sensealg)
    paths = symde.ensemble(problem, "Milstein", n=70, dt0=0.1, seed=9, saveat=[0.2, 0.5, 1.0]).u
    assert value == pytest.approx((paths**2).sum() / 70, rel=1e-14)

    def of_sum(d: float) -> float:
        moved = symde.remake(problem, p={"c": 2 + d})
        u = symde.ensemble(moved, "Milstein", n=70, dt0=0.1, seed=9, saveat=[0.2, 0.5, 1.0]).u
        return (u**2).sum() / 70

    h = 2e-3
    expected = (of_sum(-2 * h) - 8 * of_sum(-h) + 8 * of_sum(h) - of_sum(2 * h)) / (12 * h)
    assert grad["p"][2] == pytest.approx(expected, rel=1e-8)
    more = symde.value_and_grad(mean, problem, saveat=[0.2, 0.5, 1.0], n=70, workers=2, **options)[1]
    assert np.array_equal(more.vector(), grad.vector())
    little = symde.value_and_grad(mean, problem, saveat=[0.2, 0.5, 1.0], n=70, memory=1, **options)[1]
    assert np.array_equal(little.vector(), grad.vector())


@pytest.mark.parametrize("memory", [1, 300])
def test_memory_changes_no_bit_of_the_gradient(memory: int) -> None:
    problem = path_models.problem("general")
    options = {"dt0": 1 / 97, "seed": 4, "saveat": TIMES, "sensealg": "discrete"}
    _, whole = symde.value_and_grad(squares, problem, **options)
    _, parts = symde.value_and_grad(squares, problem, memory=memory, **options)
    assert np.array_equal(whole.vector(), parts.vector())


def test_without_a_seed_every_call_has_noise_of_its_own() -> None:
    problem = path_models.problem("diagonal")
    (one, first), (other, second) = (
        symde.value_and_grad(squares, problem, dt0=0.1, sensealg="forward") for _ in range(2)
    )
    assert one != other and first.seed != second.seed
    assert symde.value_and_grad(squares, problem, dt0=0.1, seed=first.seed)[0] == one
    again = pickle.loads(pickle.dumps(first))
    assert (again.seed, again.n, again["p"].tolist()) == (first.seed, 1, first["p"].tolist())


def test_losses_of_observed_quantities() -> None:
    problem = symde.Problem(symde.ode_def(path_models.TEXTS["scalar"] + "\n product = x*y*s\n"), tspan=(0, 1))

    def loss(values: np.ndarray):
        return (values**3).sum(), 3 * values**2

    for n in (None, 5):
        found = [
            symde.value_and_grad(loss, problem, "Milstein", of="product", dt0=0.1, seed=1, n=n, sensealg=alg)
            for alg in ("forward", "discrete")
        ]
        np.testing.assert_allclose(found[0][1].vector(), found[1][1].vector(), rtol=1e-12)
    path = solve_noise(problem, "Milstein", dt0=0.1, seed=1, saveat=[1.0])
    by_s = difference(problem, "s", "Milstein", dt0=0.1, seed=1, saveat=[1.0])[0]
    (x, y), s = path.u[0], 0.4
    expected = 3 * (x * y * s) ** 2 * (x * y + s * (by_s[0] * y + x * by_s[1]))
    _, grad = symde.value_and_grad(loss, problem, "Milstein", of="product", dt0=0.1, seed=1, wrt="s")
    assert grad["s"] == pytest.approx(expected, rel=1e-8)


def test_what_cannot_be_differentiated_is_refused() -> None:
    problem = path_models.problem("diagonal")

    def refused(words: str, problem=problem, **options) -> None:
        with pytest.raises(ValueError, match=words):
            symde.value_and_grad(squares, problem, **{"dt0": 0.1, "seed": 1, **options})

    refused("derivatives of paths are those of their steps", sensealg="interpolating")
    refused("unknown sensealg 'foward'", sensealg="foward")
    refused("belongs to ordinary differential equations", dtmax=0.1)
    refused("give dt0=", dt0=None)
    moving = symde.Problem("param a = 1\nstate x = 1\ntime 0 .. a\ndx = -x*dt + x*dW")
    refused("the time span follows the parameters", problem=moving)
    plain = symde.Problem("param a = 1\nstate x = 1\ntime 0 .. 1\ndx = -a*x")
    refused("seed=1 belongs to problems with noise", problem=plain, dt0=None)
    refused("n=3 belongs to problems with noise", problem=plain, dt0=None, seed=None, n=3)


def test_methods_without_derivatives_are_refused_with_others() -> None:
    known = registry.get("Milstein")
    problem = path_models.problem("commutative")
    forward = dataclasses.replace(known, name="Ahead", back="")
    with pytest.raises(ValueError, match=r"Ahead has no derivatives by sensealg='discrete': use .*'forward'"):
        symde.value_and_grad(squares, problem, forward, dt0=0.1, seed=1, sensealg="discrete")
    assert symde.value_and_grad(squares, problem, forward, dt0=0.1, seed=1)[1].sensealg == "forward"
    neither = dataclasses.replace(known, name="Neither", back="", along=False)
    with pytest.raises(ValueError, match=r"Neither has no .*: use method='EulerMaruyama' or 'Milstein'"):
        symde.sensitivities(problem, neither, dt0=0.1, seed=1)


def test_losses_of_the_wrong_shape_are_told() -> None:
    problem = path_models.problem("diagonal")
    with pytest.raises(ValueError, match=r"of shape \(2, 2\): .* \(3, 2, 2\) \(paths, times, states\)"):
        symde.value_and_grad(lambda u: (u.sum(), u[0]), problem, n=3, dt0=0.1, saveat=[0.5, 1.0], seed=1)


def test_what_does_not_fit_goes_back() -> None:
    problem = path_models.problem("start")
    given = {"dt0": 0.1, "seed": 1, "wrt": "a", "n": 10}
    assert symde.value_and_grad(squares, problem, **given)[1].sensealg == "forward"
    assert symde.value_and_grad(squares, problem, memory=100, **given)[1].sensealg == "discrete"


def test_networks_in_drift_and_diffusion_are_differentiated() -> None:
    text = """
      extern drift(a, b) -> 2
      extern noise(a) -> 1
      state x = 2, y = 0.5
      time 0 .. 1
      (f, g) = drift(x, y)
      dx = f*dt + 0.2*noise(x)*dW
      dy = g*dt + 0.2*x*dW
    """
    drift = symde.Network([symde.Dense(2, 6, "tanh"), symde.Dense(6, 2)], seed=2)
    noise = symde.Network([symde.Dense(1, 3, "tanh"), symde.Dense(3, 1)], seed=1)
    problem = symde.Problem(symde.ode_def(text).bind(drift=drift, noise=noise))
    assert problem.system.noise.kind == "general"
    for method in ("EulerMaruyama", "Milstein", "DRI1"):
        ahead, back = (
            symde.value_and_grad(squares, problem, method, dt0=0.1, seed=1, wrt="p", sensealg=name)[1]["p"]
            for name in ("forward", "discrete")
        )
        np.testing.assert_allclose(back, ahead, rtol=1e-11, atol=1e-12)
    weight = problem.system.parameter_names[7]
    change = difference(problem, weight, "Milstein", dt0=0.1, seed=1, saveat=[1.0])
    found = symde.sensitivities(problem, "Milstein", dt0=0.1, seed=1, saveat=[1.0], wrt=weight)
    np.testing.assert_allclose(found.dp[..., 0], change, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("method", ["ImplicitEulerMaruyama", "ImplicitMilstein", "SKenCarp"])
def test_stiff_chains_are_differentiated_through_their_systems(method: str) -> None:
    # 30 places, whose Jacobian is a band: solved, and turned round, by the solver for bands
    n = 30
    lines = ["param d = 400", "param s = 0.3", *(f"state x{i} = {1 + i % 3}" for i in range(n))]
    for i in range(n):
        left, right = f"x{max(i - 1, 0)}", f"x{min(i + 1, n - 1)}"
        lines.append(f"dx{i} = (d*({left} - 2*x{i} + {right}) - x{i}^3)*dt + s*dW")
    problem = symde.Problem(symde.ode_def("\n".join(lines)), tspan=(0, 0.5))
    options = {"dt0": 0.05, "seed": 1, "saveat": [0.2, 0.5]}
    ahead, back = (
        symde.value_and_grad(squares, problem, method, sensealg=name, **options)[1].vector()
        for name in ("forward", "discrete")
    )
    np.testing.assert_allclose(back, ahead, rtol=1e-9, atol=1e-11 * abs(ahead).max())
    weights = squares(symde.solve(problem, method, **options).u)[1]
    expected = (weights * difference(problem, "d", method, **options)).sum()
    assert ahead[n] == pytest.approx(expected, rel=1e-6)


def test_a_root_at_zero_is_told() -> None:
    problem = symde.Problem("param a = 1\nstate x = 0\ntime 0 .. 1\ndx = a*dt + sqrt(x)*dW\ndom x >= 0")
    for sensealg in ("forward", "discrete"):
        with pytest.raises(SolveError, match="the derivative of the path is not finite"):
            symde.value_and_grad(squares, problem, "EulerMaruyama", dt0=0.1, seed=1, sensealg=sensealg)


def test_jumps_that_move_are_warned_of() -> None:
    problem = symde.Problem("param a = 1\nstate x = 0\ntime 0 .. 1\ndx = (x > 0.3 ? a : 2*a)*dt + dW")
    with pytest.warns(UserWarning, match="derivatives are wrong where"):
        symde.value_and_grad(squares, problem, "EulerMaruyama", dt0=0.1, seed=1)


def spread_of_derivatives(text: str, method: str, steps: int, exact) -> np.ndarray:
    """Mean distance over 200 paths of the derivatives of x at the end from those of a closed form, which
    reads the Brownian motion (state w) and the model's own numbers."""
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1))
    errors = []
    for trajectory in range(200):
        found = symde.sensitivities(
            problem, method, dt0=1 / steps, seed=7000 + trajectory, saveat=[1.0], wrt="p"
        )
        errors.append(np.abs(found.dp[-1, 0] - exact(found.u[-1])))
    return np.mean(errors, axis=0)


GBM = "param a = 0.5, s = 0.8\nstate x = 1, w = 0\ndx = a*x*dt + s*x*dW1\ndw = 0*dt + dW1"


@pytest.mark.parametrize(("method", "order"), [("EulerMaruyama", 0.5), ("Milstein", 1.0), ("SRIW1", 1.5)])
def test_derivatives_of_geometric_brownian_motion_converge_like_the_path(method: str, order: float) -> None:
    # x = exp((a - s^2/2) t + s W): dx/da = t x, dx/ds = (W - s t) x
    def exact(u: np.ndarray) -> np.ndarray:
        x = np.exp(0.5 - 0.32 + 0.8 * u[1])
        return np.array([x, (u[1] - 0.8) * x])

    coarse, fine = (spread_of_derivatives(GBM, method, steps, exact) for steps in (16, 128))
    observed = np.log(coarse / fine) / np.log(8)
    assert (np.abs(observed - order) < 0.25).all(), observed


ADAPTIVE = {"rtol": 1e-2, "atol": 1e-3, "seed": 3, "saveat": TIMES}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (name, method)
        for name, method in CASES
        if registry.get(method).adaptive and (name != "domain" or registry.get(method).previsible)
    ],
)
def test_steps_that_follow_the_error_are_differentiated_as_they_were_taken(name: str, method: str) -> None:
    problem = path_models.problem(name)
    found = symde.sensitivities(problem, method, **ADAPTIVE)
    assert np.array_equal(found.u, symde.solve(problem, method, **ADAPTIVE).u)
    _, ahead = symde.value_and_grad(squares, problem, method, sensealg="forward", **ADAPTIVE)
    _, back = symde.value_and_grad(squares, problem, method, sensealg="discrete", **ADAPTIVE)
    np.testing.assert_allclose(
        back.vector(), ahead.vector(), rtol=1e-12, atol=1e-12 * abs(ahead.vector()).max()
    )
    _, parts = symde.value_and_grad(squares, problem, method, sensealg="discrete", memory=1, **ADAPTIVE)
    assert np.array_equal(parts.vector(), back.vector())


@pytest.mark.parametrize(
    ("name", "method"),
    [("general", "SPaRK"), ("general", "EulerMaruyama"), ("commutative", "SPaRK"), ("diagonal", "SRIW1")],
)
def test_derivatives_are_differences_where_steps_stay(name: str, method: str) -> None:
    # ends of steps are multiples of parts of their size, and do not move by what is small beside these
    problem = path_models.problem(name)
    found = symde.sensitivities(problem, method, **ADAPTIVE)
    for by in problem.system.parameter_names:
        expected = difference(problem, by, method, 1e-6, **ADAPTIVE)
        for row, state in enumerate(problem.system.state_names):
            np.testing.assert_allclose(found[state, by], expected[:, row], rtol=1e-6, atol=1e-6)


def test_langevin_equations_that_follow_the_error() -> None:
    problem = path_models.langevin()
    options = {"rtol": 1e-2, "atol": 1e-1, "seed": 3, "saveat": [0.5, 1.0], "wrt": "p"}
    (value, ahead), (other, back) = (
        symde.value_and_grad(squares, problem, sensealg=name, **options) for name in ("forward", "discrete")
    )
    assert value == other
    np.testing.assert_allclose(back.vector(), ahead.vector(), rtol=1e-11)


def test_ensembles_of_steps_that_follow_the_error() -> None:
    problem = path_models.problem("diagonal")
    options = {"rtol": 1e-2, "atol": 1e-2, "seed": 3, "n": 40}
    ahead, back, more = (
        symde.value_and_grad(squares, problem, sensealg=name, workers=workers, **options)
        for name, workers in (("forward", 1), ("discrete", 1), ("discrete", 2))
    )
    np.testing.assert_allclose(back[1].vector(), ahead[1].vector(), rtol=1e-11)
    assert np.array_equal(more[1].vector(), back[1].vector())


def test_tight_tolerances_come_to_the_derivative_of_the_solution() -> None:
    # of geometric Brownian motion: dx/ds = (W - s t) x, with W the state w of the same path
    problem = symde.Problem(symde.ode_def(GBM), tspan=(0, 1))
    errors = []
    for tolerance in (1e-2, 1e-3, 1e-4):
        worst = []
        for seed in range(20):
            found = symde.sensitivities(problem, rtol=tolerance, atol=tolerance, seed=seed, saveat=[1.0])
            x, w = found.u[-1]
            worst.append(abs(found["x", "s"][-1] - (w - 0.8) * np.exp(0.18 + 0.8 * w)))
        errors.append(np.mean(worst))
    assert errors[1] < 0.4 * errors[0] and errors[2] < 0.4 * errors[1]


OU = "param a = 1.3, m = 0.4, s = 0.6\nstate x = 2\ndx = a*(m - x)*dt + s*dW"


@pytest.mark.parametrize("method", ["EulerMaruyama", "SRA1", "SOSRA"])
def test_moments_of_ornstein_and_uhlenbeck_have_their_derivatives(method: str) -> None:
    # E x = m + (x0 - m) e, var x = s^2 (1 - e^2)/(2 a), e = exp(-a t), at t = 1; noise leaves 4 deviations of
    # the mean over 4000 paths, and of Euler's mean the error of its step
    problem = symde.Problem(symde.ode_def(OU), tspan=(0, 1))
    n = 4000

    def mean(u: np.ndarray):
        return u.mean(), np.full_like(u, 1 / u.size)

    def variance(u: np.ndarray):
        away = u - u.mean()
        return (away**2).mean(), 2 * away / u.size

    a, m, s, x0, e = 1.3, 0.4, 0.6, 2.0, np.exp(-1.3)
    step = 0.01 if method == "EulerMaruyama" else 0.05
    _, grad = symde.value_and_grad(mean, problem, method, n=n, seed=1, dt0=step, wrt=("p", "x"))
    assert grad["x"] == pytest.approx(e, rel=0.01)
    np.testing.assert_allclose(grad["p"], [-(x0 - m) * e, 1 - e, 0.0], atol=0.03)
    _, grad = symde.value_and_grad(variance, problem, method, n=n, seed=1, dt0=step)
    by_a = s**2 * (2 * a * e**2 - (1 - e**2)) / (2 * a**2)
    np.testing.assert_allclose(grad["p"], [by_a, 0.0, s * (1 - e**2) / a], atol=0.03)


def test_a_gradient_tells_its_work() -> None:
    problem = symde.Problem("param a = 0.5\nstate x = 1\ntime 0 .. 1\ndx = a*x*dt + 0.3*dW")
    _, grad = symde.value_and_grad(lambda u: (u.sum(), np.ones_like(u)), problem, n=5, dt0=0.1, seed=1)
    stats = grad.stats
    assert stats.steps == 50 and stats.jumps == 0 and stats.seconds > 0 and stats.words == "50 steps"
