"""The Taylor-series method: accuracy by tolerance, continuous solution, stops, kinks, ends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import symde
from symde.codegen import taylor_kernel
from tests.problems import get

# u = 1/(1 + t^2), v = exp(sin t), w = u*v: nonlinear, coupled, and explicit in t
KNOWN = """
model Known
  state u = 1, v = 1, w = 1
  u' = -2*t*u^2
  v' = v*cos(t)
  w' = -2*t*u*w + w*cos(t)
end
"""
_numbers = itertools.count()
OSCILLATOR = "model O\n state x = 1, v = 0\n time 0 .. 20\n x' = v\n v' = -x\nend"


def exact(t):
    u, v = 1 / (1 + t**2), np.exp(np.sin(t))
    return np.stack([u, v, u * v], axis=-1)


@pytest.fixture(params=("unrolled", "rows"))
def form(request, monkeypatch):
    """Both forms of the kernel, whatever the length."""
    monkeypatch.setattr(taylor_kernel, "UNROLLED", 10**9 if request.param == "unrolled" else 0)
    return request.param


def problem(text, tspan=None):
    """A problem of a model known to nobody before, whose kernel is of the form in force."""
    unknown = text.replace("model ", f"model N{next(_numbers)}", 1)
    return symde.Problem(symde.ode_def(unknown), tspan=tspan)


@pytest.mark.parametrize("tspan", ((0, 5), (5, 0), (-3, 3)), ids=str)
def test_the_error_follows_the_tolerance_down_to_rounding(form, tspan):
    known = symde.remake(problem(KNOWN, tspan), u0=exact(float(tspan[0])))
    for rtol in (1e-3, 1e-6, 1e-9, 1e-12, 1e-14):
        solution = symde.solve(known, "Taylor", rtol=rtol, atol=rtol)
        error = np.abs(solution.u - exact(solution.t)).max()
        assert solution.problem.system.kernels.taylor.form == form
        # backward, u grows as 1 + t^2 and its errors with its square: 676
        assert error < 1000 * rtol + 1e-13


@pytest.mark.parametrize("name", ("lotka", "lorenz", "pleiades"))
def test_library_problems_are_solved_to_ten_digits(name):
    case = get(name)
    error = case.error(symde.solve(case.problem, "Taylor", rtol=1e-14, atol=1e-14).u[-1])
    # what a rounding of the states becomes by the end: Lorenz and Pleiades multiply it by 1e6 and more
    assert error < {"lotka": 1e-12, "lorenz": 1e-8, "pleiades": 1e-8}[name]


def test_the_continuous_solution_is_as_good_as_the_steps(form):
    solution = symde.solve(problem(KNOWN, (0, 5)), "Taylor", rtol=1e-11, atol=1e-11)
    times = np.linspace(0, 5, 997)
    assert np.abs(solution(times) - exact(times)).max() < 1e-9
    saved = symde.solve(problem(KNOWN, (0, 5)), "Taylor", rtol=1e-11, atol=1e-11, saveat=times)
    np.testing.assert_allclose(saved.u, solution(times), rtol=1e-14, atol=1e-15)
    assert saved.stats.evaluations == solution.stats.evaluations  # it costs nothing


def test_the_polynomial_has_the_order_of_the_tolerance():
    session_orders = []
    for rtol in (1e-2, 1e-6, 1e-14):
        dense = symde.solve(problem(OSCILLATOR), "Taylor", rtol=rtol, atol=rtol).dense
        used = np.flatnonzero(np.abs(dense.coefficients).max(axis=(0, 2)))
        session_orders.append(int(used.max()))
    assert session_orders == [5, 12, 20]  # 2 - 0.75 ln rtol, at most 20


def test_one_session_serves_loose_and_tight_tolerances_in_turn():
    known = problem(KNOWN, (0, 5))
    first = symde.solve(known, "Taylor", rtol=1e-4, atol=1e-4)
    symde.solve(known, "Taylor", rtol=1e-13, atol=1e-13)
    again = symde.solve(known, "Taylor", rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(first.u, again.u)
    np.testing.assert_array_equal(first(np.linspace(0, 5, 50)), again(np.linspace(0, 5, 50)))


def test_an_oscillator_keeps_its_amplitude_over_a_thousand_periods():
    tspan = (0, 2000 * np.pi)
    end = symde.solve(problem(OSCILLATOR, tspan), "Taylor", rtol=1e-14, atol=1e-14, saveat=[tspan[1]]).u[-1]
    # the end is cos and sin of 2000 pi as rounded; compensated sums leave rounding of about 1e-16 a period
    np.testing.assert_allclose(end, [np.cos(tspan[1]), -np.sin(tspan[1])], atol=1e-12)


def test_far_from_time_zero_steps_are_as_long(form):
    moved = KNOWN.replace("*t*", "*(t - 1e8)*").replace("cos(t)", "cos(t - 1e8)")
    near = symde.solve(problem(KNOWN, (0, 2)), "Taylor", rtol=1e-8, atol=1e-8)
    far = symde.solve(problem(moved, (1e8, 1e8 + 2)), "Taylor", rtol=1e-8, atol=1e-8)
    assert abs(near.stats.accepted - far.stats.accepted) <= 1
    # t is known to 1.5e-8
    np.testing.assert_allclose(far.u[-1], exact(2.0), atol=1e-6)


def test_steps_are_hardly_ever_rejected():
    for name in ("lotka", "lorenz", "pleiades"):
        stats = symde.solve(get(name).problem, "Taylor", rtol=1e-8, atol=1e-8).stats
        # the first step is chosen without a jet
        assert stats.rejected <= 1 + stats.accepted // 50


@pytest.mark.parametrize(
    "name, rtol, accepted",
    [("lotka", 1e-6, 40), ("lotka", 1e-10, 43), ("pleiades", 1e-6, 99), ("pleiades", 1e-10, 111)],
)
def test_the_work_is_what_it_was(name, rtol, accepted):
    """Steps as counted when the method was made; rounding may move one or two."""
    stats = symde.solve(get(name).problem, "Taylor", rtol=rtol, atol=rtol).stats
    assert stats.accepted == pytest.approx(accepted, rel=0.04)
    # one jet an attempt (the right-hand side at the very end), the first jet, and two for the first step size
    assert stats.evaluations == stats.accepted + stats.rejected + 3
    assert stats.jacobians == stats.factorisations == 0


# -- stopping and going on
# ---------------------------------------------------------------------------------------------------


def test_stepping_by_hand_gives_the_same_steps(form):
    known = problem(KNOWN, (0, 5))
    whole = symde.solve(known, "Taylor", rtol=1e-8, atol=1e-8)
    integrator = symde.Integrator(known, "Taylor", rtol=1e-8, atol=1e-8)
    times = [0.0]
    while integrator.t < 5:
        integrator.step()
        times.append(integrator.t)
    np.testing.assert_array_equal(times, whole.t)
    np.testing.assert_array_equal(integrator.u, whole.u[-1])


def test_stops_are_met_and_a_replaced_state_goes_on_from_there(form):
    integrator = symde.Integrator(problem(OSCILLATOR), "Taylor", rtol=1e-11, atol=1e-11)
    integrator.advance(1.25)
    assert integrator.t == 1.25
    np.testing.assert_allclose(integrator.u, [np.cos(1.25), -np.sin(1.25)], atol=1e-10)
    integrator.set_u([0.0, 2.0])
    integrator.advance(4.25)
    np.testing.assert_allclose(integrator.u, [2 * np.sin(3.0), 2 * np.cos(3.0)], atol=1e-9)


def test_a_callback_sees_every_step_and_may_end_the_solve():
    seen = []

    def callback(t, u):
        seen.append((t, *u))
        return t > 3

    solution = symde.solve(problem(OSCILLATOR), "Taylor", callback=callback, rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(np.array(seen)[:, 0], solution.t[1:])
    assert solution.t[-2] <= 3 < solution.t[-1] < 20


# -- kinks
# ---------------------------------------------------------------------------------------------------


KINKS = {
    # right-hand side, u(0), exact end at t = 3
    "jump in t": ("ifelse(t < 1, 1, -1)", 0.0, -1.0),
    "abs of t": ("abs(t - 1.3)", 0.0, (1.3**2 + 1.7**2) / 2),
    "min": ("min(t, 1.7)", 0.0, 1.7**2 / 2 + 1.7 * 1.3),
    "max": ("max(cos(t), 0)", 0.0, 1.0),
    "sign of the state": ("1 + sign(1 - u)/2", 0.0, 1.0 + 0.5 * (3 - 1 / 1.5)),
    "abs of the state": ("-abs(u - 1) - 1", 3.0, None),
    "in and out within a step": ("1 + max(0, 0.04 - (t - 1.5)^2)", 0.0, 3 + 4 / 3 * 0.2**3),
    "floor": ("floor(t) + 1", 0.0, 6.0),
    "mod": ("mod(t, 1)", 0.0, 1.5),
}


@pytest.mark.parametrize("name", KINKS)
@pytest.mark.parametrize("rtol", (1e-5, 1e-9))
def test_across_a_kink_the_error_stays_at_the_tolerance(form, name, rtol):
    right, start, end = KINKS[name]
    if (
        end is None
    ):  # u - 1 = 2 e^-t... falls to 1 at t = log 3, then grows away from 1: w' = w - 1, w(log 3) = 0
        end = 1 + 1 - np.exp(3 - np.log(3.0))
    text = f"model K\n state u = {start}\n time 0 .. 3\n u' = {right}\nend"
    solution = symde.solve(problem(text), "Taylor", rtol=rtol, atol=rtol)
    # one step across a kink may err by the tolerance; later growth is at most e^2 here
    assert abs(solution.u[-1, 0] - end) < 20 * rtol * max(1.0, abs(end))
    assert solution.stats.rejected > 0


# -- what it does not do
# ---------------------------------------------------------------------------------------------------


def test_a_function_that_could_not_be_traced_is_refused():
    def f(u, p, t):
        return np.array([1.0 if float(u[0]) < 1 else -1.0])

    with pytest.raises(ValueError, match="Taylor differentiates the equations.*Vern7"):
        symde.solve(symde.Problem(f, [0.0], (0, 1)), "Taylor")


def test_a_function_without_recurrence_is_refused():
    with pytest.raises(ValueError, match="`gamma`"):
        symde.solve(problem("model m\n state u = 1\n time 0 .. 1\n u' = gamma(1 + u)\nend"), "Taylor")


def test_a_blow_up_ends_where_it_happens(form):
    solution = symde.solve(
        problem("model B\n state u = 1\n time 0 .. 2\n u' = u^2\nend"), "Taylor", throw=False
    )
    assert not solution.retcode.success
    assert solution.t[-1] == pytest.approx(1.0, abs=1e-6)  # u = 1/(1 - t)
    assert np.isfinite(solution.u).all()


def test_a_polynomial_is_not_followed_beyond_a_branch_point(form):
    """u = (1 - t/2)^2 is its own Taylor polynomial, and rises after t = 2; the solution stays at 0."""
    text = "model S\n state u = 1\n time 0 .. 2.1\n u' = -sqrt(u)\nend"
    solution = symde.solve(problem(text), "Taylor", rtol=1e-4, atol=1e-4, throw=False)
    after = solution.u[solution.t > 2]
    assert np.all(np.abs(after) < 1e-4)
    assert solution.retcode.success or solution.t[-1] == pytest.approx(2.0, abs=1e-2)


def test_a_stiff_equation_is_called_stiff():
    text = "model m\n state u = 2\n time 0 .. 100\n u' = -1e4*(u - cos(t))\nend"
    solution = symde.solve(problem(text), "Taylor", throw=False, max_steps=2000)
    assert solution.retcode.name == "STIFF"


@pytest.mark.parametrize("end", (1e6, 1e12), ids=str)
@pytest.mark.parametrize("rtol", (1e-4, 1e-12))
def test_where_all_further_coefficients_vanish_steps_grow_by_the_largest_factor(rtol, end):
    text = f"model m\n state u = 0, v = 0, w = 1\n time 0 .. {end}\n u' = 0\n v' = 2\n w' = 0\nend"
    solution = symde.solve(problem(text), "Taylor", rtol=rtol, atol=0)
    assert solution.u[-1].tolist() == [0.0, 2 * end, 1.0]
    # ten times as long each; the first was chosen without a jet, as 1e-10 at the least
    assert solution.stats.accepted <= np.log10(end / 1e-10) + 2


@pytest.mark.parametrize("rtol", (1e-6, 1e-12))
@pytest.mark.parametrize("w", (1e-18, 1e-7, 1.0, 1e7, 1e18), ids=str)
def test_the_unit_of_time_does_not_change_the_steps(form, w, rtol):
    """Coefficient 20 of an oscillation with w = 1e18 is beyond float64, with 1e-18 below it: a lower order
    serves there."""
    end = 50 / w
    text = f"model W\n state x = 1, v = 0\n time 0 .. {end}\n x' = {w}*v\n v' = -{w}*x\nend"
    solution = symde.solve(problem(text), "Taylor", rtol=rtol, atol=rtol)
    # errors of 50 radians of steps that err by the tolerance each
    np.testing.assert_allclose(solution.u[-1], [np.cos(50), -np.sin(50)], atol=100 * rtol)
    assert solution.stats.accepted < (60 if 1e-10 < w < 1e10 else 150)
    assert solution.stats.rejected <= 1
