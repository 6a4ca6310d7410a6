"""Weak orders: means of functions of the end of many paths, whose errors are above those of the sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import symde
from symde.engine.noise import registry

LINEAR = """
dx = (-1.3*x - 0.7*y)*dt + (-0.7*x + 0.5*y)*dW1 + (0.1*x + 0.5*y)*dW2
dy = (-1.2*x - 0.7*y)*dt - 0.1*y*dW1 + (-0.3*x - 0.3*y)*dW2
x(0) = 1; y(0) = 1
"""
DRIFT = np.array([[-1.3, -0.7], [-1.2, -0.7]])
NOISE = np.array([[[-0.7, 0.5], [0.0, -0.1]], [[0.1, 0.5], [-0.3, -0.3]]])


def second_moments() -> np.ndarray:
    """E x x^T of the linear equation at 1, by the equation that it obeys itself."""
    one = np.eye(2)
    growth = np.kron(DRIFT, one) + np.kron(one, DRIFT) + sum(np.kron(b, b) for b in NOISE)
    return (expm(growth) @ np.ones(4)).reshape(2, 2)


def slope(steps: tuple[int, ...], errors: list[float]) -> float:
    """Of the errors over the step."""
    return -float(np.polyfit(np.log(steps), np.log(np.abs(errors)), 1)[0])


def test_weak_order_two_with_general_noise() -> None:
    problem, exact, steps = (
        symde.Problem(symde.ode_def(LINEAR), tspan=(0, 1)),
        second_moments()[1, 1],
        (2, 4, 8),
    )
    errors = []
    for count in steps:
        y = symde.ensemble(problem, "DRI1", n=300000, seed=1, dt0=1 / count, saveat=[1.0]).u[:, 0, 1]
        errors.append((y**2).mean() - exact)
    assert slope(steps, errors) == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("method", ["EulerMaruyama", "Milstein"])
def test_weak_order_one_with_general_noise(method: str) -> None:
    # E x x^T of a step follows from E I_i I_j = h [i = j] and E I_ij I_kl = h^2/2 [ij = kl]; beside the exact
    # one it tells the order, and the sample's is the same
    def moments(count: int) -> np.ndarray:
        h, drift = 1 / count, np.eye(2) + DRIFT / count
        step = np.kron(drift, drift) + h * sum(np.kron(b, b) for b in NOISE)
        if method == "Milstein":
            step += h * h / 2 * sum(np.kron(b @ c, b @ c) for b in NOISE for c in NOISE)
        return (np.linalg.matrix_power(step, count) @ np.ones(4)).reshape(2, 2)

    steps = (16, 32, 64)
    errors = [(moments(count) - second_moments())[0, 0] for count in steps]
    assert slope(steps, errors) == pytest.approx(1, abs=0.2)
    problem = symde.Problem(symde.ode_def(LINEAR), tspan=(0, 1))
    u = symde.ensemble(problem, method, n=50000, seed=1, dt0=1 / 4, saveat=[1.0]).u[:, 0]
    products = u[:, :, None] * u[:, None, :]
    assert (np.abs(products.mean(axis=0) - moments(4)) < 4 * products.std(axis=0) / 50000**0.5).all()


def second_moment_of_a_step(method: str, a: float, b: float, h: float) -> float:
    """E x^2 after a step from 1 of dx = a x dt + b x dW, by Gauss and Hermite's rule, which is exact for the
    polynomials in two normal numbers that steps are."""
    table: Any = registry.get(method).tableau
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    one, other = np.meshgrid(nodes, nodes)
    dw, root = np.sqrt(h) * one, np.sqrt(h)
    mean = 0.5 * (dw + np.sqrt(h / 3) * other)
    double, triple = 0.5 * (dw**2 - h) / root, (dw**3 - 3 * h * dw) / (6 * h)
    moves = (dw, double, mean, triple)
    if method == "DRI1":
        mean, moves = dw, (dw, double)
    f: list = []
    g: list = []
    for i in range(table.stages):
        drift = 1 + sum(h * table.a0[i, j] * f[j] + table.b0[i, j] * mean * g[j] for j in range(i))
        noise = 1 + sum(h * table.a1[i, j] * f[j] + root * table.b1[i, j] * g[j] for j in range(i))
        f.append(a * drift), g.append(b * noise)
    end = 1 + sum(h * table.alpha[i] * f[i] for i in range(table.stages))
    for number, move in enumerate(moves, 1):
        end = end + sum(getattr(table, f"beta{number}")[i] * move * g[i] for i in range(table.stages))
    return float(np.sum(np.outer(weights, weights) / weights.sum() ** 2 * end**2))


@pytest.mark.parametrize("method", ["DRI1", "SRIW1", "SRIW2", "SOSRI"])
def test_weak_orders_with_scalar_noise(method: str) -> None:
    # E x^2 = exp(2 a + b^2): beside it the mean of the method, without a sample; and the sample's
    a, b = 0.3, 0.9
    exact, steps = np.exp(2 * a + b**2), (256, 512, 1024)
    errors = [second_moment_of_a_step(method, a, b, 1 / n) ** n - exact for n in steps]
    assert slope(steps, errors) == pytest.approx(registry.get(method).weak, abs=0.2)
    problem = symde.Problem(f"dx = {a}*x*dt + {b}*x*dW\nx(0) = 1", tspan=(0, 1))
    x = symde.ensemble(problem, method, n=50000, seed=1, dt0=0.25, saveat=[1.0]).u.ravel()
    expected = second_moment_of_a_step(method, a, b, 0.25) ** 4
    assert (x**2).mean() == pytest.approx(expected, abs=4 * (x**2).std() / len(x) ** 0.5)


@pytest.mark.parametrize(
    "text", ["dx = -2*x*dt + dW\ndy = x*dt + y*dW", "dx = -x*dt + x*dW\ndy = -y*dt + y*dW"]
)
def test_dri1_takes_stages_together_where_no_motion_moves_another(text: str) -> None:
    # a motion that acts on nothing makes the noise general to the eye: the same numbers, up to rounding
    problem = symde.Problem(symde.ode_def(text), {"x": 1.0, "y": 1.0}, (0, 1))
    arrays = problem.system.arrays
    assert arrays.together
    together = symde.ensemble(problem, "DRI1", n=20, seed=1, dt0=0.1, saveat=[1.0]).u
    other = symde.Problem(symde.ode_def(text), {"x": 1.0, "y": 1.0}, (0, 1))
    other.system.arrays = type(arrays)(
        **{k: getattr(arrays, k) for k in arrays.__slots__} | {"together": False}
    )
    apart = symde.ensemble(other, "DRI1", n=20, seed=1, dt0=0.1, saveat=[1.0]).u
    np.testing.assert_allclose(apart, together, rtol=1e-11)
