"""The discrete adjoint is the derivative of what a method computed: against complex-step differences of the
same steps in plain Python, for every family."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.adjoints import FAMILIES
from symde.engine.cpu.layout import FORMULA
from symde.engine.methods import registry
from symde.sensitivity import discrete
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import wrt_of

from .frozen import Model, gradient

PREDATORS = Model(
    """
model Predators
  param a = 1.5, b = 1.0, c = 3.0, d = 1.0, e = 0.3
  state x = 1, y = 1.2
  dx = a*x - b*x*y + e*sin(2*t)
  dy = -c*y + d*x*y
end
""",
    lambda t, u, p: np.array(
        [p[0] * u[0] - p[1] * u[0] * u[1] + p[4] * np.sin(2 * t), -p[2] * u[1] + p[3] * u[0] * u[1]]
    ),
    lambda t, u, p: np.array([[p[0] - p[1] * u[1], -p[1] * u[0]], [p[3] * u[1], -p[2] + p[3] * u[0]]]),
    lambda t, u, p: np.array([2 * p[4] * np.cos(2 * t), 0 * t]),
)

ROBER = Model(
    """
model Rober
  param k1 = 0.04, k2 = 3e7, k3 = 1e4
  state y1 = 1, y2 = 0, y3 = 0
  dy1 = -k1*y1 + k3*y2*y3
  dy2 =  k1*y1 - k2*y2^2 - k3*y2*y3
  dy3 =  k2*y2^2
end
""",
    lambda t, u, p: np.array(
        [
            -p[0] * u[0] + p[2] * u[1] * u[2],
            p[0] * u[0] - p[1] * u[1] ** 2 - p[2] * u[1] * u[2],
            p[1] * u[1] ** 2,
        ]
    ),
    lambda t, u, p: np.array(
        [
            [-p[0], p[2] * u[2], p[2] * u[1]],
            [p[0], -2 * p[1] * u[1] - p[2] * u[2], -p[2] * u[1]],
            [0, 2 * p[1] * u[1], 0],
        ]
    ),
    lambda t, u, p: np.zeros(3),
)

SPRINGS = Model(
    """
model Springs
  param k = 1.5, m = 1.2, e = 0.3
  state q = 1, p = 0.2, r = 0.5, s = -0.1
  dq = p/m
  dr = s
  dp = -k*q - e*q*r - 0.1*sin(q + t)
  ds = -r - e*q^2/2
end
""",
    lambda t, u, p: np.array(
        [
            u[1] / p[1],
            -p[0] * u[0] - p[2] * u[0] * u[2] - 0.1 * np.sin(u[0] + t),
            u[3],
            -u[2] - p[2] * u[0] ** 2 / 2,
        ]
    ),
    lambda t, u, p: np.array(
        [
            [0, 1 / p[1], 0, 0],
            [-p[0] - p[2] * u[2] - 0.1 * np.cos(u[0] + t), 0, -p[2] * u[0], 0],
            [0, 0, 0, 1],
            [-p[2] * u[0], 0, -1, 0],
        ]
    ),
    lambda t, u, p: np.array([0, -0.1 * np.cos(u[0] + t), 0, 0]),
    positions=np.array([True, False, True, False]),
)

TIMES = {
    "the end": [2.0],
    "step ends and between": [0.0, 0.0, 0.13, 0.7, 0.7, 0.71, 1.9, 2.0, 2.0],
}


def able(*kinds: str) -> list[str]:
    """Methods of these families."""
    return [name for name in registry.names() if registry.get(name).family in kinds]


def difference(model, method, tspan, times, rtol, dt0=None, u0=None, atol=None, slots=None):
    """The largest error of the discrete adjoint, relative to the largest derivative, each times its
    parameter. `slots` takes the numbers of the methods that took steps."""
    problem = symde.Problem(model.text, tspan=tspan, u0=u0)
    atol = 1e-3 * rtol if atol is None else atol
    run = prepare(problem, method, rtol=rtol, atol=atol, saveat=times, dt0=dt0)
    found = discrete.record(run, wrt_of(("u0", "p"), problem.system))
    if slots is not None:
        slots.update((found.steps.slot[: found.steps.count] % FORMULA).tolist())
    weights = np.random.default_rng(1).normal(size=found.solution.u.shape)
    du0, dp = found.pull_back(weights)
    expected_u0, expected_p = gradient(
        model, found.run.plan.methods, found.steps, found.steps.count, problem.u0, problem.p, times, weights
    )
    scale = np.concatenate([np.ones(len(du0)), problem.p])
    error = np.abs(scale * np.concatenate([du0 - expected_u0, dp - expected_p])).max()
    return error / np.abs(scale * np.concatenate([expected_u0, expected_p])).max()


@pytest.mark.parametrize("times", TIMES, ids=str)
@pytest.mark.parametrize(
    "method", able("explicit", "explicit_two_estimates", "rosenbrock", "esdirk", "radau")
)
def test_adaptive_methods(method, times):
    fixed = not registry.get(method).adaptive
    found = difference(PREDATORS, method, (0.0, 2.0), TIMES[times], 1e-5, dt0=0.1 if fixed else None)
    assert found < 1e-9


@pytest.mark.parametrize("method", able("gauss"))
def test_collocation_with_fixed_steps(method):
    assert difference(PREDATORS, method, (0.0, 2.0), TIMES["step ends and between"], 1e-5, dt0=0.1) < 1e-9


@pytest.mark.parametrize("method", able("symplectic", "nystrom"))
def test_methods_of_positions_and_momenta(method):
    fixed = not registry.get(method).adaptive
    times = TIMES["step ends and between"]
    assert difference(SPRINGS, method, (0.0, 2.0), times, 1e-6, dt0=0.1 if fixed else None) < 1e-9


@pytest.mark.parametrize("method", able("rosenbrock", "esdirk", "radau"))
def test_stiff(method):
    times = [0.0, 1e-3, 1.0, 37.0, 100.0]
    assert difference(ROBER, method, (0.0, 100.0), times, 1e-4) < 1e-9


@pytest.mark.parametrize("method", ["Tsit5", "DOP853", "Rodas5P", "KenCarp4", "Radau"])
def test_backwards_in_time(method):
    assert difference(PREDATORS, method, (1.0, -0.5), [1.0, 0.5, 0.11, -0.5], 1e-5) < 1e-9


@pytest.mark.parametrize("method", ["DPRKN6", "Yoshida6"])
def test_positions_and_momenta_backwards_in_time(method):
    fixed = not registry.get(method).adaptive
    times = [1.0, 0.5, 0.11, -0.5]
    assert difference(SPRINGS, method, (1.0, -0.5), times, 1e-6, dt0=0.1 if fixed else None) < 1e-9


def test_every_family_is_tested():
    tested = {"explicit", "explicit_two_estimates", "rosenbrock", "esdirk", "radau", "gauss"}
    assert set(FAMILIES) == tested | {"symplectic", "nystrom"}
