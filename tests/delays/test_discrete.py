"""The discrete adjoint of the method of steps: the derivative that forward sensitivities give, to rounding
where both take the same steps and to the tolerance where they do not; closed forms; differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symde
from symde.sensitivity import discrete, forward
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import Wrt

from .test_adjoint import ALONE, MANY
from .test_gradients import (
    JUMP,
    LOTKA,
    METHODS,
    MOVING,
    NEUTRAL,
    TIGHT,
    TIMES,
    central_differences,
    jump_by_delay,
    jump_by_start,
    squares,
    tolerance,
)

JUMPING = f"{JUMP}\ntime 0 .. 3.7"

# the delay vanishes at the start, so that steps read their own interpolants; a parameter sets its law
PANTOGRAPH = (
    "param a = 0.9, q = 0.5\nstate y = 1, z = 2\ny' = -a*y(q*t)\nz' = -y(q*t)*z(t - 0.3*y^2)\ntime 0 .. 5"
)

# delays far shorter than steps
SHORT = """param tau = 0.004, k = 1.1
state x = 1, y = 0.3
history x = 1 + t*k
x' = -k*x(t - tau) + 0.1*y(t - 2*tau)
y' = x(t - tau - 0.001*y^2) - y
time 0 .. 4"""

# a time that reads a delayed value
NESTED = """param c = 0.4, k = 0.8
state x = 1, y = 0.5
history x = 1 + 0.1*k*t, y = 0.6
x' = -k*x(t - 0.4 - c*y(t - 0.3*k))
y' = 0.5*(x - y^2)
time 0 .. 3"""

# delayed derivatives at times that states move; they jump at every break
NEUTRAL_MOVING = """param c = 0.4, k = 0.8
state x = 1, y = 0.5
history x = 1 + 0.1*k*t
x' = -k*x + c*x'(t - 0.6 - 0.2*y)
y' = 0.5*(x - y)
time 0 .. 3"""

MODELS = {
    "Lotka and Volterra": LOTKA,
    "many": MANY,
    "alone": ALONE,
    "a jump": JUMPING,
    "moving": MOVING,
    "neutral": NEUTRAL,
    "pantograph": PANTOGRAPH,
    "short": SHORT,
    "nested": NESTED,
    "neutral and moving": NEUTRAL_MOVING,
}


def summed(u: np.ndarray) -> tuple[float, np.ndarray]:
    return float(u.sum()), np.ones_like(u)


def gradient(
    problem: symde.Problem,
    sensealg: str,
    method: str | None,
    saveat: Any,
    loss: Any = squares,
    **options: Any,
) -> Any:
    _, grad = symde.value_and_grad(loss, problem, method, saveat=saveat, sensealg=sensealg, **options)
    assert grad.sensealg == sensealg
    return np.concatenate([grad["u0"], grad["p"]])


def saved(problem: symde.Problem) -> np.ndarray:
    t0, t1 = problem.tspan
    return t0 + (t1 - t0) * np.array([0.31, 0.62, 1.0])


@pytest.mark.parametrize(
    ("name", "method"),
    [("Lotka and Volterra", "RK4"), ("Lotka and Volterra", "Euler"), ("alone", "RK4"), ("a jump", "RK4"),
     ("neutral", "RK4"), ("neutral", "Euler")],
)  # fmt: skip
def test_where_steps_are_the_same_it_is_the_same_to_rounding(name, method):
    problem = symde.Problem(symde.ode_def(MODELS[name]))
    run = prepare(problem, method, dt0=0.0123)
    n, m = len(problem.u0), len(problem.p)
    wrt = Wrt((), tuple(range(m)), tuple(range(n)))
    columns, record = forward.record(run, wrt), discrete.record(run, wrt)
    np.testing.assert_array_equal(record.solution.t, columns.solution.t)
    np.testing.assert_allclose(record.solution.u, columns.solution.u, rtol=1e-14)
    weights = np.random.default_rng(3).normal(size=record.solution.u.shape)
    expected = np.concatenate(columns.pull_back(weights))
    found = np.concatenate(record.pull_back(weights))
    # x' is read at joints of interpolants, where it has two values and rounding chooses
    close = 1e-6 if name == "neutral" else 1e-12
    np.testing.assert_allclose(found, expected, rtol=10 * close, atol=close * np.abs(expected).max())


@pytest.mark.parametrize("name", MODELS)
def test_it_agrees_with_forward_sensitivities(name):
    problem = symde.Problem(symde.ode_def(MODELS[name]))
    expected = gradient(problem, "forward", "Vern9", saved(problem), rtol=1e-12, atol=1e-13)
    scale = np.abs(expected).max()
    for method, rtol, close in (("Vern7", 1e-10, 1e-8), ("Tsit5", 1e-8, 1e-6), ("Rodas5P", 1e-8, 3e-6)):
        found = gradient(problem, "discrete", method, saved(problem), rtol=rtol, atol=0.01 * rtol)
        np.testing.assert_allclose(found, expected, atol=close * scale, err_msg=method)


FAMILIES = ("BS3", "DP5", "Vern6", "Vern9", "DOP853", "Rosenbrock23", "Rodas4", "TRBDF2", "Kvaerno5",
            "KenCarp4", "RadauIIA5", "Radau", None)  # fmt: skip


@pytest.mark.parametrize("method", FAMILIES)
def test_methods_of_every_family(method):
    loose = method in ("BS3", "Rosenbrock23", "TRBDF2")
    rtol, close = (1e-6, 1e-3) if loose else (1e-8, 1e-5)
    for name in ("many", "moving"):
        problem = symde.Problem(symde.ode_def(MODELS[name]))
        expected = gradient(problem, "forward", "Vern7", saved(problem), rtol=1e-10, atol=1e-12)
        found = gradient(problem, "discrete", method, saved(problem), rtol=rtol, atol=0.01 * rtol)
        np.testing.assert_allclose(found, expected, atol=close * np.abs(expected).max(), err_msg=name)


@pytest.mark.parametrize("name", ["neutral", "nested", "neutral and moving", "short"])
def test_it_is_what_central_differences_say(name):
    problem = symde.Problem(symde.ode_def(MODELS[name]))
    expected = central_differences(problem, squares, saved(problem), 1e-3)
    found = gradient(problem, "discrete", "Vern9", saved(problem), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("method", [one for one in METHODS if one != "QNDF"])
def test_a_jump_at_the_start_moves_with_the_delay(method):
    problem = symde.Problem(symde.ode_def(JUMP), tspan=(0.0, 3.7))
    for k, t in enumerate(TIMES):
        _, grad = symde.value_and_grad(
            lambda u: (u.sum(), np.ones_like(u)), problem, method, saveat=[t], sensealg="discrete", **TIGHT
        )
        assert grad["p"][0] == pytest.approx(jump_by_delay(TIMES)[k], abs=tolerance(method)), t
        assert grad["u0"][0] == pytest.approx(jump_by_start(TIMES)[k], abs=tolerance(method)), t


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4"])
def test_neutral_equations_jump_at_every_delay(method):
    # as in `test_gradients`: the k-th kink lies at k tau, and x there is -tau or 0
    problem = symde.Problem(
        symde.ode_def("param tau = 1\nstate x = 0\nhistory x = t\nx' = -x'(t - tau)"), tspan=(0.0, 4.5)
    )
    for t, by_delay in zip([0.5, 1.5, 2.5, 3.5, 4.2], [0, -2, 2, -4, 4], strict=True):
        _, grad = symde.value_and_grad(
            lambda u: (u.sum(), np.ones_like(u)), problem, method, saveat=[t], sensealg="discrete", **TIGHT
        )
        # Rosenbrock methods read x''' of the first, short steps, where rounding is all that it is made of
        assert grad["p"][0] == pytest.approx(by_delay, abs=1e-5 if method == "Rodas5P" else 1e-8), t


def test_a_delay_by_the_state_meets_a_jump():
    # t - x reaches 0, where y jumps from its history 0 to 1, at t1 = x0/(1 - a) for x = x0 + a t; from then
    # on y = 1 + (t - t1)
    text = "param a = 0.5\nstate x = 0.3, y = 1\nhistory y = 0\nx' = a\ny' = y(t - x)"
    problem = symde.Problem(symde.ode_def(text), tspan=(0.0, 1.0))
    _, grad = symde.value_and_grad(
        lambda u: (u[0, 1], np.array([[0.0, 1.0]])),
        problem,
        "Tsit5",
        saveat=[0.8],
        sensealg="discrete",
        **TIGHT,
    )
    np.testing.assert_allclose(grad["p"], [-0.3 / 0.5**2], atol=1e-7)
    np.testing.assert_allclose(grad["u0"], [-1 / 0.5, 1 + 0.8 - 0.6], atol=1e-7)


def test_a_gradient_is_the_same_when_it_is_taken_again():
    problem = symde.Problem(symde.ode_def(MOVING))
    run = prepare(problem, "Tsit5", saveat=saved(problem))
    record = discrete.record(run, Wrt((), (0, 1, 2, 3), (0, 1)))
    weights = np.ones_like(record.solution.u)
    first = record.pull_back(weights)
    symde.solve(problem)
    for one, other in zip(record.pull_back(weights), first, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(record.pull_back(2 * weights), first, strict=True):
        np.testing.assert_allclose(one, 2 * other, rtol=1e-14)


def test_steps_are_fine_enough_for_derivatives_of_what_stands_still():
    # x = 1 all the time, and steps by its error alone would grow without bound
    text = "param a = 1.2, tau = 1\nstate x = 1\nhistory x = 1\nx' = a*(1 - x(t - tau))*x\ntime 0 .. 20"
    problem = symde.Problem(text)
    reference = gradient(problem, "forward", "Vern9", [5.0, 20.0], rtol=1e-12, loss=summed)
    _, grad = symde.value_and_grad(summed, problem, "Tsit5", saveat=[5.0, 20.0], sensealg="discrete")
    np.testing.assert_allclose(grad["u0"], reference[:1], rtol=1e-4)
    assert grad.error is not None and 0 < grad.error < 1e-4


def test_what_it_cannot_do_is_refused():
    problem = symde.Problem(symde.ode_def(LOTKA))
    with pytest.raises(ValueError, match=r"take [\d,]+ bytes, and memory=1,000 are allowed"):
        symde.value_and_grad(squares, problem, sensealg="discrete", memory=1000)
    with pytest.raises(ValueError, match=r"QNDF has no discrete adjoint.*sensealg='forward'"):
        symde.value_and_grad(squares, problem, "QNDF", sensealg="discrete")
    moving = symde.Problem(symde.ode_def("param T = 3\nstate x = 1\nx' = -x(t - 1)\ntime 0 .. T"))
    with pytest.raises(ValueError, match="give tspan="):
        symde.value_and_grad(squares, moving, sensealg="discrete")


def test_a_network_that_looks_back_is_trained_by_its_weights():
    model = symde.ode_def(
        "extern net(a, b) -> 2\nparam tau = 0.5\nstate x = 1, y = 0.5\n(f, g) = net(x(t - tau), y)\n"
        "x' = f\ny' = g - y\ntime 0 .. 3"
    ).bind(net=symde.Network([symde.Dense(2, 6, "tanh"), symde.Dense(6, 2)], seed=1))
    problem = symde.Problem(model)
    expected = gradient(problem, "forward", "Vern7", 0.5, rtol=1e-9, atol=1e-11)
    found = gradient(problem, "discrete", "Vern7", 0.5, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", ["Radau", "RadauIIA5"])
def test_steps_of_radau_that_read_themselves_are_done_again_as_they_were(method):
    # one step: x is the polynomial that the collocation of x' = -a x(t/2) has, whose derivative is known
    problem = symde.Problem("param a = 1\nstate x = 1\nx' = -a*x(t/2)\ntime 0 .. 0.01")
    _, grad = symde.value_and_grad(summed, problem, method, sensealg="discrete", wrt="a", rtol=1e-8)
    h = 0.01
    assert grad.stats.steps == 1
    np.testing.assert_allclose(
        grad["a"], -h + 2 * h**2 / 4 - 3 * h**3 / 48, atol=1e-10
    )  # less h^4 of the series


def test_without_parameters_there_are_no_sums():
    problem = symde.Problem("state x = 1\nhistory x = 1\nx' = -x(t - 1)\ntime 0 .. 1.5")
    _, grad = symde.value_and_grad(summed, problem, sensealg="interpolating", wrt="u0")
    np.testing.assert_allclose(grad["u0"], 1 - 0.5, rtol=1e-8)  # x = x0 - t, then less x0 (t - 1)


def test_adjoint_equations_of_many_delays_are_refused():
    terms = " + ".join(f"x(t - {0.2 + k / 400:g})" for k in range(200))
    problem = symde.Problem(f"state x = 1\nhistory x = 1\nx' = -({terms})/200\ntime 0 .. 3")
    with pytest.raises(ValueError, match="of 200 delays would stop at too many"):
        symde.value_and_grad(summed, problem, sensealg="interpolating", wrt="u0")


def test_auto_takes_what_keeps_nothing_where_the_others_keep_too_much():
    problem = symde.Problem("param a = 1\nstate x = 1\nx' = -a*x(t - 1) + sin(20*t)\ntime 0 .. 100")
    for _ in range(2):
        _, grad = symde.value_and_grad(summed, problem, wrt="p", memory=20_000)
        assert grad.sensealg == "forward"
