"""What a multistep method has to do that a one-step method has not: begin again, and remember no more than
holds."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry
from tests.problems import get

BOTH = pytest.mark.parametrize("method", ["QNDF", "FBDF"])
RELAX = """model Relax
  param k = 1e3
  state x = 0, y = 1
  time 0 .. 3
  x' = -k*(x - y)
  y' = -y
end"""


def relaxed(t, y, k=1e3):
    """x(t) on the slow manifold of Relax, y being y(t): x = k/(k - 1) y."""
    return np.stack([k / (k - 1) * y * np.exp(-t), y * np.exp(-t)], axis=-1)


@pytest.fixture
def problem():
    return symde.Problem(symde.ode_def(RELAX))


@BOTH
def test_a_state_that_is_replaced_begins_a_new_past(problem, method):
    integrator = symde.Integrator(problem, method, rtol=1e-7, atol=1e-9)
    integrator.advance(1.0)
    integrator.set_u({"x": -5.0, "y": 3.0})
    end = integrator.advance(2.0)
    np.testing.assert_allclose(end, relaxed(1.0, 3.0), rtol=1e-5)
    same = symde.solve(symde.remake(problem, u0=[-5.0, 3.0], tspan=(1, 2)), method, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(end, same.u[-1], rtol=1e-5)


@BOTH
def test_many_stops_cost_steps_but_no_accuracy(problem, method):
    integrator = symde.Integrator(problem, method, rtol=1e-7, atol=1e-9)
    for t in np.linspace(0.1, 3.0, 30):
        found = integrator.advance(float(t))
        np.testing.assert_allclose(found, relaxed(t, 1.0), rtol=1e-5)
    integrator.reinit()
    # a stop just after a step: its difference quotient over 1e-7 has few digits, and must do no harm
    first = integrator.advance(1.0)
    np.testing.assert_allclose(integrator.advance(1.0 + 1e-7), first, rtol=1e-5)
    np.testing.assert_allclose(integrator.advance(3.0), relaxed(3.0, 1.0), rtol=1e-5)


@BOTH
def test_saved_points_between_steps_are_the_continuous_solution(problem, method):
    times = np.linspace(0.013, 2.9, 57)
    whole = symde.solve(problem, method, rtol=1e-7, atol=1e-9)
    saved = symde.solve(problem, method, rtol=1e-7, atol=1e-9, saveat=times)
    np.testing.assert_allclose(saved.u, whole(times), rtol=1e-13)
    np.testing.assert_allclose(saved.u, relaxed(times, 1.0), rtol=1e-5)


@BOTH
def test_time_may_run_backward(method):
    # growing forward, stiffly decaying backward: x follows cos t
    text = "model Back\n state x = 1\n time 0 .. -10\n x' = 500*(x - cos(t)) - sin(t)\nend"
    solution = symde.solve(symde.Problem(symde.ode_def(text)), method, rtol=1e-7, atol=1e-9)
    assert solution.stats.accepted < 300
    times = np.linspace(0, -10, 101)
    np.testing.assert_allclose(solution(times)[:, 0], np.cos(times), atol=3e-6)


@BOTH
def test_a_largest_step_does_not_hold_the_order_back(method):
    text = "model Smooth\n state x = 1, y = 0\n time 0 .. 10\n x' = y\n y' = -x\nend"
    problem = symde.Problem(symde.ode_def(text))
    solution = symde.solve(problem, method, rtol=1e-6, atol=1e-6, dtmax=0.02)
    # 500 steps of order 1 err by 0.1, those of order 2 by 3e-4
    assert solution.stats.accepted < 600
    assert abs(solution.u[-1, 0] - np.cos(10)) < 1e-5


@BOTH
def test_what_cannot_be_solved_is_told(method):
    cases = {
        "x' = sqrt(0.5 - t)": symde.Retcode.NON_FINITE,
        "x' = x^2": symde.Retcode.STEP_TOO_SMALL,
    }
    for equation, retcode in cases.items():
        text = f"model Hard\n state x = 1\n time 0 .. 2\n {equation}\nend"
        solution = symde.solve(symde.Problem(symde.ode_def(text)), method, throw=False)
        assert solution.retcode is retcode
        assert abs(solution.t[-1] - (0.5 if "sqrt" in equation else 1.0)) < 1e-3


@BOTH
def test_hard_starts_and_jumps_are_passed(method):
    hard = {
        # J = 0 at the start; y = t^3 / 3 follows from x = t
        "state x = 0, y = 0\n x' = 1\n y' = x^2": (2.0, 8 / 3),
        # a jump of the slope at t = 1
        "state x = 0, y = 0\n x' = (1 if t < 1 else -3)\n y' = -1e4*(y - x)": (-2.0, -2.0 + 3e-4),
        # states over sixty orders of magnitude
        "state x = 1e-30, y = 1e30\n x' = -50*x\n y' = -y": (np.exp(-100) * 1e-30, np.exp(-2) * 1e30),
    }
    for body, expected in hard.items():
        problem = symde.Problem(symde.ode_def(f"model Hard\n {body}\n time 0 .. 2\nend"))
        solution = symde.solve(problem, method, rtol=1e-7, atol=[1e-80, 1e-10])
        np.testing.assert_allclose(solution.u[-1], expected, rtol=1e-4)


@BOTH
def test_a_state_of_zero_without_tolerance_stays(method):
    problem = symde.Problem(
        symde.ode_def("model Z\n state x = 0, y = 1\n time 0 .. 2\n x' = -x*y\n y' = -y\nend")
    )
    solution = symde.solve(problem, method, atol=0.0)
    assert solution.u[-1, 0] == 0 and solution.u[-1, 1] == pytest.approx(np.exp(-2), rel=1e-4)


@BOTH
def test_far_from_time_zero_steps_are_the_same(method):
    text = "model Far\n state x = 1\n time 0 .. 5\n x' = -2*x\nend"
    problem = symde.Problem(symde.ode_def(text))
    near = symde.solve(problem, method)
    far = symde.solve(symde.remake(problem, tspan=(1e6, 1e6 + 5)), method)
    assert far.stats.accepted == pytest.approx(near.stats.accepted, abs=5)
    np.testing.assert_allclose(far.u[-1], near.u[-1], rtol=1e-3)


@BOTH
def test_after_an_explicit_method_it_begins_without_a_past(method):
    case = get("vanderpol_1e3")
    problem = case.problem
    session = Session(problem.system.kernels, [packed(registry.get(name)) for name in ("Tsit5", method)])
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, 1e-6 * case.floor
    t0, t1 = problem.tspan
    session.begin(
        t0, t1, rtol=1e-6, saveat=None, save_steps=True, dense=False, dt0=None, dtmax=np.inf, max_steps=10**5
    )
    assert session.run() == Status.DONE
    assert session.counters().switches >= 1 and session.counters().accepted < 5000
    assert case.error(session.output.saved()[1][-1]) < 40e-6
