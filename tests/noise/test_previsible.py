"""Steps whose size is chosen before their noise is known: where coefficients are not smooth."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.noise import solve_noise

ROOT = "param b = 0.05\nstate x = 0.05\ndom x >= 0\ndx = (b - x)*dt + sqrt(x)*dW\ntime 0 .. 1"


def test_means_of_square_roots_are_right() -> None:
    # J. C. Cox, J. E. Ingersoll, S. A. Ross (1985), equation (19)
    problem = symde.Problem(ROOT)
    x = symde.ensemble(problem, n=40000, rtol=5e-3, atol=5e-3, seed=1, saveat=[1.0])["x"][:, 0]
    decay, square = np.exp(-1), (1 - np.exp(-1)) ** 2
    variance = 0.05 * (decay - decay**2) + 0.05 * square / 2
    assert abs(x.mean() - 0.05) < 3 * (variance / 40000) ** 0.5  # 4 %
    assert x.var() == pytest.approx(variance, rel=0.06)
    assert x.min() >= 0 and not np.isnan(x).any()


def test_the_error_falls_with_the_tolerance() -> None:
    problem = symde.Problem(ROOT)
    ends = [
        symde.ensemble(problem, n=1000, rtol=tolerance, atol=tolerance, seed=1, saveat=[1.0])["x"][:, 0]
        for tolerance in (1e-1, 1e-2, 1e-3, 1e-4)
    ]
    errors = [np.abs(one - ends[-1]).mean() for one in ends[:-1]]
    assert errors[1] < 0.8 * errors[0] and errors[2] < 0.6 * errors[1]


def test_langevin_equations_follow_their_error() -> None:
    # 0 --> X at 100, X --> 0 at 1 each: mean 100 (1 - e^-t), and at rest the variance is 100
    network = symde.ode_def("100, 0 --> X\n1, X --> 0\nX(0) = 0")
    problem = symde.Problem(network, tspan=(0, 6), kind="sde")
    ensemble = symde.ensemble(problem, n=4000, rtol=2e-3, atol=2e-2, seed=1, saveat=[0.5, 6.0])
    early, late = ensemble.u[:, :, 0].T
    assert abs(early.mean() - 100 * (1 - np.exp(-0.5))) < 4 * early.std() / 4000**0.5
    assert abs(late.mean() - 100 * (1 - np.exp(-6))) < 4 * late.std() / 4000**0.5
    assert late.var() == pytest.approx(100 * (1 - np.exp(-6)), rel=0.1)
    path = symde.solve(problem, rtol=1e-2, atol=1e-1, seed=1)
    assert path.method[0].name == "EulerMaruyama"


def test_noise_that_does_not_commute() -> None:
    # Brownian motion on the sphere: E X(t) = exp(-t) X(0)
    text = "dx = 0*dt + y*dW3 - z*dW2\ndy = 0*dt + z*dW1 - x*dW3\ndz = 0*dt + x*dW2 - y*dW1\nstratonovich\n"
    problem = symde.Problem(symde.ode_def(text + "x(0) = 1; y(0) = 0; z(0) = 0"), tspan=(0, 1))
    errors = []
    fine = symde.ensemble(problem, "SPaRK", n=400, rtol=0, atol=1e-4, seed=3, saveat=[1.0]).u[:, 0]
    for tolerance in (1e-1, 1e-2, 1e-3):
        rough = symde.ensemble(problem, "EulerMaruyama", n=400, rtol=0, atol=tolerance, seed=3, saveat=[1.0])
        errors.append(np.sqrt(((rough.u[:, 0] - fine) ** 2).sum(axis=1).mean()))
    # the two methods come to the same path of the same Brownian motion
    assert errors[1] < 0.5 * errors[0] and errors[2] < 0.5 * errors[1] and errors[2] < 0.05


def test_sizes_of_steps_know_nothing_of_their_noise() -> None:
    # increments over the steps have mean 0 and variance h given what came before: the sum of W^2 - h over
    # steps chosen by x is a martingale, whose mean is 0; steps that are rejected by W^2 - h fail this
    text = "dx = 0*dt + x*dW1\ndw = 0*dt + dW1\nx(0) = 1; w(0) = 0"
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1))
    x = symde.ensemble(problem, "EulerMaruyama", n=40000, rtol=0, atol=3e-2, seed=1, saveat=[1.0])["x"][:, 0]
    assert abs(x.mean() - 1) < 4 * x.std() / 200
    assert (x**2).mean() == pytest.approx(np.e, rel=0.1)


@pytest.mark.parametrize(("rate", "decay", "gain"), [("2", 1.0, 0.2), ("1 + x", 0.9, 0.1)])
def test_paths_with_domains_that_jump(rate: str, decay: float, gain: float) -> None:
    # m' = 0.5 - m + 0.1 rate(m), linear in the mean m
    text = f"dx = (0.5 - x)*dt + 0.3*sqrt(x)*dW\njump {rate}: x += 0.1\ndom x >= 0\nx(0) = 0"
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1))
    x = symde.ensemble(problem, n=4000, rtol=1e-3, atol=1e-3, seed=2, saveat=[1.0])["x"][:, 0]
    exact = (0.5 + gain) / decay * (1 - np.exp(-decay))
    assert abs(x.mean() - exact) < 4 * x.std() / 4000**0.5 and x.min() >= 0


def test_the_same_bits_alone_and_beside_others() -> None:
    problem = symde.Problem(ROOT)
    options = {"rtol": 1e-2, "atol": 1e-2, "seed": 1, "saveat": [0.25, 1.0]}
    one, two = (symde.ensemble(problem, n=300, workers=k, **options).u for k in (1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(solve_noise(problem, trajectory=123, **options).u, one[123])


def test_the_path_between_saved_times() -> None:
    problem = symde.Problem(ROOT)
    path = symde.solve(problem, rtol=1e-3, atol=1e-4, seed=2, saveat=[0.5, 1.0])
    assert np.array_equal(path(0.5), path.u[0]) and path(0.4)[0] >= 0


def test_where_coefficients_are_no_numbers_steps_are_shorter() -> None:
    # the point that foretells an error may be where the root is none; the path itself is not
    problem = symde.Problem(symde.ode_def("dx = (2 - x)*dt + 0.3*sqrt(x)*dW\nx(0) = 0.5"), tspan=(0, 1))
    path = symde.solve(problem, "EulerMaruyama", rtol=1e-1, atol=1e-1, dt0=1.0, seed=1)
    assert np.isfinite(path.u).all()


def test_methods_that_reject_by_noise_are_refused_at_the_ends_of_domains() -> None:
    problem = symde.Problem(ROOT)
    with pytest.raises(ValueError, match="`x` has a domain, and SRIW1 rejects steps .* use 'EulerMaruyama'"):
        symde.solve(problem, "SRIW1", rtol=0.02, seed=1)
    with pytest.raises(ValueError, match="`x` has a domain, and SPaRK follows Stratonovich's equation"):
        symde.solve(problem, "SPaRK", dt0=0.01, seed=1)


@pytest.mark.parametrize(
    ("noise", "rough"),
    [
        ("sqrt(max(x, 0))", True),
        ("abs(x)^0.3", True),
        ("sqrt(abs(x*(1 - x)))", True),
        ("sqrt(-min(-x, 0))", True),
        ("ifelse(x > 0, sqrt(x), 0)", True),
        ("sqrt(x)", False),
        ("sqrt(0.1 + abs(x))", False),
        ("max(x, 0)", False),
        ("x*sqrt(max(t, 0))", False),
        ("ifelse(t > 0.5, sqrt(x), 0)", False),
    ],
)
def test_roots_that_are_cut_off_by_hand_are_seen(noise: str, rough: bool) -> None:
    problem = symde.Problem(symde.ode_def(f"dx = (1 - x)*dt + {noise}*dW\nx(0) = 1"), tspan=(0, 1))
    method = symde.solve(problem, rtol=0.1, seed=1).method[0].name
    assert method == ("EulerMaruyama" if rough else "SRIW1")
    if rough:
        with pytest.raises(ValueError, match="the noise of `x` is a root of what is cut off at 0"):
            symde.solve(problem, "SRIW1", rtol=0.1, seed=1)
