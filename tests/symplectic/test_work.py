"""How much work steps are, and that a solve may be stopped and gone on with anywhere."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

from .systems import COUPLED, FORCED, GAUSS, HENON_HEILES, KEPLER, NYSTROM, SPLITTING, problem

METHODS = [*SPLITTING, *NYSTROM, *GAUSS]


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def options(method):
    return {"rtol": 1e-8, "atol": 1e-8} if method.adaptive else {"dt0": 0.03125}


FORCES = {
    "SymplecticEuler": 1, "VelocityVerlet": 1, "McAte2": 2, "Ruth3": 3, "McAte3": 3, "McAte4": 4,
    "CandyRoz4": 3, "Yoshida6": 7, "KahanLi6": 9, "KahanLi8": 17,
}  # fmt: skip
"""Evaluations of the force in a step, from the papers."""


@named(SPLITTING)
def test_a_step_costs_as_many_forces_as_it_has_kicks(method):
    stats = symde.solve(problem(KEPLER, tspan=(0, 100 / 32)), method, **options(method), dense=False).stats
    # where first and last kick are the same force, the first step has one more
    assert stats.accepted == 100
    assert stats.evaluations == 100 * FORCES[method.name] + method.fsal
    assert method.stages == FORCES[method.name]
    assert stats.jacobians == stats.products == stats.factorisations == 0


# the interpolant's own evaluations: none for the ends after the first step but one, and 0, 1 + 2 or
# 1 + 2 + 3 + 4 at its nodes
@pytest.mark.parametrize("name, more", [("VelocityVerlet", 1), ("KahanLi6", 4), ("KahanLi8", 11)])
def test_dense_output_costs_what_its_passes_cost(name, more):
    stats = symde.solve(problem(KEPLER, tspan=(0, 100 / 32)), name, dt0=1 / 32).stats
    assert stats.evaluations == 100 * (FORCES[name] + more) + 2


# snapshots: a change here must be meant (steps accepted, rejected, evaluations; one step of margin for libm)
@pytest.mark.parametrize(
    "name, accepted, rejected, forces", [("DPRKN6", 153, 1, 5), ("DPRKN8", 43, 5, 8), ("DPRKN12", 17, 3, 17)]
)
def test_pairs_take_as_many_steps_as_they_took(name, accepted, rejected, forces):
    stats = symde.solve(problem(KEPLER), name, rtol=1e-8, atol=1e-8, dense=False).stats
    assert abs(stats.accepted - accepted) <= 1 and abs(stats.rejected - rejected) <= 1
    method = registry.get(name)
    # a rejected attempt keeps its first stage
    first = 1 if method.fsal else stats.accepted
    start = 2  # f(u0) and one difference of it choose the first step
    later = method.stages - 1
    assert stats.evaluations == start + first + later * stats.steps
    assert stats.products == 0


@pytest.mark.parametrize(
    "name, iterations", [("ImplicitMidpoint", 7), ("GaussLegendre4", 8), ("GaussLegendre6", 8)]
)
def test_collocation_factorises_seldom_and_ends_in_a_few_iterations(name, iterations):
    stats = symde.solve(problem(HENON_HEILES), name, dt0=0.1, dense=False).stats
    assert stats.accepted == 1000 and stats.iterations <= iterations * 1000
    assert stats.factorisations <= 50 and stats.jacobians == stats.factorisations
    stages = registry.get(name).stages
    assert stats.evaluations == stages * stats.iterations + stats.jacobians


def run(method):
    text = FORCED if method.family == "nystrom" or getattr(method, "nystrom", False) else KEPLER
    return problem(text, tspan=(0.0, 2.0))


@named(METHODS)
def test_steps_by_hand_are_the_steps_of_a_solve(method):
    whole = symde.solve(run(method), method, **options(method))
    integrator = symde.Integrator(run(method), method, **options(method))
    while not integrator.done:
        integrator.step()
    np.testing.assert_array_equal(integrator.solution().u, whole.u)
    np.testing.assert_array_equal(integrator.solution()(1.234), whole(1.234))


@named(METHODS)
def test_what_is_saved_between_steps_changes_none_of_them(method):
    dense = symde.solve(run(method), method, **options(method))
    times = np.array([0.0, 0.111, 1.234, 1.235, 2.0])
    saved = symde.solve(run(method), method, saveat=times, **options(method))
    np.testing.assert_array_equal(saved.u[-1], dense.u[-1])
    # at its ends the dense output meets the steps up to its own rounding
    tolerance = 1e-12 if method.order == 12 else 1e-13
    np.testing.assert_allclose(saved.u, dense(times), rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(symde.solve(run(method), method, dense=False, **options(method)).u, dense.u)


@named(METHODS)
def test_a_new_state_between_steps_is_a_new_start(method):
    integrator = symde.Integrator(run(method), method, **options(method))
    integrator.advance(1.0)
    state = integrator.u * 1.1
    integrator.set_u(state)
    end = integrator.advance(2.0)
    again = symde.remake(run(method), u0=state, tspan=(1.0, 2.0))
    fresh = symde.solve(again, method, **options(method))
    # adaptive steps differ, fixed ones do not
    tolerance = 1e-6 if method.adaptive else 1e-13
    np.testing.assert_allclose(end, fresh.u[-1], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(integrator.solution()(1.5), fresh(1.5), rtol=tolerance, atol=tolerance)


@named(METHODS)
def test_callbacks_see_every_step_and_may_stop(method):
    seen = []
    solution = symde.solve(
        run(method), method, callback=lambda t, u: seen.append(t) or t > 1.0, **options(method)
    )
    assert seen == solution.t[1:].tolist() and seen[-2] <= 1.0 < seen[-1]


@named(METHODS)
def test_spans_may_run_backward(method):
    forth = symde.solve(run(method), method, **options(method))
    again = symde.remake(run(method), u0=forth.u[-1], tspan=(2.0, 0.0))
    back = symde.solve(again, method, **options(method))
    error = {1: 0.2, 2: 1e-2, 3: 1e-3}.get(method.order, 1e-4)
    np.testing.assert_allclose(back.u[-1], forth.u[0], atol=error)
    np.testing.assert_allclose(back(1.0), forth(1.0), atol=error)


@named(METHODS)
def test_steps_that_are_not_finite_end_the_solve(method):
    # the force has a pole at q = 0, where a fall from rest ends at t = pi/2^(3/2)
    fall = symde.Problem(symde.ode_def("q'' = -1/q^2\nstate q = 1\nq'(t0) = 0"), tspan=(0, 5))
    solution = symde.solve(fall, method, **options(method), max_steps=100_000, throw=False)
    if method.adaptive:
        assert not solution.retcode.success
        assert abs(solution.t[-1] - np.pi / 2**1.5) < 1e-3
    else:  # steps of one size jump over the pole, or meet what is no number, or are not solved
        assert solution.retcode.success or solution.retcode.name in ("NON_FINITE", "DIVERGED")


@named([method for method in METHODS if not method.adaptive])
def test_a_right_side_that_is_no_number_ends_the_solve(method):
    text = "q'' = -sqrt(1 - t)\nstate q = 1\nq'(t0) = 0"
    with pytest.raises(symde.SolveError, match="non_finite") as caught:
        symde.solve(symde.Problem(symde.ode_def(text), tspan=(0, 5)), method, dt0=0.1)
    assert caught.value.solution.t[-1] == pytest.approx(1.0, abs=0.21)


@named(GAUSS)
def test_steps_that_cannot_be_solved_are_told(method):
    with pytest.raises(symde.SolveError, match="give a smaller dt0"):
        symde.solve(problem(KEPLER), method, dt0=3.0)


@named(GAUSS)
def test_collocation_solves_stiff_equations_too(method):
    text = "model Stiff\nstate x = 2\nx' = -1e6*(x - cos(t)) - sin(t)\nend"
    # A-stable, not L-stable: the fast part decays by |R(infinity)| = 1 at most, so it starts on its curve
    run = symde.Problem(symde.ode_def(text), u0=[1.0], tspan=(0, 10))
    solution = symde.solve(run, method, dt0=0.1, dense=False)
    # the order falls to that of the stages, 1 to 3
    assert abs(solution.u[-1, 0] - np.cos(10.0)) < 5e-3
    assert solution.stats.factorisations < 20


def test_methods_of_fixed_steps_ask_for_their_size():
    with pytest.raises(ValueError, match="give its step size as dt0"):
        symde.solve(problem(KEPLER), "KahanLi6")


def test_energy_is_read_by_name():
    solution = symde.solve(problem(COUPLED), "GaussLegendre6", dt0=0.05)
    np.testing.assert_allclose(solution["H"], 1.0, atol=1e-8)


def steps_of(method, generated):
    """A solve by whole steps as kernels, or by the general step; the method is packed for both alike."""
    from symde.engine.cpu.layout import Status
    from symde.engine.cpu.session import Session
    from symde.engine.cpu.slots import packed

    chosen = run(method)
    session = Session(chosen.system.kernels, [packed(method)])
    assert session._slots[0].step
    if not generated:
        session._slots[0].step = 0
    session.u[:], session.p[:], session.atol[:] = chosen.u0, chosen.p, 1e-8
    session.begin(
        *chosen.tspan, rtol=1e-8, saveat=None, save_steps=True, dense=True,
        dt0=options(method).get("dt0"), dtmax=np.inf, max_steps=10**6,
    )  # fmt: skip
    assert session.run() == Status.DONE
    return session


@named([*SPLITTING, *NYSTROM])
def test_whole_steps_as_kernels_are_the_general_steps(method):
    general, generated = steps_of(method, False), steps_of(method, True)
    (t, u), (s, v) = general.output.saved(), generated.output.saved()
    # sums are rounded in another order; an estimate of 1e-16 is mostly rounding, and chooses adaptive steps
    rounding = 1e-7 if method.adaptive else 1e-13
    np.testing.assert_allclose(s, t, rtol=rounding)
    np.testing.assert_allclose(v[-1], u[-1], rtol=1e-11, atol=1e-12)
    if not method.adaptive:
        np.testing.assert_allclose(v, u, rtol=1e-12, atol=1e-12)
    assert generated.counters().as_dict() == general.counters().as_dict()
