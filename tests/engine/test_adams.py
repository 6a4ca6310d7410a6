"""Adams formulas on any grid: exact for polynomials of their order, two evaluations a step."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symde
from symde.engine.cpu.families.adams import USED
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry
from symde.engine.methods.adams import AdamsMethod
from symde.outcome import continuous
from tests.problems import get


def up_to(order):
    return AdamsMethod(
        name=f"Adams{order}",
        order=order,
        real_stability=1.4,
        citation="none",
        when_to_use="None.",
        source="none",
    )


def steps_of(problem, method, rtol=1e-5, atol=1e-5):
    """(order, t, h, u before, interpolant coefficients, u after) of every step."""
    session = Session(problem.system.kernels, [packed(method)])
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, atol
    session.begin(
        *problem.tspan,
        rtol=rtol,
        saveat=None,
        save_steps=False,
        dense=True,
        dt0=None,
        dtmax=math.inf,
        max_steps=10**5,
        single_step=True,
    )
    orders, ends = [], [session.vector("u")]
    while session.run() == Status.STEPPED:
        orders.append(int(session.arrays["memory0"][USED]))
        ends.append(session.vector("u"))
    dense = continuous(session)
    return zip(orders, dense.start, dense.length, ends, dense.coefficients, ends[1:], strict=False)


def quadrature_defects(order, degree):
    """How far steps of an order are from the integral of 1 + t^degree, at the end and inside; their sizes."""
    problem = symde.Problem(f"state x = 0\nx' = 1 + t^{degree}", tspan=(0.5, 20))
    worst_end, worst_inside, sizes, past = 0.0, 0.0, [], []
    for used, t, h, before, coefficients, after in steps_of(problem, up_to(order)):
        past = [*past[-order:], h]
        # the start doubles its steps, and with each the differences' rounding grows by up to 2^k
        if used != order or len(past) <= order or min(past) < 0.3 * h:
            continue
        sizes.append(h)
        exact = h + ((t + h) ** (degree + 1) - t ** (degree + 1)) / (degree + 1)
        worst_end = max(worst_end, abs(after[0] - before[0] - exact) / exact)
        middle = 0.3 * h + ((t + 0.3 * h) ** (degree + 1) - t ** (degree + 1)) / (degree + 1)
        value = sum(c[0] * 0.3**m for m, c in enumerate(coefficients)) - before[0]
        worst_inside = max(worst_inside, abs(value - middle) / middle)
    return worst_end, worst_inside, sizes


@pytest.mark.parametrize("order", range(1, 13))
def test_the_corrector_of_order_k_integrates_polynomials_of_degree_k_exactly_on_any_grid(order):
    end, inside, sizes = quadrature_defects(order, order)
    assert len(sizes) >= 3
    assert end < 1e-12 and inside < 1e-12  # a hundred sums of numbers of the size of the increments


@pytest.mark.parametrize("order", range(1, 13))
def test_and_no_others(order):
    end, inside, sizes = quadrature_defects(order, order + 1)
    assert len(set(np.round(sizes, 12))) >= 3  # the grid is not uniform
    assert end > 1e-10 and inside > 1e-10


def test_the_order_follows_the_tolerance():
    problem = get("lorenz").problem
    means = []
    for tolerance in (1e-3, 1e-6, 1e-10):
        orders = [step[0] for step in steps_of(problem, registry.get("VCABM"), tolerance, tolerance)]
        means.append(np.mean(orders))
    assert means[0] + 1 < means[1] < means[2] - 1
    assert max(orders) == 12


@pytest.mark.parametrize("name", ["lorenz", "pleiades", "lotka"])
def test_a_step_takes_two_evaluations_and_a_rejected_one_takes_one(name):
    case = get(name)
    stats = symde.solve(case.problem, "VCABM", rtol=1e-7, atol=1e-7, saveat=[case.problem.tspan[1]]).stats
    # the start takes two, f and the probe of the first step size; the last step needs no f at its end
    assert stats.evaluations == 2 * stats.accepted + stats.rejected + 1


# counts as found on the reviewed version of the step and order control; within 3 per cent, for rounding
@pytest.mark.parametrize(
    "name, rtol, steps", [("lotka", 1e-6, 179), ("lorenz", 1e-6, 482), ("pleiades", 1e-9, 713)]
)
def test_the_work_on_known_problems(name, rtol, steps):
    case = get(name)
    options = {"rtol": rtol, "atol": rtol, "saveat": [case.problem.tspan[1]]}
    assert symde.solve(case.problem, "VCABM", **options).stats.steps == pytest.approx(steps, rel=0.03)


def test_tight_tolerances_take_far_fewer_evaluations_than_one_step_methods():
    case = get("pleiades")
    found = {}
    for method, rtol in (("VCABM", 1e-12), ("Vern7", 1e-10)):
        solution = symde.solve(case.problem, method, rtol=rtol, atol=rtol, saveat=[case.problem.tspan[1]])
        error = np.abs(solution.u[-1] - case.end).max()
        found[method] = error, solution.stats.evaluations
    assert found["VCABM"][0] < found["Vern7"][0]
    assert found["VCABM"][1] < 0.6 * found["Vern7"][1]


def test_the_continuous_solution_joins_the_steps():
    problem = get("lotka").problem
    for _, _, _, before, coefficients, after in steps_of(problem, registry.get("VCABM")):
        np.testing.assert_array_equal(coefficients[0], before)
        # a sum of 14 vectors against one that was compensated
        np.testing.assert_allclose(coefficients.sum(axis=0), after, rtol=1e-14)


def test_a_new_state_forgets_the_past():
    problem = symde.Problem("state x = 1\nx' = -x + sin(t)", tspan=(0, 4))
    integrator = symde.Integrator(problem, "VCABM", rtol=1e-9, atol=1e-9)
    integrator.advance(2.0)
    integrator.set_u([5.0])
    end = integrator.advance(4.0)
    fresh = symde.solve(symde.remake(problem, u0=[5.0], tspan=(2, 4)), "Vern9", rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(end, fresh.u[-1], rtol=1e-8)


@pytest.mark.parametrize("gap", [0.1, 0.037, 1e-4])
def test_stops_cost_no_accuracy(gap):
    """After a step cut short by a stop the next is at most twice as long: no differences are stretched."""
    case = get("lotka")
    integrator = symde.Integrator(case.problem, "VCABM", rtol=1e-9, atol=1e-9)
    end = case.problem.tspan[1]
    for t in [*np.arange(1, 100) * gap, end]:
        integrator.advance(min(t, end))
    # tolerance 1e-9 a step, hundreds of steps
    np.testing.assert_allclose(integrator.u, case.end, rtol=1e-6)


def test_stops_within_reach_do_not_shrink_the_steps():
    case = get("lotka")
    plain = symde.solve(case.problem, "VCABM", rtol=1e-6, atol=1e-6, saveat=[10.0]).stats.steps
    integrator = symde.Integrator(case.problem, "VCABM", rtol=1e-6, atol=1e-6)
    for t in np.linspace(0, case.problem.tspan[1], 11)[1:]:
        integrator.advance(t)
    assert integrator.stats.steps < 1.4 * plain


def test_a_jump_of_the_right_hand_side_is_passed():
    problem = symde.Problem("state x = 0, y = 1\nx' = 1 if t < 1 else -2\ny' = -y", tspan=(0, 3))
    end = symde.solve(problem, "VCABM", rtol=1e-8, atol=1e-8).u[-1]
    np.testing.assert_allclose(end, [1 - 4, math.exp(-3)], atol=1e-6)


def test_a_stiff_problem_ends_with_advice():
    failed = symde.solve(get("rober_1e5").problem, "VCABM", throw=False)
    assert failed.retcode is symde.Retcode.STIFF and "Rodas5P" in failed.message


def test_a_solution_that_blows_up_ends():
    failed = symde.solve(symde.Problem("state x = 1\nx' = x^2", tspan=(0, 2)), "VCABM", throw=False)
    assert not failed.success
    assert failed.t[-1] == pytest.approx(1, abs=1e-3)


def test_a_right_hand_side_that_is_not_finite_is_told():
    problem = symde.Problem("state x = 1\nx' = -1/sqrt(x)", tspan=(0, 2))
    failed = symde.solve(problem, "VCABM", throw=False)
    assert not failed.success
    assert failed.t[-1] == pytest.approx(2 / 3, abs=1e-3)  # x^(3/2) = 1 - 3 t / 2
