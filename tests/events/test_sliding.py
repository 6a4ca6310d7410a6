"""Solutions that slide along a switch: closed forms, entries and exits, and derivatives through them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import symde
from symde.sensitivity.moving_jump import MovingJumpWarning

METHODS = ("Tsit5", "Vern7", "Rodas5P", "KenCarp4", "Radau", "VCABM", "QNDF", "Taylor", None)
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def solved(text: str, method=None, **options) -> symde.Solution:
    return symde.solve(symde.Problem(symde.ode_def(text)), method, **{**TIGHT, **options})


@pytest.mark.parametrize("method", METHODS)
def test_a_relay_rests_and_leaves(method):
    # from 1/2 to the line, where it stays until t/2 = 1; then x' = t/2 - 1
    solution = solved("x' = -sign(x) + t/2; x(0) = 0.5; time 0 .. 5", method, saveat=[1.9, 5.0])
    assert solution.u[0, 0] == pytest.approx(0, abs=1e-10)
    assert solution.u[1, 0] == pytest.approx((25 - 4) / 4 - 3, rel=1e-7)
    assert solution.stats.accepted < 250


@pytest.mark.parametrize("method", METHODS)
def test_both_sides_have_their_share(method):
    # x' is -1 above and 1/2 below: a third of the time above on the line, y' = 1/3 + 2/3*4 there
    text = "x' = x > 0 ? -1 : 0.5\ny' = x > 0 ? 1 : 4; x(0) = 1; y(0) = 0; time 0 .. 4"
    solution = solved(text, method)
    assert solution.u[-1] == pytest.approx([0, 1 + 3 * (1 / 3 + 8 / 3)], abs=1e-7)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_dry_friction_sticks_and_slips(method):
    # v' = 2 sin t - sign v sticks at v = 0 until 2 sin t = 1; then v = 2 (cos a - cos t) - (t - a), a = pi/6,
    # until it is 0 again at b, where 2 sin b = -1.96: it goes on to the other side without a stop
    text = "v' = 2*sin(t) - sign(v); v(0) = 0; time 0 .. 4"
    solution = solved(text, method, saveat=[0.5, 2.0, 3.0])
    a = np.pi / 6
    expected = [0.0, *(2 * (np.cos(a) - np.cos(t)) - (t - a) for t in (2.0, 3.0))]
    np.testing.assert_allclose(solution.u[:, 0], expected, atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_a_block_on_a_spring_comes_to_rest(method):
    # half an oscillation around 1/2, from 1 to 0, where the spring is too weak to move it
    text = "y' = v; v' = -y - (0.5 if v > 0 else -0.5); y(0) = 1; v(0) = 0; time 0 .. 30"
    solution = solved(text, method, saveat=[2.0, 30.0])
    np.testing.assert_allclose(solution["y"], [0.5 + 0.5 * np.cos(2), 0.0], atol=2e-6)
    assert abs(solution["v"][-1]) < 1e-8


@pytest.mark.parametrize("q", [0.3, -0.3, 0.0])
@pytest.mark.parametrize("method", METHODS)
def test_another_switch_ends_the_sliding(method, q):
    # at rest from t = 1/2 on, until at t = 1 both sides become the same
    text = f"x' = ifelse(t > 1, {q}, ifelse(x > 0, -1, 1)); x(0) = -0.5; time 0 .. 2"
    solution = solved(text, method, saveat=[0.9, 2.0])
    np.testing.assert_allclose(solution["x"], [0, q], atol=1e-9)
    assert solution.stats.accepted < 250


def test_derivatives_where_another_switch_ends_the_sliding():
    text = "param c = 1, q = 0.3; x' = ifelse(t > c, q, ifelse(x > 0, -1, 1)); x(0) = -0.5; time 0 .. 2"
    problem = symde.Problem(symde.ode_def(text))  # x(2) = q*(2 - c)
    for sensealg in ("forward", "discrete", "interpolating"):
        _, gradient = symde.value_and_grad(
            lambda u: (u[-1, 0], np.ones_like(u)), problem, "Tsit5", saveat=[2.0], sensealg=sensealg
        )
        np.testing.assert_allclose([*gradient["p"], *gradient["u0"]], [-0.3, 1, 0], atol=1e-9)


def test_two_bodies_rest_at_once():
    text = """
      x' = -sign(x) + 0.3; y' = -2*sign(y) + sin(t)
      x(0) = 1; y(0) = 0.5; time 0 .. 5"""
    solution = solved(text, "Tsit5")
    np.testing.assert_allclose(solution.u[-1], 0.0, atol=1e-10)


def test_an_event_takes_the_solution_off_the_line_and_it_comes_back():
    text = """
      x' = -sign(x) + 0.3; x(0) = 0.7; time 0 .. 5
      kick: at t = 2: x = x + 0.7
      shove: at t = 4: x = x - 0.65"""
    solution = solved(text, "Tsit5", saveat=[1.5, 2.5, 3.5, 4.25, 5.0])
    # down at rate 0.7 and up at 1.3
    np.testing.assert_allclose(solution.u[:, 0], [0, 0.7 - 0.35, 0, -0.65 + 0.325, 0], atol=1e-9)


def test_what_does_not_attract_is_passed():
    # from both sides away from the line, or through it
    assert solved("x' = sign(x) + 0*t; x(0) = 1e-3; time 0 .. 1").u[-1, 0] == pytest.approx(1.001)
    through = solved("x' = x > 0 ? -1 : -3; x(0) = 1; time 0 .. 2")
    assert through.u[-1, 0] == pytest.approx(-3)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF", "VCABM"])
@pytest.mark.parametrize("event", ["falling x == 0", "x == 0", "x <= 0", "x > 0 and x < 2"])
def test_an_event_and_a_switch_of_one_function_are_located_once(event, method):
    # to the line at 1/0.7, where x' = 1.3 below leads back
    text = f"x' = -sign(x) + 0.3; x(0) = 1; discrete n = 0; time 0 .. 3; a: when {event}: n += 1"
    solution = solved(text, method)
    times = [] if "and" in event else [pytest.approx(1 / 0.7)]
    assert [one.t for one in solution.events] == times
    assert solution["x"][-1] == pytest.approx(0, abs=1e-10) and solution.stats.accepted < 200


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF", "VCABM"])
def test_events_know_where_a_solution_slides(method):
    # on the unit circle from log(3/2) on, along which steps err to both sides
    text = """
      x' = y - x*sign(x^2 + y^2 - 1); y' = -x - y*sign(x^2 + y^2 - 1)
      x(0) = 1.5; y(0) = 0; discrete n = 0
      time 0 .. 30
      into: when x^2 + y^2 <= 1: n += 1
      inside: when x^2 + y^2 < 1: n += 1
      outside: when x^2 + y^2 > 1: n += 1
      reached: when 1 == x^2 + y^2: n += 1"""
    solution = solved(text, method, rtol=1e-7, atol=1e-9)
    assert [one.name for one in solution.events] == ["into", "reached"]
    assert solution.events[0].t == solution.events[1].t == pytest.approx(np.log(1.5), rel=1e-6)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF", "VCABM"])
def test_events_follow_as_a_solution_leaves_its_line(method):
    # rests from 2 - sqrt(2) to 2; what has come from above and goes there again has crossed twice
    text = """
      x' = -sign(x) + t/2; x(0) = 0.5; discrete n = 0; time 0 .. 3
      down: when falling x == 0: n += 1
      up: when rising x == 0: n += 1
      above: when x > 0: n += 1
      below: when x < 0: n += 1"""
    found = [(one.name, one.t) for one in solved(text, method).events]
    arrival = 2 - np.sqrt(2)
    expected = [("down", arrival), ("up", 2.0), ("above", 2.0)]
    assert found == [(name, pytest.approx(t, abs=1e-6)) for name, t in expected]


def test_derivatives_go_through_events_on_a_line_along_which_a_solution_slides():
    # at rest from t1 = (a - sqrt(a^2 - 2 k x0))/k to t2 = a/k; w = t1 + 2 t2 at the end
    text = """
      param a = 1, k = 0.5, x0 = 0.7
      x' = -a*sign(x) + k*t; w' = 0*x; x(0) = x0; w(0) = 0; time 0 .. 5
      e: when falling x == 0: w = w + t
      f: when x > 0: w = w + 2*t - x"""
    problem, a, k, x0 = symde.Problem(symde.ode_def(text)), 1.0, 0.5, 0.7
    root = np.sqrt(a**2 - 2 * k * x0)
    by = [(1 - a / root) / k + 2 / k, -(a - root) / k**2 + x0 / (k * root) - 2 * a / k**2, 1 / root]
    for sensealg in ("forward", "discrete", "gauss"):
        value, found = symde.value_and_grad(
            lambda u: (u[-1, 1], np.array([[0.0, 1.0]])), problem, "Vern7", wrt="p", sensealg=sensealg,
            saveat=[5.0], **TIGHT,
        )  # fmt: skip
        assert value == pytest.approx((a - root) / k + 2 * a / k, rel=1e-8)
        np.testing.assert_allclose(found["p"], by, rtol=1e-6)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_an_integrator_and_a_callback_slide_too(method):
    text = "x' = -sign(x) + t/2; y' = x; x(0) = 0.5; y(0) = 0; time 0 .. 5"
    whole = solved(text, method)
    stepped = symde.Integrator(symde.Problem(symde.ode_def(text)), method, **TIGHT)
    while not stepped.done:
        stepped.step()
    np.testing.assert_allclose(stepped.solution().u, whole.u, rtol=1e-9, atol=1e-12)
    aimed = symde.Integrator(symde.Problem(symde.ode_def(text)), method, **TIGHT)
    aimed.advance(0.2)
    aimed.step()
    aimed.set_u({"y": 1.0})
    began = aimed.t
    assert aimed.advance(1.9)[0] == pytest.approx(0, abs=1e-10)
    assert aimed.advance(5)[0] == pytest.approx(2.25, rel=1e-7)
    assert aimed.solution().t[0] == 0 and began in aimed.solution().t
    seen: list[float] = []
    told = solved(text, method, callback=lambda t, u: seen.append(t))
    assert seen == told.t[1:].tolist() and told.stats.accepted == whole.stats.accepted


@pytest.mark.parametrize("method", ["Rodas5P", "KenCarp4", "Radau", "QNDF", None])
def test_solutions_slide_beside_algebraic_equations(method):
    # the block of the page above on a spring whose force is algebraic: at rest where that is too weak
    text = """
      state y = 1, v = 0, f = 1, z = 0
      2*y' = 2*v; v' = -f - 0.5*sign(v) + z^3 + z - v
      0 = f - y; 0 = z + z^3 - v
      time 0 .. 30"""
    solution = solved(text, method, saveat=[2.0, 30.0], rtol=1e-8)
    np.testing.assert_allclose(solution["y"], [0.5 + 0.5 * np.cos(2), 0.0], atol=2e-6)
    assert abs(solution["v"][-1]) < 1e-7


@pytest.mark.parametrize("sensealg", ["forward", "gauss"])
def test_derivatives_go_through_sliding_beside_algebraic_equations(sensealg):
    # x = 0 from where it comes to rest until a t/2 = z
    text = """
      param a = 1
      state x = 0.5, z = 1
      x' = -z*sign(x) + a*t/2; 0 = z + 0.1*z^3 - 1.1 - x
      time 0 .. 3"""
    problem = symde.Problem(symde.ode_def(text))

    def end(a: float) -> float:
        return symde.solve(symde.remake(problem, p=[a]), "Rodas5P", rtol=1e-11, atol=1e-12)["x"][-1]

    _, found = symde.value_and_grad(
        lambda u: (u[-1, 0], np.array([[1.0, 0.0]])), problem, "Rodas5P", wrt="p", sensealg=sensealg,
        saveat=[3.0], **TIGHT,
    )  # fmt: skip
    assert found["p"][0] == pytest.approx((end(1 + 1e-5) - end(1 - 1e-5)) / 2e-5, rel=1e-5)


RELAY = (
    "param a = 0.5, b = 1.2, x0 = 1\nx' = -b*sign(x) + a*t\ny' = x + b*t; x(0) = x0; y(0) = 0; time 0 .. 5"
)


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "gauss", "interpolating", "auto"])
def test_derivatives_through_rest_and_leaving(sensealg):
    # x = 0 from t1, where x0 - b t1 + a t1^2/2 = 0, to b/a, then a (t^2 - (b/a)^2)/2 - b (t - b/a)
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        _, found = symde.value_and_grad(
            lambda u: (u[-1, 0], np.array([[1.0, 0.0]])), symde.Problem(symde.ode_def(RELAY)), "Vern7",
            wrt="p", sensealg=sensealg, rtol=1e-10, atol=1e-12,
        )  # fmt: skip
    # x(5) = 25 a/2 - 5 b + b^2/(2 a)
    a, b = 0.5, 1.2
    np.testing.assert_allclose(found["p"], [12.5 - b**2 / (2 * a**2), -5 + b / a, 0.0], rtol=1e-7, atol=1e-9)


def test_steps_chosen_by_a_tangent_follow_the_branches_too(monkeypatch):
    # as those of large models are
    monkeypatch.setattr("symde.sensitivity.riding.OPERATIONS", 0)
    problem = symde.Problem(symde.ode_def(RELAY))
    _, found = symde.value_and_grad(
        lambda u: (u[-1, 0], np.array([[1.0, 0.0]])), problem, "Vern7", wrt="p", sensealg="discrete",
        max_steps=2000, **TIGHT,
    )  # fmt: skip
    a, b = 0.5, 1.2
    np.testing.assert_allclose(found["p"], [12.5 - b**2 / (2 * a**2), -5 + b / a, 0.0], rtol=1e-6, atol=1e-8)


def test_forward_sensitivities_are_differences():
    problem = symde.Problem(symde.ode_def(RELAY))
    found = symde.sensitivities(problem, "Vern7", saveat=[1.0, 2.0, 5.0], **TIGHT)
    for j in range(3):
        total, h = 0.0, 1e-4
        for sign in (1, -1):
            p = np.array(problem.p)
            p[j] += sign * h
            options = {"rtol": 1e-12, "atol": 1e-13, "saveat": [1.0, 2.0, 5.0]}
            total = total + sign * symde.solve(symde.remake(problem, p=p), "Vern9", **options).u / (2 * h)
        np.testing.assert_allclose(found.dp[:, :, j], total, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", ["Vern9", "Rodas5P", "QNDF"])
def test_a_span_may_end_just_after_a_solution_has_left(method):
    # the last step is too short to get away from the switch, with a slope that is rounding
    relay = "x' = y - 2*sign(x); y' = 3*sin(t) - 0.5*y; x(0) = 1; y(0) = 0; time 0 .. 3"
    problem = symde.Problem(relay)
    options: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-10}
    whole = symde.solve(problem, method, **options)
    left = whole.t[np.flatnonzero(np.abs(whole["x"]) < 1e-12)[-1]]
    for place in (1, 2, 3, 4, 6, 8, 14, 15, 43):
        end = symde.remake(problem, tspan=(0, left + 4 * place * np.spacing(left)))
        assert symde.solve(end, method, max_steps=1000, **options)["x"][-1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "QNDF", "VCABM", "Taylor"])
@pytest.mark.parametrize("second", ["sign(2*x - 2)", "-sign((1 - x)/3)", "(0.3*x > 0.3 ? 1 : -1)"])
def test_multiples_of_one_function_are_one_switch(method, second):
    # x' = -1.5 s + 0.3 while it slides: s = 0.2, and y' is the share of the positive side, 0.6
    text = f"x' = -sign(x - 1) - 0.5*{second} + 0.3; y' = heaviside(x - 1); x(0) = 1; y(0) = 0; time 0 .. 2"
    solution = symde.solve(symde.Problem(text), method, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(solution.u[-1], [1, 1.2], atol=1e-9)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_events_of_a_multiple_of_what_slides_come_once(method):
    text = """
      x' = -sign(x) + t; x(0) = 0.4; time 0 .. 3
      discrete n = 0
      reached: when falling 3*x == 0: n += 1
      left: when rising 2*x == 0: n += 1"""
    solution = symde.solve(symde.Problem(text), method)
    assert [event.name for event in solution.events] == ["reached", "left"]
    # 0.4 - t + t^2/2 = 0, and as t is 1
    np.testing.assert_allclose([event.t for event in solution.events], [1 - np.sqrt(0.2), 1], atol=1e-6)
