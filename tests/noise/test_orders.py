"""Strong orders on equations with known solutions, against the very Brownian motion of each path.

A state `w` with `dw = 0*dt + dW1` is the Brownian motion itself, exactly, so that the solution of the path is
known at its end. Sources of the solutions: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic
Differential Equations (1992), section 4.4: equations (4.6), (4.38), and (4.40) in the form below.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import symde
from symde.engine.methods.proofs import TableauError
from symde.engine.noise import registry
from symde.engine.noise.sra_tableau import SraTableau
from symde.engine.noise.sri_tableau import SriTableau

PATHS = 1500
STEPS = np.array([16, 32, 64, 128])

EQUATIONS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "geometric": (
        "dx = 0.5*x*dt + 0.8*x*dW1\ndw = 0*dt + dW1\nx(0) = 1; w(0) = 0",
        lambda u: np.exp(0.5 - 0.32 + 0.8 * u[:, 1]),
    ),
    "tangent": (  # Stratonovich: dx = (1 + x^2) o dW, x = tan(W)
        "dx = 0*dt + 0.3*(1 + x^2)*dW1\ndw = 0*dt + dW1\nx(0) = 0; w(0) = 0\nstratonovich",
        lambda u: np.tan(0.3 * u[:, 1]),
    ),
    "commutative": (
        "dx = 0.2*x*dt + 0.4*x*dW1 + 0.3*x*dW2\ndw = 0*dt + dW1\ndv = 0*dt + dW2\n"
        "x(0) = 1; w(0) = 0; v(0) = 0",
        lambda u: np.exp(0.2 - 0.08 - 0.045 + 0.4 * u[:, 1] + 0.3 * u[:, 2]),
    ),
    "general": (  # a function of W1 and of the integral of W1 dW2, which Milstein's method follows exactly
        "dw = 0*dt + dW1\nda = 0*dt + w*dW2\ndx = 0*dt + 0.5*x*dW1 + 0.5*x*w*dW2\nstratonovich\n"
        "x(0) = 1; w(0) = 0; a(0) = 0",
        lambda u: np.exp(0.5 * (u[:, 0] + u[:, 1])),
    ),
    "additive": (
        "dx = (0.5 - x)/(1 + t)*dt + 0.15/(1 + t)*dW1\ndw = 0*dt + dW1\nx(0) = 1; w(0) = 0",
        # x (1 + t) = x0 + 0.5 t + 0.15 W
        lambda u: (1 + 0.5 + 0.15 * u[:, 1]) / 2,
    ),
}


def order(name: str, method: str) -> float:
    """The slope of the mean error at the end over the step."""
    text, exact = EQUATIONS[name]
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1))
    names, errors = problem.system.state_names, []
    for steps in STEPS:
        u = symde.ensemble(problem, method, n=PATHS, seed=11, dt0=1 / steps, saveat=[1.0]).u[:, 0]
        errors.append(np.abs(u[:, names.index("x")] - exact(u)).mean())
    return float(np.polyfit(np.log(1 / STEPS), np.log(errors), 1)[0])


@pytest.mark.parametrize(
    ("name", "method", "expected"),
    [
        ("geometric", "EulerMaruyama", 0.5),
        ("geometric", "Milstein", 1.0),
        ("geometric", "SRIW1", 1.5),
        ("geometric", "SRIW2", 1.5),
        ("geometric", "SOSRI", 1.5),
        ("tangent", "EulerMaruyama", 0.5),
        ("tangent", "Milstein", 1.0),
        ("tangent", "SRIW1", 1.5),
        ("tangent", "SOSRI", 1.5),
        ("commutative", "EulerMaruyama", 0.5),
        ("commutative", "Milstein", 1.0),
        ("general", "Milstein", 1.0),
        ("geometric", "ImplicitEulerMaruyama", 0.5),
        ("geometric", "ImplicitMilstein", 1.0),
        ("commutative", "ImplicitMilstein", 1.0),
        ("general", "ImplicitMilstein", 1.0),
        ("additive", "EulerMaruyama", 1.0),
        ("geometric", "SPaRK", 1.0),
        ("commutative", "SPaRK", 1.0),
        ("general", "SPaRK", 1.0),  # beside the area that it knows; beside the true one the order is 0.5
    ],
)
def test_strong_orders(name: str, method: str, expected: float) -> None:
    assert order(name, method) == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("method", ["SRA1", "SRA2", "SRA3", "SOSRA", "SKenCarp", "SPaRK"])
def test_strong_orders_of_methods_for_additive_noise(method: str) -> None:
    # dx = -k x dt + s dW with q the integral of w, which these methods follow exactly: x beside the best
    # estimate that the two normal numbers of each step allow, with r^2 = h r - h^2/6 projected onto 1 and
    # r = h - s
    k, s, errors = 2.0, 0.7, []
    problem = symde.Problem(
        "dx = -2*x*dt + 0.7*dW1\ndw = 0*dt + dW1\ndq = w*dt\nx(0) = 1; w(0) = 0; q(0) = 0", tspan=(0, 1)
    )
    for steps in STEPS:
        h = 1 / steps
        grid = np.linspace(0, 1, steps + 1)
        x, w, q = symde.ensemble(problem, method, n=PATHS, seed=7, dt0=h, saveat=grid).u.transpose(2, 1, 0)
        best = x[0]
        for j in range(steps):
            dw, area = w[j + 1] - w[j], q[j + 1] - q[j] - h * w[j]
            square = h * area - h * h / 6 * dw
            best = np.exp(-k * h) * best + s * (dw - k * area + k * k / 2 * square)
        errors.append(np.abs(x[-1] - best).mean())
    slope = np.polyfit(np.log(1 / STEPS), np.log(errors), 1)[0]
    assert slope == pytest.approx(2.0, abs=0.2)  # 1.5 is guaranteed; linear equations gain a half


@pytest.mark.parametrize("method", ["SRA1", "SOSRA", "SKenCarp"])
def test_distribution_with_additive_noise(method: str) -> None:
    # Ornstein and Uhlenbeck's process: variance of x(1), and its covariance with w(1)
    problem = symde.Problem("dx = -2*x*dt + 0.7*dW1\ndw = 0*dt + dW1\nx(0) = 0; w(0) = 0", tspan=(0, 1))
    u = symde.ensemble(problem, method, n=40000, seed=5, dt0=1 / 16, saveat=[1.0]).u[:, 0]
    variance, covariance = 0.49 * (1 - np.exp(-4)) / 4, 0.7 * (1 - np.exp(-2)) / 2
    assert u[:, 0].var() == pytest.approx(variance, rel=0.03)
    assert (u[:, 0] * u[:, 1]).mean() == pytest.approx(covariance, rel=0.03)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("SRIW1", 2),
        ("SRIW2", 3),
        ("SOSRI", 2),
        ("SRA1", 2),
        ("SRA3", 3),
        ("SOSRA", 2),
        ("DRI1", 3),
        ("SKenCarp", 3),
        ("ImplicitMilstein", 1),
    ],
)
def test_orders_without_noise(method: str, expected: float) -> None:
    # x' = cos(t) x from 1: exp(sin(t))
    noise = "s*dW" if method in ("SRA1", "SRA3", "SOSRA", "SKenCarp") else "s*x*dW"
    problem = symde.Problem(f"param s = 0\nx(0) = 1\ndx = cos(t)*x*dt + {noise}", tspan=(0, 1))
    errors = [
        abs(symde.solve(problem, method, dt0=1 / n, seed=1).u[-1, 0] - np.exp(np.sin(1))) for n in STEPS
    ]
    assert np.polyfit(np.log(1 / STEPS), np.log(errors), 1)[0] == pytest.approx(expected, abs=0.2)


def test_coefficients_without_their_order_are_refused() -> None:
    weights = {"c1": "1 0", "alpha": "1/3 2/3", "beta1": "1 0", "beta2": "-1 1"}
    SraTableau(a=("", "3/4"), b=("", "3/2"), **weights)
    with pytest.raises(TableauError, match="SRA: alpha b: found"):
        SraTableau(a=("", "3/4"), b=("", "1"), **weights)
    good = registry.get("SRIW1").tableau
    values = {name: getattr(good, name) for name in SriTableau.__dataclass_fields__}
    with pytest.raises(TableauError, match="SRI: beta4 1"):
        SriTableau(**values | {"beta4": "-2 5/3 -2/3 2"})


def test_weak_order_of_euler_and_maruyama() -> None:
    # E x(1) = exp(a): the method's mean is (1 + a h)^N exactly, of which the sample's differs by its error
    problem = symde.Problem("dx = x*dt + 0.1*x*dW\nx(0) = 1", tspan=(0, 1))
    for steps in (4, 8, 16):
        x = symde.ensemble(problem, "EulerMaruyama", n=20000, seed=2, dt0=1 / steps, saveat=[1.0]).u.ravel()
        error = 4 * x.std() / np.sqrt(len(x))
        assert x.mean() == pytest.approx((1 + 1 / steps) ** steps, abs=error)
