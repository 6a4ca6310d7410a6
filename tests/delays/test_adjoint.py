"""Continuous adjoints through constant delays agree with forward sensitivities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symde

from .test_gradients import JUMP, LOTKA, MOVING, NEUTRAL, jump_by_delay, jump_by_start, squares

# several delays, one twice another; histories of parameters, of t and of the initial value; jumps at the
# start
MANY = """model Many
  param a = 2.2, b = 1, d = 2, g = 0.4, tau = 0.1, s = 0.35
  state x = 1, y = 1, z = a
  history x = 1 + 0.2*a*t, y = 0.5
  dx = (a - b*y)*x(t - tau) + 0.1*y(t - s)*x(t - 2*tau)
  dy = (d*x - g)*y - 0.1*y(t - s - tau)^2*sin(t)*z(t - s)
  dz = -z(t - tau) + 0.1*x
  time 0.5 .. 4
end"""

ALONE = "param tau = 1, a = 2\nstate x = 1\nhistory x = 0.3*a\nx' = -a*x(t - tau)\ntime 0 .. 3"


def both(text: str, saveat: Any, method: str | None, rtol: float, **options: Any) -> list[np.ndarray]:
    problem = symde.Problem(symde.ode_def(text))
    found = []
    for sensealg in ("forward", "interpolating"):
        _, grad = symde.value_and_grad(
            squares, problem, method, saveat=saveat, sensealg=sensealg, rtol=rtol, atol=0.01 * rtol, **options
        )
        assert grad.sensealg == sensealg
        found.append(np.concatenate([grad["u0"], grad["p"]]))
    return found


@pytest.mark.parametrize(
    ("text", "saveat"),
    # at the end alone, at every delay (where f jumps, twice), at many points, and before the end
    [
        (LOTKA, 0.1),
        (LOTKA, [10.0]),
        (MANY, [1.0, 2.0, 3.3]),
        (MANY, 0.35),
        (ALONE, [0.5, 1.0, 2.5]),
        (ALONE, [0.0, 2.0]),
    ],
)
def test_they_agree(text, saveat):
    forward, adjoint = both(text, saveat, "Vern7", 1e-10)
    np.testing.assert_allclose(adjoint, forward, rtol=1e-7, atol=1e-8 * np.abs(forward).max())


METHODS = ("Tsit5", "DP5", "DOP853", "Rodas5P", "KenCarp4", "Radau", "QNDF", "VCABM", None)


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_every_family(method):
    forward, adjoint = both(LOTKA, 0.1, method, 1e-8)
    np.testing.assert_allclose(adjoint, forward, atol=3e-6 * np.abs(forward).max())


@pytest.mark.parametrize(
    "method", ["BS3", "DP5", "Tsit5", "Vern6", "KenCarp4", "Kvaerno5", "Rodas5P", "VCABM"]
)
def test_what_was_read_before_a_stop_is_not_read_after_it(method):
    # x' jumps at t0, so that the equation of d/dtau jumps at 1: methods whose last stage is the next step's
    # first would begin there with the slope from before, and be off by 150 tolerances
    text = "param a = -0.8, tau = 1\nstate x = 1\nhistory x = 1\nx' = a*x(t - tau)\ntime 0 .. 3"
    _, grad = symde.value_and_grad(
        lambda u: (u.sum(), np.ones_like(u)), symde.Problem(text), method, saveat=[2.6],
        sensealg="interpolating", rtol=1e-7, atol=1e-9,
    )  # fmt: skip
    # by steps x(2.6) = 1 + a 2.6 + a^2 (2.6 - tau)^2/2 + a^3 (2.6 - 2 tau)^3/6
    exact = -0.64 * 1.6 + 0.512 * 0.36
    assert grad["p"][1] == pytest.approx(exact, abs=3e-7)


def test_a_jump_at_the_start_moves_with_the_delay():
    problem = symde.Problem(symde.ode_def(JUMP), tspan=(0.0, 3.7))
    for k, t in enumerate(np.array([0.5, 1.5, 1.9, 2.5, 3.2, 3.7])):
        _, grad = symde.value_and_grad(
            lambda u: (u.sum(), np.ones_like(u)),
            problem,
            "Vern7",
            saveat=[t],
            sensealg="interpolating",
            rtol=1e-9,
        )
        assert grad["p"][0] == pytest.approx(jump_by_delay(np.array([t]))[0], abs=1e-8), k
        assert grad["u0"][0] == pytest.approx(jump_by_start(np.array([t]))[0], rel=1e-9), k


@pytest.mark.parametrize(
    ("text", "reason"), [(MOVING, "constant delays alone"), (NEUTRAL, "does not know delayed derivatives")]
)
def test_other_delays_are_refused(text, reason):
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(ValueError, match=f"{reason}.*sensealg='forward'"):
        symde.value_and_grad(squares, problem, sensealg="interpolating")
    _, grad = symde.value_and_grad(squares, problem)
    assert grad.sensealg in ("forward", "discrete")


def test_what_does_not_fit_in_memory_is_refused():
    problem = symde.Problem(symde.ode_def(LOTKA))
    with pytest.raises(ValueError, match=r"take [\d,]+ bytes, and memory=1,000 are allowed"):
        symde.value_and_grad(squares, problem, sensealg="interpolating", memory=1000)


def test_a_network_that_looks_back_is_trained_by_its_weights():
    model = symde.ode_def(
        "extern net(a, b) -> 2\nparam tau = 0.5\nstate x = 1, y = 0.5\n(f, g) = net(x(t - tau), y)\n"
        "x' = f\ny' = g - y\ntime 0 .. 3"
    ).bind(net=symde.Network([symde.Dense(2, 6, "tanh"), symde.Dense(6, 2)], seed=1))
    problem = symde.Problem(model)
    found = [
        symde.value_and_grad(squares, problem, "Vern7", saveat=0.5, sensealg=one, rtol=1e-9, atol=1e-11)[1][
            "p"
        ]
        for one in ("forward", "interpolating")
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6, atol=1e-8)
