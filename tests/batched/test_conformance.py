"""The batched engine takes the steps of the compiled one: same method, same problem, same accepted and
rejected."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import symde
from symde.engine.batched import integrate
from symde.engine.cpu.layout import Status
from symde.outcome import RETCODES
from tests.batched.batches import alone, rhs_of
from tests.problems import get

EXPLICIT = ("BS3", "Tsit5", "DP5", "Vern6", "Vern7", "Vern8", "Vern9")
ROSENBROCK = ("Rosenbrock23", "Rodas4", "Rodas5P")
ESDIRK = ("KenCarp3", "KenCarp4", "Kvaerno5", "TRBDF2")
SMOOTH = ("lotka", "forced", "arenstorf")
STIFF = ("rober_1e5", "hires", "pollu")

CASES = [
    *((method, name, 1e-5) for method in EXPLICIT for name in SMOOTH),
    *((method, name, 1e-4) for method in ROSENBROCK for name in STIFF),
]


def solved(method: str, name: str, rtol: float, **options):
    case = get(name)
    u0, p = alone(name)
    t0, t1 = case.problem.tspan
    return integrate(rhs_of(name), u0, p, t0, t1, method=method, rtol=rtol, atol=rtol * case.floor, **options)


@pytest.mark.parametrize(("method", "name", "rtol"), CASES)
def test_steps_and_states_are_those_of_the_compiled_engine(method, name, rtol):
    case = get(name)
    found = solved(method, name, rtol)
    other = symde.solve(case.problem, method, rtol=rtol, atol=rtol * case.floor)
    assert (int(found.accepted[0]), int(found.rejected[0])) == (other.stats.accepted, other.stats.rejected)
    # both round, error estimates of high order magnify that, and so do orbits: the solves are off by far more
    difference = np.abs(found.u[0, :, 0].numpy() - other.u[-1]) / (case.floor + np.abs(other.u[-1]))
    assert difference.max() < 1e-2 * max(case.error(other.u[-1]), 1e-9)


@pytest.mark.parametrize("method", ESDIRK)
@pytest.mark.parametrize("name", ["rober_1e5", "pollu"])
def test_esdirk_steps_differ_by_borderline_decisions_alone(method, name):
    # the compiled engine keeps Jacobians from step to step; here each step has its own
    case = get(name)
    found = solved(method, name, 1e-4)
    other = symde.solve(case.problem, method, rtol=1e-4, atol=1e-4 * case.floor)
    steps = int(found.accepted[0] + found.rejected[0])
    assert abs(steps - other.stats.steps) <= 2 + 0.05 * other.stats.steps
    assert case.error(found.u[0, :, 0].numpy()) < 3 * case.error(other.u[-1]) + 1e-5


@pytest.mark.parametrize(("method", "name"), [("Tsit5", "lotka"), ("Vern7", "lotka"), ("Rodas5P", "hires")])
def test_saved_points_are_those_of_the_compiled_engine(method, name):
    case = get(name)
    times = np.linspace(*case.problem.tspan, 23)
    found = solved(method, name, 1e-5, saveat=torch.from_numpy(times))
    other = symde.solve(case.problem, method, rtol=1e-5, atol=1e-5 * case.floor, saveat=times)
    np.testing.assert_allclose(found.u[:, :, 0].numpy(), other.u, rtol=1e-9, atol=1e-9 * case.floor)


def test_backward_in_time_too():
    u0, p = alone("lotka")
    there = integrate(rhs_of("lotka"), u0, p, 0.0, 3.0, method="Vern7", rtol=1e-7, atol=1e-10)
    times = torch.tensor([3.0, 2.0, 0.0], dtype=torch.float64)
    back = integrate(rhs_of("lotka"), there.u[0], p, 3.0, 0.0, times, "Vern7", rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(back.u[0], there.u[0], rtol=0, atol=0)
    torch.testing.assert_close(back.u[2], u0, rtol=1e-5, atol=0)


FAILURES = {
    "blow-up": ("x' = x^2", 2.0, {}, Status.STEP_TOO_SMALL),
    "edge of a domain": ("x' = -sqrt(x) - 1", 2.0, {}, Status.NON_FINITE),
    "not finite at the start": ("x' = log(x - 2)", 1.0, {}, Status.NON_FINITE),
    "steps run out": ("x' = cos(50*t)", 10.0, {"max_steps": 20}, Status.MAX_STEPS),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_have_the_compiled_engines_return_codes(name):
    equation, end, options, status = FAILURES[name]
    problem = symde.Problem(f"state x = 1\n{equation}", tspan=(0, end))
    ours = symde.solve(problem, "Tsit5", backend="torch", throw=False, **options)
    other = symde.solve(problem, "Tsit5", throw=False, **options)
    assert ours.retcode is other.retcode is RETCODES[status]
    # at the edge itself rounding decides which of the last attempts are finite
    margin = 5 if name == "edge of a domain" else 0
    assert abs(ours.stats.accepted - other.stats.accepted) <= margin
    assert abs(ours.stats.rejected - other.stats.rejected) <= margin


@pytest.mark.parametrize("method", ["Euler", "RK4"])
def test_fixed_steps_are_those_of_the_compiled_engine(method):
    problem = get("lotka").problem
    ours = symde.solve(problem, method, backend="torch", dt0=0.01, saveat=[2.5, 10.0])
    other = symde.solve(problem, method, dt0=0.01, saveat=[2.5, 10.0])
    np.testing.assert_allclose(ours.u, other.u, rtol=1e-11)
    assert ours.stats.accepted == other.stats.accepted
