"""Events in models with algebraic equations: found, and left consistently."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symde
from tests.dae.problems import ROBER
from tests.dae.systems import METHODS, with_mass

FEED = "  discrete n = 0\n  feed: when y1 < 0.7: y1 += 0.2, n += 1\nend"
TIGHT = {"rtol": 1e-9, "atol": 1e-12}


@pytest.mark.parametrize("method", METHODS)
def test_robertson_fed_by_events_in_both_forms(method):
    # y3 follows y1 in the form with the constraint, so that the form without must set it too
    plain = ROBER.format(third="k2*y2^2").replace("end", FEED.replace("+= 0.2", "+= 0.2, y3 -= 0.2"))
    implicit = ROBER.format(third="y1 + y2 + y3 - 1").replace("end", FEED)
    options = {"rtol": 1e-7, "atol": 1e-10}
    span = (0, 200)
    ode = symde.solve(symde.Problem(symde.ode_def(plain), tspan=span), "Radau", **TIGHT)
    dae = symde.solve(symde.Problem(with_mass(implicit, algebraic=("y3",)), tspan=span), method, **options)
    assert len(dae.events) == len(ode.events) >= 3
    # events add up what steps leave; Rosenbrock23 and TRBDF2 are of order 2
    bound = 2e-3 if method in ("Rosenbrock23", "TRBDF2") else 2e-4
    for found, expected in zip(dae.events, ode.events, strict=True):
        assert found.t == pytest.approx(expected.t, rel=bound)
        np.testing.assert_allclose(found.after[:3], expected.after[:3], atol=bound)
        assert abs(found.after[:3].sum() - 1) < 1e-14
    np.testing.assert_allclose(dae.u[-1], ode.u[-1], atol=bound)


RC = """
param R = 2, C = 0.5, level = 0.25
state v = 1, i = 0
discrete n = 0
C*v' = -i
0 = v - R*i
low: when falling i == level: n += 1
time 0 .. 2
"""


@pytest.mark.parametrize("method", METHODS)
def test_crossings_of_an_algebraic_variable(method):
    # i = exp(-t/RC)/R meets 1/4 at t = log 2, and once, though what follows makes i consistent anew
    loose, fine = (
        symde.solve(symde.Problem(RC), method, rtol=rtol, atol=rtol * 1e-2) for rtol in (1e-4, 1e-7)
    )
    for solution, bound in ((loose, 1e-3), (fine, 2e-5 if method in ("Rosenbrock23", "TRBDF2") else 2e-6)):
        (event,) = solution.events
        assert event.t == pytest.approx(math.log(2), abs=bound)
        assert solution["n"][-1] == 1


@pytest.mark.parametrize("method", METHODS)
def test_two_crossings_in_a_long_step_are_found(method):
    # i = sin(t)/R is above 0.45 for |t - pi/2| < acos(0.9) = 0.45, about as long as a step of most methods
    text = """
    param R = 2
    state v = 0, i = 0
    discrete n = 0
    v' = cos(t)
    0 = v - R*i
    high: when i > 0.45: n += 1
    time 0 .. 12
    """
    solution = symde.solve(symde.Problem(text), method, rtol=1e-3, atol=1e-4)
    assert solution["n"][-1] == 2
    plain = symde.solve(symde.Problem(text.replace("> 0.45", "> 2")), method, rtol=1e-3, atol=1e-4)
    start = math.pi / 2 - math.acos(0.9)
    # i changes by 0.2 a second there, and errors of steps add up
    error = abs(plain["i"] - np.sin(plain.t) / 2).max()
    assert [event.t for event in solution.events] == pytest.approx(
        [start, start + 2 * math.pi], abs=10 * error + 1e-3
    )


NONLINEAR = """
param k = 0.04
state a = 1, z = 0.4
discrete n = 0
a' = -a*z
0 = a - z - z^3
refill: when z < 0.3: a = 1.5, n += 1
time 0 .. 6
"""


def test_algebraic_variables_follow_what_an_event_sets():
    solution = symde.solve(symde.Problem(NONLINEAR), rtol=1e-9, atol=1e-12)
    assert len(solution.events) >= 2
    t = solution.t
    for event in solution.events:
        before, after = event.before, event.after
        assert before[1] == pytest.approx(0.3, abs=1e-9) and after[0] == 1.5
        assert after[2] == before[2] + 1
        assert abs(after[0] - after[1] - after[1] ** 3) < 1e-15
        rows = np.flatnonzero(t == event.t)
        assert len(rows) == 2
        np.testing.assert_array_equal(solution.u[rows], [before, after])
        np.testing.assert_allclose(solution(event.t, side="left"), before, atol=1e-14)
        np.testing.assert_allclose(solution(event.t), after, atol=1e-14)
    residual = solution["a"] - solution["z"] - solution["z"] ** 3
    assert abs(residual).max() < 1e-7


def test_at_requested_times_the_state_after_an_event_is_saved():
    text = NONLINEAR.replace("when z < 0.3", "every 1.5 from t0")
    solution = symde.solve(symde.Problem(text), saveat=1.5)
    z = solution["z"]
    assert solution.t.tolist() == [0, 1.5, 3, 4.5, 6] and solution["n"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(solution["a"], 1.5)
    np.testing.assert_allclose(z + z**3, 1.5, rtol=1e-14)


def test_an_event_that_sets_no_state_changes_no_step_much():
    plain = symde.solve(symde.Problem(NONLINEAR.replace("when z < 0.3", "when z < 0")), rtol=1e-8)
    count = NONLINEAR.replace("a = 1.5, n += 1", "n += 1")
    counted = symde.solve(symde.Problem(count), rtol=1e-8)
    assert counted["n"][-1] == 1
    np.testing.assert_allclose(counted.u[-1, :2], plain.u[-1, :2], rtol=1e-7)


PENDULUM = """
param g = 9.81, L = 1
state x = L, y = 0
state T = 0
discrete n = 0
x'(0) = 0; y'(0) = 0
time 0 .. 3
x'' = -T*x
y'' = -T*y - g
x^2 + y^2 = L^2
"""

ANGLE = """
param g = 9.81, L = 1
state th = pi/2
discrete n = 0
th'(0) = 0
time 0 .. 3
th'' = -g/L*sin(th)
"""


@pytest.mark.parametrize("method", ["Rodas5P", "Radau", "QNDF", "KenCarp4"])
@pytest.mark.parametrize(
    ("condition", "in_angle"),
    [("x < -0.5", "L*sin(th) < -0.5"), ("T > 20", "th'^2 + g*cos(th)/L > 20")],
)
def test_a_pendulum_that_meets_a_wall(method, condition, in_angle):
    wall = f"wall: when {condition}: x' = -0.8*x', y' = -0.8*y', n += 1"
    solution = symde.solve(symde.Problem(PENDULUM + wall), method, rtol=1e-8, atol=1e-8)
    text = ANGLE + f"wall: when {in_angle}: th' = -0.8*th', n += 1"
    expected = symde.solve(symde.Problem(text), "Vern9", rtol=1e-11, atol=1e-11)
    assert len(solution.events) == len(expected.events) >= 2
    for found, known in zip(solution.events, expected.events, strict=True):
        assert found.t == pytest.approx(known.t, abs=3e-5 if method == "QNDF" else 3e-6)
        x, dx, y, dy, tension, _ = found.after
        assert abs(x * x + y * y - 1) < 1e-11 and abs(x * dx + y * dy) < 1e-10
        assert tension == pytest.approx(dx * dx + dy * dy - 9.81 * y, rel=1e-12)
    assert solution["x"][-1] == pytest.approx(math.sin(expected["th"][-1]), abs=1e-4)


def test_an_event_changes_a_parameter_of_a_constrained_motion():
    # less gravity in mid-flight: nothing that is kept is touched, and the event happens once
    moon = symde.Event("x < -0.5", {"g": "g/6"}, name="moon")
    problem = symde.Problem(PENDULUM, tspan=(0, 1.2))
    solution = symde.solve(problem, "Radau", events=[moon], rtol=1e-9, atol=1e-9)
    (event,) = solution.events
    x, dx, y, dy, tension = event.after[:5]
    assert tension == pytest.approx(dx * dx + dy * dy - 9.81 / 6 * y, rel=1e-10)
    assert abs(solution["x"] ** 2 + solution["y"] ** 2 - 1).max() < 1e-11


def test_a_rectifier_whose_diode_is_a_discrete_variable():
    circuit = """
    param R = 0.5, C = 1, load = 5
    state v = 0, i = 0
    discrete on = 0
    source = sin(t)
    C*v' = i - v/load
    0 = R*i - on*(source - v)
    conduct: when source > v: on = 1
    block: when source < v: on = 0
    time 0 .. 20
    """
    text = """
    param R = 0.5, C = 1, load = 5
    state v = 0
    v' = (max(sin(t) - v, 0)/R - v/load)/C
    time 0 .. 20
    """
    # the diode conducts from just behind the start on, where both sides of the condition are equal
    start = symde.Event(at=0, effects={"on": 1})
    solution = symde.solve(symde.Problem(circuit), events=[start], rtol=1e-9, atol=1e-11)
    expected = symde.solve(symde.Problem(text), rtol=1e-11, atol=1e-13)
    assert [event.name for event in solution.events[1:5]] == ["block", "conduct"] * 2
    np.testing.assert_allclose(solution["v"], expected(solution.t, "v"), atol=2e-8)
    assert solution["i"].min() > -1e-8


def test_a_tank_that_overflows():
    # dh/dt = q_in - a sqrt(h) up to the rim; the pump stops when so much is spilt
    tank = """
    param a = 0.5, rim = 1, pump = 1
    state h = 0.2, q = 0.3, spilt = 0
    discrete full = 0
    time 0 .. 40
    h' = (1 - full)*(pump - q)
    0 = q^2 - a^2*h
    spilt' = full*(pump - q)
    overflow: when h >= rim: full = 1, h = rim
    off: when spilt > 1: full = 0, pumping = 0
    """.replace("pump - q", "pumping - q").replace("pump = 1", "limit = 1")
    tank = tank.replace("discrete full = 0", "discrete full = 0, pumping = 1").replace("40", "5.5")
    solution = symde.solve(symde.Problem(tank), rtol=1e-9, atol=1e-11)
    overflow, off = solution.events

    # with s = sqrt(h): t = int 2 s ds/(1 - s/2) = -4 s - 8 log(1 - s/2); then 1 - a = 1/2 is spilt a second,
    # and sqrt(h) falls by a/2 a second
    def time_at(h):
        return -4 * math.sqrt(h) - 8 * math.log(1 - math.sqrt(h) / 2)

    assert overflow.t == pytest.approx(time_at(1) - time_at(0.2), abs=1e-7)
    assert off.t == pytest.approx(overflow.t + 2, abs=1e-7)
    assert solution["h"][-1] == pytest.approx((1 - 0.25 * (5.5 - off.t)) ** 2, abs=1e-7)


def test_what_an_event_sets_must_fulfil_hidden_constraints():
    text = PENDULUM + "wall: when x < -0.5: x' = -x'"
    with pytest.raises(symde.SolveError, match="what event `wall` sets contradicts a constraint") as caught:
        symde.solve(symde.Problem(text))
    assert caught.value.solution.retcode == symde.Retcode.INCONSISTENT
    assert "let the event set all states of the constraint" in str(caught.value)
    shorter = symde.Event("x < -0.5", {"L": "0.9*L"})
    with pytest.raises(symde.SolveError, match=r"x\^2 \+ y\^2 = L\^2"):
        symde.solve(symde.Problem(PENDULUM), events=[shorter])


def test_a_constraint_without_a_solution_after_an_event_is_told():
    text = "state a = 1, z = 1\na' = -1\n0 = a - z^2\nlow: when a < 0.5: a = -1\ntime 0 .. 2"
    with pytest.raises(symde.SolveError, match="found after event `low`, at t = 0.5") as caught:
        symde.solve(symde.Problem(text))
    assert "0 = a - z^2" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "event"),
    [
        (NONLINEAR, symde.Event(at=1, effects={"z": 1})),
        ("param C = 1\nstate a = 1, b = 0\nC*(a' - b') = -a\n0 = a + b - 1\ntime 0 .. 1", None),
    ],
)
def test_what_events_may_not_set(model, event):
    event = symde.Event(at=0.5, effects={"C": 2}) if event is None else event
    with pytest.raises(symde.ModelError) as caught:
        symde.solve(symde.Problem(model), events=[event])
    assert [one.code for one in caught.value.diagnostics] == ["E354"]


def test_events_given_in_a_call_read_what_was_eliminated():
    text = "state x = 1, z = 0, w = 0\nx' = -z\n0 = z - w\n0 = w - x^2\ntime 0 .. 5"
    up = symde.Event("w < 0.5", {"x": 2})
    solution = symde.solve(symde.Problem(text), events=[up], rtol=1e-10)
    # 1/x grows by 1 a second, from 1 to sqrt(2), then from 1/2
    times = math.sqrt(2) - 1 + (math.sqrt(2) - 0.5) * np.arange(len(solution.events))
    assert len(times) == 6
    np.testing.assert_allclose([event.t for event in solution.events], times, atol=1e-8)
