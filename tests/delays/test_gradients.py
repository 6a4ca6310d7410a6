"""Derivatives through delays: closed forms, central differences, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symde

METHODS = ("Tsit5", "Vern7", "DOP853", "Rodas5P", "KenCarp4", "Radau", "QNDF", None)
TIGHT: dict[str, Any] = dict(rtol=1e-9, atol=1e-11)

JUMP = "param tau = 1\nstate x = 1\nhistory x = 0\nx' = x(t - tau)"
TIMES = np.array([0.5, 1.5, 1.9, 2.5, 3.2, 3.7])


def tolerance(method: str | None) -> float:
    return 1e-6 if method in ("QNDF", "KenCarp4", "Radau") else 1e-7


def jump_by_delay(t: np.ndarray) -> np.ndarray:
    """x = sum_k (t - k tau)^k/k! over k with k tau < t."""
    return -np.where(t > 1, 1.0, 0) - 2 * np.where(t > 2, t - 2, 0) - 3 * np.where(t > 3, (t - 3) ** 2 / 2, 0)


def jump_by_start(t: np.ndarray) -> np.ndarray:
    return sum(np.where(t > k, (t - k) ** k, 0.0) / [1, 1, 2, 6][k] for k in range(4))


@pytest.mark.parametrize("method", METHODS)
def test_a_jump_at_the_start_moves_with_the_delay(method):
    problem = symde.Problem(symde.ode_def(JUMP), tspan=(0.0, 3.7))
    found = symde.sensitivities(problem, method, saveat=TIMES, **TIGHT)
    np.testing.assert_allclose(found.dp[:, 0, 0], jump_by_delay(TIMES), atol=tolerance(method))
    np.testing.assert_allclose(found.du0[:, 0, 0], jump_by_start(TIMES), atol=tolerance(method))


def test_the_jump_of_a_derivative_is_kept_on_both_sides():
    problem = symde.Problem(symde.ode_def(JUMP), tspan=(0.0, 2.0))
    found = symde.sensitivities(problem, "Tsit5", saveat=[1 - 1e-9, 1 + 1e-9])
    np.testing.assert_allclose(found.dp[:, 0, 0], [0.0, -1.0], atol=1e-12)


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "Radau"])
def test_neutral_equations_jump_at_every_delay(method):
    # x' = -x'(t - tau) with x = t before 0: slopes -1, 1, -1; at the k-th kink x is -tau or 0
    problem = symde.Problem(
        symde.ode_def("param tau = 1\nstate x = 0\nhistory x = t\nx' = -x'(t - tau)"), tspan=(0.0, 4.5)
    )
    t = np.array([0.5, 1.5, 2.5, 3.5, 4.2])
    found = symde.sensitivities(problem, method, saveat=t, **TIGHT)
    np.testing.assert_allclose(found.u[:, 0], [-0.5, -0.5, -0.5, -0.5, -0.2], atol=1e-9)
    np.testing.assert_allclose(found.dp[:, 0, 0], [0, -2, 2, -4, 4], atol=1e-8)


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4", "Radau"])
def test_parameters_of_a_history(method):
    # x = c e^(a t) before 0 and x(0) = c: x = c + c/a (e^(a (t - 1)) - e^(-a)) until 1
    text = "param c = 2, a = 0.5\nstate x\nhistory x = c*exp(a*t)\nx' = x(t - 1)"
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1))
    found = symde.sensitivities(problem, method, saveat=[1.0], **TIGHT)
    inside = (1 - np.exp(-0.5)) / 0.5
    by_a = 2 * (np.exp(-0.5) / 0.5 - inside / 0.5)
    np.testing.assert_allclose(found.dp[0, 0], [1 + inside, by_a], rtol=1e-7)


def test_a_history_that_is_the_initial_value_follows_it():
    # x = c before 0: x = c + c t until 1, c + c t + c (t - 1)^2/2 until 2
    text = "param c = 3\nstate x = c\nx' = x(t - 1)"
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 2))
    found = symde.sensitivities(problem, "Tsit5", saveat=[2.0], **TIGHT)
    assert found.dp[0, 0, 0] == pytest.approx(3.5, rel=1e-10)
    assert found.du0[0, 0, 0] == pytest.approx(3.5, rel=1e-10)


def test_a_delay_by_the_state_meets_a_jump():
    # t - x reaches 0, where y jumps from its history 0 to 1, at t1 = x0/(1 - a) for x = x0 + a t; from then
    # on y = 1 + (t - t1), as long as t - x stays below t1
    text = "param a = 0.5\nstate x = 0.3, y = 1\nhistory y = 0\nx' = a\ny' = y(t - x)"
    problem = symde.Problem(symde.ode_def(text), tspan=(0.0, 1.0))
    found = symde.sensitivities(problem, "Tsit5", saveat=[0.5, 0.8], **TIGHT)
    start = 0.3 / 0.5
    np.testing.assert_allclose(found.u[:, 1], [1.0, 1 + 0.8 - start], rtol=1e-9)
    np.testing.assert_allclose(found.dp[:, 1, 0], [0.0, -0.3 / 0.5**2], atol=1e-7)
    np.testing.assert_allclose(found.du0[:, 1, 0], [0.0, -1 / 0.5], atol=1e-7)


LOTKA = """model Lotka "the delayed Lotka-Volterra equations of DiffEqFlux.jl"
  param a = 2.2, b = 1, d = 2, g = 0.4, tau = 0.1
  state x = 1, y = 1
  dx = (a - b*y)*x(t - tau)
  dy = (d*x - g)*y
  time 0 .. 10
end"""

# u1 feeds back by a delay that u2 sets, and the history has parameters
MOVING = """model Moving
  param k = 1.2, r = 0.7, c = 0.4, w = 1.5
  state x = 0.8, y = 1
  history x = 0.5 + 0.2*c*sin(w*t)
  dx = -k*x(t - 0.3 - c*y^2)*x
  dy = r*(x - y)
  time 0 .. 6
end"""

NEUTRAL = """model Neutral
  param k = 0.5, c = 0.3, tau = 0.7
  state x = 1
  history x = 1 + 0.3*t
  dx = -k*x + c*x'(t - tau) + 0.2*x(t - 2*tau)
  time 0 .. 3
end"""


def central_differences(problem: symde.Problem, loss, saveat, size: float) -> np.ndarray:
    """By the initial values and the parameters: (8 (f(h) - f(-h)) - (f(2h) - f(-2h)))/12h, error O(h^4)."""
    n = len(problem.u0)
    point = np.concatenate([problem.u0, problem.p])

    def value(x: np.ndarray) -> float:
        moved = symde.remake(problem, u0=x[:n], p=x[n:])
        return loss(symde.solve(moved, "Vern9", rtol=1e-13, atol=1e-14, saveat=saveat).u)[0]

    found = []
    for k in range(len(point)):
        step = np.zeros(len(point))
        step[k] = h = size * max(abs(point[k]), 0.1)
        near = value(point + step) - value(point - step)
        far = value(point + 2 * step) - value(point - 2 * step)
        found.append((8 * near - far) / (12 * h))
    return np.array(found)


def squares(u: np.ndarray) -> tuple[float, np.ndarray]:
    residual = u - 1
    return float((residual**2).sum()), 2 * residual


@pytest.mark.parametrize(("text", "saveat"), [(LOTKA, 0.1), (MOVING, [2.0, 4.5, 6.0]), (NEUTRAL, [1.0, 3.0])])
def test_gradients_are_those_of_central_differences(text, saveat):
    accuracy = 1e-6  # of the differences, on solutions with an error of 1e-13
    problem = symde.Problem(symde.ode_def(text))
    expected = central_differences(problem, squares, saveat, 1e-3)
    scale = np.abs(expected).max()
    for method in ("Vern9", "Vern7", None):
        _, grad = symde.value_and_grad(squares, problem, method, saveat=saveat, rtol=1e-11, atol=1e-13)
        found = np.concatenate([grad["u0"], grad["p"]])
        np.testing.assert_allclose(found, expected, rtol=accuracy, atol=accuracy * scale, err_msg=str(method))
        assert grad.sensealg in ("forward", "interpolating", "discrete")


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "KenCarp4", "Radau", "QNDF", "VCABM"])
def test_gradients_of_every_family(method):
    problem = symde.Problem(symde.ode_def(LOTKA))
    _, reference = symde.value_and_grad(squares, problem, "Vern9", saveat=0.1, rtol=1e-12, atol=1e-13)
    _, grad = symde.value_and_grad(squares, problem, method, saveat=0.1, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(grad["p"], reference["p"], rtol=2e-5, atol=1e-4)


def test_least_squares_and_layers_take_delays():
    torch = pytest.importorskip("torch")
    from symde.layers import diffeq

    problem = symde.Problem(symde.ode_def(LOTKA))
    value, grad = symde.value_and_grad(squares, problem, saveat=0.1)
    p = torch.tensor(problem.p, requires_grad=True)
    loss = ((diffeq(p, problem, saveat=0.1) - 1) ** 2).sum()
    loss.backward()
    # steps differ, as fewer columns take part in the test of the error
    assert loss.item() == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), grad["p"], rtol=1e-3)


@pytest.mark.parametrize("sensealg", ["gauss", "backsolve"])
def test_other_adjoints_are_refused(sensealg):
    problem = symde.Problem(symde.ode_def(LOTKA))
    with pytest.raises(ValueError, match="sensealg='forward'"):
        symde.value_and_grad(squares, problem, saveat=0.1, sensealg=sensealg)


def test_ends_that_follow_parameters_are_refused():
    problem = symde.Problem(symde.ode_def("param T = 3\nstate x = 1\nx' = -x(t - 1)\ntime 0 .. T"))
    with pytest.raises(ValueError, match="give tspan="):
        symde.value_and_grad(squares, problem)


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
@pytest.mark.parametrize("factor", [0.9, -0.9])
def test_derivatives_that_depend_on_themselves_at_the_start(sensealg, factor):
    # x = x0 sum c_k t^k with (k + 1) (1 - factor/2^k) c_(k+1) = -c_k
    coefficients = [1.0]
    for k in range(60):
        coefficients.append(-coefficients[-1] / ((k + 1) * (1 - factor * 0.5**k)))
    problem = symde.Problem(
        f"param c = {factor}\nstate x = 1\nx' = -x + c*x'(t/2)\ntime 0 .. 2", p={"c": factor}
    )
    exact = np.polyval(coefficients[::-1], 2.0)
    options: Any = dict(wrt="x", sensealg=sensealg, rtol=1e-8, atol=1e-10)
    value, grad = symde.value_and_grad(lambda u: (u.sum(), np.ones_like(u)), problem, "Tsit5", **options)
    np.testing.assert_allclose([value, grad["x"]], exact, rtol=1e-7)


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "interpolating", "auto"])
@pytest.mark.parametrize("event", ["", "at t = 0.5: x += 1"])
def test_algebraic_equations_are_refused(sensealg, event):
    text = f"param a = 1\nstate x = 1, z = 0\nx' = -z\n0 = z + z^3 - a*x(t - 1)\n{event}\ntime 0 .. 2"
    problem = symde.Problem(text)
    with pytest.raises(ValueError, match="for models with delays and equations without a derivative"):
        symde.value_and_grad(lambda u: (u.sum(), np.ones_like(u)), problem, sensealg=sensealg)


SHORT = """
  param a = 1, tau = 0.003, c = 0.4
  state x = 1, y = 1
  history x = 1 + c*t
  x' = -a*x + 0.2*y + c*x'(t - tau)
  y' = x - y(t - 0.5)
  time 0 .. 2
"""


def test_second_derivatives_are_read_of_interpolants_that_have_them():
    # with KenCarp3 the derivative by tau came out as 1.9 at t = 2.9, where it is -0.042
    problem = symde.Problem(symde.ode_def(SHORT))
    with pytest.raises(ValueError, match=r"read x'', which the interpolants of KenCarp3 do not have"):
        symde.sensitivities(problem, "KenCarp3", wrt=["tau"], saveat=[2.0], rtol=1e-5)
    found = symde.sensitivities(problem, "Rodas5P", wrt=["tau"], saveat=[2.0], rtol=1e-5)["x", "tau"]
    ends = [
        symde.solve(symde.remake(problem, p={"tau": 0.003 + h}), "Tsit5", rtol=1e-9, saveat=[2.0])["x"][0]
        for h in (1e-5, -1e-5)
    ]
    assert found[0] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3)
    assert symde.sensitivities(problem, "KenCarp3", wrt=["a"], saveat=[2.0], rtol=1e-5)["x", "a"][0] < 0
