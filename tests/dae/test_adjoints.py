"""Continuous adjoints of M u' = f, and discrete ones through parameters of M, against forward columns."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.dae.problems import BRIDGE, akzo, rober
from tests.dae.systems import with_mass
from tests.dae.test_sensitivities import ENTRIES, MASSIVE, linear, weighted

CONTINUOUS = ("interpolating", "gauss")

PENDULUM = """
model Pendulum
  param g = 9.81, L = 1, m = 2
  state x = 0.6, y
  state T = 0 "a guess"
  x'(0) = 0; y'(0) = 0
  time 0 .. 2
  m*x'' = -T*x
  m*y'' = -T*y - m*g
  x^2 + y^2 = L^2
end
"""

BOUNCED = """
model Bounced
  param a = 2, b = 1
  state x = 1, z = 1
  time 0 .. 3
  x' = -a*x + z
  0 = z^3 + z - b*x - 1
  when x < 0.7:
    x = 1.2*b
end
"""


def massive():
    return symde.Problem(with_mass(MASSIVE, ENTRIES, algebraic=("z",)))


def pendulum():
    return symde.Problem(symde.ode_def(PENDULUM), u0={"y": -1})


CASES = {
    "linear": (linear, ("p", "u0"), [0.0, 0.5, 2.0]),
    "massive": (massive, ("a", "k", "e", "c", "u0"), [0.0, 0.33, 2.0]),
    "akzo": (lambda: symde.Problem(akzo()), ("k1", "K", "klA", "Ks"), [0.0, 10.0, 180.0]),
    "rober": (lambda: symde.Problem(rober()), ("k1", "k2", "k3"), [10.0, 1e3, 1e5]),
    "pendulum": (pendulum, ("g", "L", "m"), [0.0, 0.5, 2.0]),
    "bounced": (lambda: symde.Problem(symde.ode_def(BOUNCED)), ("a", "b", "u0"), [0.5, 2.0, 3.0]),
}
"""Algebraic variables read at points, at the start too; parameters in M; initial values that a constraint
determines; an event."""


def gradient(problem, wrt, times, method, sensealg, rtol=1e-7, atol=1e-11):
    """Derivatives of a weighted sum of all states at these times, by name."""
    weights = np.random.default_rng(3).normal(size=(len(times), len(problem.u0)))
    options = {"rtol": rtol, "atol": atol, "saveat": times, "wrt": wrt}
    found = symde.value_and_grad(weighted(weights), problem, method, sensealg=sensealg, **options)[1]
    return {name: np.asarray(found[name]) for name in wrt}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    make, wrt, times = CASES[request.param]
    problem = make()
    return problem, wrt, times, gradient(problem, wrt, times, "Rodas5P", "forward", 1e-10, 1e-13)


@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "KenCarp4", "Radau"])
@pytest.mark.parametrize("sensealg", CONTINUOUS)
def test_continuous_adjoints_agree_with_forward_sensitivities(sensealg, method, case):
    problem, wrt, times, expected = case
    found = gradient(problem, wrt, times, method, sensealg)
    for name in wrt:
        size = np.abs(expected[name]).max()
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=3e-6 * size)


@pytest.mark.parametrize("method", ["Rodas5P", "KenCarp4", "Radau"])
def test_discrete_adjoints_know_parameters_of_the_mass_matrix(method):
    problem, (_, wrt, times) = massive(), CASES["massive"]
    expected = gradient(problem, wrt, times, "Rodas5P", "forward", 1e-10, 1e-13)
    found = gradient(problem, wrt, times, method, "discrete")
    for name in wrt:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


def test_losses_that_read_algebraic_variables_alone_have_the_derivatives_of_their_equations():
    # z = (c x + sin 2t)/b, read at the start alone, where x = 1 + c/2: at c = 1, b = 2 and t = 0
    options = {"saveat": [0.0], "rtol": 1e-6, "atol": 1e-9, "wrt": ("p", "u0")}
    for sensealg in CONTINUOUS:
        _, found = symde.value_and_grad(
            weighted(np.array([[0.0, 1.0]])), linear(), sensealg=sensealg, **options
        )
        np.testing.assert_allclose(found["p"], [0.0, -0.375, 1.0], rtol=1e-12)
        np.testing.assert_allclose(found["u0"], [0.5, 0.0], rtol=1e-12, atol=1e-15)


def test_integral_losses():
    # the integral of z = (c x + sin 2t)/b, a state beside the others, which the loss reads at the end
    text = """
    param a = 1, b = 2, c = 1
    state x = 1 + c/2, z = 5, total = 0
    time 0 .. 2
    x' = -a*x + z
    0 = c*x - b*z + sin(2*t) + 0*z^2
    total' = z
    """
    problem = symde.Problem(symde.ode_def(text))
    place = problem.system.state_names.index("total")
    weights = np.zeros((1, len(problem.u0)))
    weights[0, place] = 1.0
    options = {"saveat": [2.0], "rtol": 1e-8, "atol": 1e-10, "wrt": ("p", "u0")}
    found = {
        sensealg: symde.value_and_grad(weighted(weights), problem, sensealg=sensealg, **options)[1]
        for sensealg in (*CONTINUOUS, "discrete", "forward")
    }
    for sensealg in CONTINUOUS:
        for wrt in ("p", "u0"):
            np.testing.assert_allclose(found[sensealg][wrt], found["forward"][wrt], rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(found[sensealg][wrt], found["discrete"][wrt], rtol=1e-6, atol=1e-9)


def test_automatic_gradients_consider_them():
    problem, (_, wrt, times) = pendulum(), CASES["pendulum"]
    found = gradient(problem, wrt, times, "Rodas5P", "auto")
    expected = gradient(problem, wrt, times, "Rodas5P", "forward")
    for name in wrt:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)


def test_starts_that_leave_a_constraint_have_no_adjoint_either():
    problem = symde.Problem(symde.ode_def(PENDULUM.replace("y\n", "y = -0.8\n", 1)))
    for sensealg in CONTINUOUS:
        with pytest.raises(ValueError, match=r"leaves the constraint `x\^2 \+ y\^2 = L\^2` when L changes"):
            gradient(problem, ("L",), [1.0], "Rodas5P", sensealg)


def test_what_continuous_adjoints_do_not_know_is_told():
    problem = symde.Problem(symde.ode_def(BRIDGE))
    for sensealg in CONTINUOUS:
        with pytest.raises(ValueError, match=r"fewer such equations than derivatives \(of p, n\)"):
            gradient(problem, ("R",), [0.01], "Rodas5P", sensealg)
    with pytest.raises(ValueError, match="backsolve' knows no adjoint equations of models with equations"):
        gradient(linear(), ("a",), [1.0], "Rodas5P", "backsolve")
