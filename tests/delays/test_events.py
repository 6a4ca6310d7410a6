"""Events in models with constant delays: what they leave comes back one delay later."""

from __future__ import annotations

import math

import numpy as np
import pytest

import symde

ONE_STEP = ("BS3", "DP5", "Tsit5", "Vern7", "Rosenbrock23", "Rodas5P", "KenCarp4", "Radau")

DOSED = """
param tau = 1, dose = 1
state x = 1
history x = 1
x' = -x(t - tau)
at t = 0.5, 1.7: x += dose
time 0 .. 3
"""


def fundamental(s: np.ndarray, tau: float) -> np.ndarray:
    """The solution of x' = -x(t - tau) from 1, 0 before: sum over k of (-1)^k (s - k tau)^k/k!."""
    terms = [
        np.where(s >= k * tau, (-1) ** k * np.maximum(s - k * tau, 0) ** k / math.factorial(k), 0)
        for k in range(60)
    ]
    return np.sum(terms, axis=0)


def from_one(t: np.ndarray, tau: float) -> np.ndarray:
    """The same from a history of 1: 1 + sum over k > 0 of (-1)^k (t - (k - 1) tau)^k/k!."""
    terms = [(-1) ** k * np.maximum(t - (k - 1) * tau, 0) ** k / math.factorial(k) for k in range(1, 60)]
    return 1 + np.sum(terms, axis=0)


def exact(
    t: np.ndarray, tau: float = 1, dose: float = 1, times: tuple[float, ...] = (0.5, 1.7)
) -> np.ndarray:
    """With doses: the equation is linear."""
    return from_one(t, tau) + dose * sum(fundamental(t - start, tau) for start in times)


@pytest.mark.parametrize("method", ONE_STEP)
def test_doses_come_back(method):
    # a polynomial of degree 3 at most in each piece, which all but orders 2 and 3 meet exactly
    problem = symde.Problem(DOSED)
    solution = symde.solve(problem, method, rtol=1e-6, atol=1e-8)
    t = np.linspace(0.01, 2.99, 200)
    bound = {"BS3": 1e-5, "Rosenbrock23": 4e-5}.get(method, 1e-9)
    np.testing.assert_allclose(solution(t, "x"), exact(t), atol=bound)
    assert {0.5, 1.0, 1.5, 1.7, 2.0, 2.5, 2.7} <= {round(t, 12) for t in solution.t}
    for event in solution.events:
        left, right = solution(event.t, "x", side="left"), solution(event.t, "x")
        assert right - left == pytest.approx(1, abs=1e-12)
    saved = symde.solve(problem, method, rtol=1e-6, atol=1e-8, saveat=[0.5, 1.2, 1.7, 2.9])
    np.testing.assert_allclose(saved["x"], exact(saved.t), atol=bound)


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "Radau"])
@pytest.mark.parametrize("tau", [0.04, 0.3])
def test_doses_beside_short_delays(method, tau):
    # steps longer than the delay are repeated with their own interpolant, and the past is forgotten
    every = symde.Event(every=0.5, effects={"x": "x + dose"})
    problem = symde.Problem(DOSED.replace("at t = 0.5, 1.7: x += dose\n", ""), p={"tau": tau})
    solution = symde.solve(problem, method, rtol=1e-8, atol=1e-10, events=[every], saveat=0.25)
    times = tuple(0.5 * np.arange(1, 7))
    np.testing.assert_allclose(solution["x"], exact(solution.t, tau, 1, times), atol=2e-6)


def root_of(function, low: float, high: float) -> float:
    """By halves."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if function(low) * function(middle) > 0 else (low, middle)
    return low


@pytest.mark.parametrize("method", ONE_STEP)
def test_crossings_and_what_they_set(method):
    # 1 - t falls to 0.4 at 0.6; with the dose there the solution falls to 0.4 again in the piece from 1.6 on,
    # where that dose has come back
    text = DOSED.replace("at t = 0.5, 1.7: x += dose", "discrete n = 0\nlow: when x < 0.4: x += dose, n += 1")
    solution = symde.solve(symde.Problem(text, tspan=(0, 2)), method, rtol=1e-7, atol=1e-9)
    bound = 1e-5 if method in ("BS3", "Rosenbrock23") else 1e-8
    second = root_of(lambda t: float(exact(np.array(t), times=(0.6,))) - 0.4, 0.7, 2.0)
    assert [event.t for event in solution.events] == pytest.approx([0.6, second], abs=bound)
    assert solution["n"][-1] == 2
    assert solution["x"][-1] == pytest.approx(float(exact(np.array(2.0), times=(0.6, second))), abs=bound)


def test_delayed_events_stops_and_discrete_variables():
    text = """
    param tau = 1
    state x = 1
    history x = 1
    discrete on = 1
    x' = -on*x(t - tau)
    off: when x < 0.5 after 0.25: on = 0
    enough: when falling x == 0.25: stop
    time 0 .. 3
    """
    solution = symde.solve(symde.Problem(text), rtol=1e-9)
    # x is 1/2 at 1/2 and is held from 3/4 on, where it is 1/4 just as well
    assert [(event.name, event.t) for event in solution.events][-1][1] == pytest.approx(0.75)
    later = symde.solve(symde.Problem(text.replace("0.25: stop", "0.1: stop")), rtol=1e-9)
    assert [event.name for event in later.events] == ["off"] and later["x"][-1] == pytest.approx(0.25)


def test_by_hand_in_ensembles_and_watched():
    problem = symde.Problem(symde.ode_def(DOSED))
    whole = symde.solve(problem, "Tsit5")
    by_hand = symde.Integrator(problem, "Tsit5")
    while not by_hand.done:
        by_hand.step()
    np.testing.assert_array_equal(by_hand.solution().u, whole.u)
    watched = symde.solve(problem, "Tsit5", callback=lambda t, u: False)
    np.testing.assert_array_equal(watched.u, whole.u)
    found = symde.ensemble(problem, "Tsit5", p={"tau": [0.7, 1.0], "dose": [2, 1]}, saveat=[0.5, 1.9])
    for i, p in enumerate(({"tau": 0.7, "dose": 2}, {"tau": 1.0, "dose": 1})):
        single = symde.solve(symde.remake(problem, p=p), "Tsit5", saveat=[0.5, 1.9])
        np.testing.assert_array_equal(found.u[i], single.u)


def changed(old: str, new: str) -> str:
    assert old in DOSED
    return DOSED.replace(old, new)


@pytest.mark.parametrize(
    ("text", "method", "words"),
    [
        (changed("t = 0.5", "t = 0"), None, "comes at the start, t = 0, where a history ends"),
        (DOSED, "QNDF", "QNDF does not solve models with delays and events"),
        (DOSED, "VCABM", "take a one-step method such as Tsit5"),
        (changed("x(t - tau)", "x(t - tau - x^2)"), None, "events and delays that follow time or states"),
        (changed("-x(t - tau)", "-x'(t - tau)/2"), None, "events and delays and delayed derivatives"),
        (changed("at t = 0.5, 1.7", "when x(t - 1) < 0.4"), None, "events that read delayed values"),
        (changed("x += dose", "x += x(t - tau)"), None, "events that read delayed values"),
        (changed("at t", "old = x(t - tau)\nat t").replace("+= dose", "+= old"), None, "that read delayed"),
    ],
)
def test_what_is_refused(text, method, words):
    with pytest.raises(ValueError, match=words):
        symde.solve(symde.Problem(text), method)


def test_events_of_two_statements():
    # x = 0 at t = 1 takes away all that is there, and adds -x(1) to what comes back
    text = DOSED.replace("at t = 0.5, 1.7: x += dose", "at t = 0.5: x += 1\nat t = 1: x = 0")
    solution = symde.solve(symde.Problem(text, tspan=(0, 1.8)), rtol=1e-8)
    taken = float(exact(np.array(1.0), times=(0.5,)))
    expected = exact(solution.t, times=(0.5,)) - taken * fundamental(solution.t - 1, 1)
    rows = np.diff(solution.t, append=np.inf) > 0  # of two at one time the second comes after the event
    np.testing.assert_allclose(solution["x"][rows], expected[rows], atol=1e-9)


def test_an_event_that_sets_a_delay_is_refused():
    halve = symde.Event(at=0.5, effects={"tau": 0.5})
    with pytest.raises(ValueError, match="events and delays that follow time or states"):
        symde.solve(symde.Problem(DOSED), events=[halve])
