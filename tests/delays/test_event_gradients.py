"""Derivatives through events in models with delays: closed forms, differences, and both strategies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symde

from .test_gradients import central_differences

DOSED = """
param tau = 1, dose = 1, k = 1, c = 0.3, T = 0.5
state x = 1
history x = c + 0.1*t
x' = -k*x(t - tau)
at t = T, 1.7: x += dose
time 0 .. 3
"""

LOW = DOSED.replace(
    "at t = T, 1.7: x += dose", "discrete n = 0\nlow: when x < 0.4*c: x = 1.5*x + dose, n += 1"
)
LATE = DOSED.replace("at t = T, 1.7: x += dose", "off: when x < 0.9 after 0.3*k: x += dose*x")

# two delays, two states, a jump at the start, and a discrete variable that the right-hand side reads
PAIR = """
param a = 1.1, tau = 0.3, s = 0.45, low = 0.35
state x = 1, y = 0.2
history x = 0.7, y = 0.2
discrete on = 1
x' = -a*on*x(t - tau) + 0.4*y
y' = 0.5*x(t - s) - y(t - tau)*x
drop: when falling x == low: x += 0.8*tau, on = 1.2*on
at t = 1.13: y *= 1.5
time 0 .. 2.5
"""

MODELS = {"doses": DOSED, "low": LOW, "late": LATE, "pair": PAIR}
TIMES = [0.25, 1.2, 1.9, 2.35]


def weighed(u: np.ndarray) -> tuple[float, np.ndarray]:
    weights = np.cos(1 + np.arange(u.size)).reshape(u.shape)
    return float((weights * u).sum()), weights


def gradient(
    problem: symde.Problem, sensealg: str, method: str | None, saveat: Any, loss: Any = weighed
) -> Any:
    _, grad = symde.value_and_grad(
        loss, problem, method, saveat=saveat, sensealg=sensealg, rtol=1e-10, atol=1e-12
    )
    return np.concatenate([grad["u0"], grad["p"]])


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_central_differences(name):
    problem = symde.Problem(MODELS[name])
    expected = central_differences(problem, weighed, TIMES, 1e-4)
    for sensealg in ("forward", "discrete"):
        found = gradient(problem, sensealg, "Vern7", TIMES)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7, err_msg=sensealg)


@pytest.mark.parametrize("method", ["Tsit5", "Vern9", "DOP853", "Rodas5P", "KenCarp4", "Radau"])
def test_both_strategies_agree(method):
    # points at events are those after them; every step, where both sides of each are saved
    for text, saveat in ((DOSED, [0.5, 1.2, 1.7, 3.0]), (PAIR, 0.25), (LOW, None)):
        problem = symde.Problem(text)
        forward, discrete = (gradient(problem, one, method, saveat) for one in ("forward", "discrete"))
        np.testing.assert_allclose(discrete, forward, atol=2e-7 * np.abs(forward).max())


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_a_dose_comes_back_when_the_delay_says(sensealg):
    # x' = x(t - tau) from 0 with a dose at T: until T + 2 tau, x = dose (1 + max(0, t - T - tau))
    text = (
        "param tau = 1, dose = 2, T = 0.5\nstate x = 0\nx' = x(t - tau)\nat t = T: x += dose\ntime 0 .. 2.2"
    )
    problem = symde.Problem(text)
    _, grad = symde.value_and_grad(
        lambda u: (u.sum(), np.ones_like(u)), problem, "Tsit5", saveat=[2.2], wrt="p", sensealg=sensealg
    )
    np.testing.assert_allclose(grad["p"], [-2.0, 1.7, -2.0], rtol=1e-9)


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_an_event_that_ends_the_solve(sensealg):
    # x = 1 - k t until 1: it is 1/4 at t = 3/(4 k), where y is y0 + that
    text = (
        "param k = 0.9, tau = 1\nstate x = 1, y = 0.5\nhistory x = 1\nx' = -k*x(t - tau)\ny' = 1\n"
        "when falling x == 0.25: stop\ntime 0 .. 2"
    )
    problem = symde.Problem(text)
    _, grad = symde.value_and_grad(
        lambda u: (u[-1, 1], np.array([[0.0, 0.0]] * (len(u) - 1) + [[0.0, 1.0]])),
        problem, "Tsit5", saveat=[2.0], sensealg=sensealg, rtol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(grad["p"], [-0.75 / 0.9**2, 0.0], atol=1e-8)
    np.testing.assert_allclose(grad["u0"], [1 / 0.9, 1.0], atol=1e-8)


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_events_that_do_not_come_and_doses_that_meet_what_comes_back(sensealg):
    # x' = x(t - 1) from a history of 0: x = 1 + (t - 1) until 2; never above 9
    text = "param tau = 1\nstate x = 1\nhistory x = 0\nx' = x(t - tau)\nwhen x > 9: x = 0\ntime 0 .. 2"
    assert gradient(symde.Problem(text), sensealg, "Tsit5", [1.5], lambda u: (u.sum(), np.ones_like(u)))[
        1
    ] == pytest.approx(-1.0)
    # doses a delay apart: the second comes with what the first has left
    text = "param tau = 1, dose = 2\nstate x = 0\nx' = x(t - tau)\nat t = 0.5, 1.5: x += dose\ntime 0 .. 2.2"
    found = gradient(symde.Problem(text), sensealg, "Tsit5", [2.2], lambda u: (u.sum(), np.ones_like(u)))
    # x = dose (2 + t - 0.5 - tau), of which what there was at the start is no part
    np.testing.assert_allclose(found[1:], [-2.0, 2.7], rtol=1e-9)


def test_the_choice_and_layers_take_them():
    problem = symde.Problem(symde.ode_def(PAIR))
    value, grad = symde.value_and_grad(weighed, problem, saveat=TIMES)
    assert grad.sensealg in ("forward", "discrete")
    torch = pytest.importorskip("torch")
    from symde.layers import diffeq

    p = torch.tensor(problem.p, dtype=torch.float64, requires_grad=True)
    found = diffeq(p, problem, saveat=TIMES)
    loss = (found * torch.as_tensor(weighed(found.detach().numpy())[1])).sum()
    loss.backward()
    assert loss.item() == pytest.approx(value, rel=1e-5)
    np.testing.assert_allclose(p.grad.numpy(), grad["p"], atol=1e-3 * np.abs(grad["p"]).max())


@pytest.mark.parametrize("sensealg", ["interpolating", "gauss", "backsolve"])
def test_other_adjoints_are_refused(sensealg):
    with pytest.raises(ValueError, match="sensealg='forward'"):
        symde.value_and_grad(weighed, symde.Problem(DOSED), saveat=TIMES, sensealg=sensealg)


def test_ends_that_follow_parameters_are_refused():
    problem = symde.Problem(DOSED.replace("0 .. 3", "0 .. 3*k"))
    for sensealg in ("forward", "discrete"):
        with pytest.raises(ValueError, match="give tspan="):
            symde.value_and_grad(weighed, problem, saveat=TIMES, sensealg=sensealg)
