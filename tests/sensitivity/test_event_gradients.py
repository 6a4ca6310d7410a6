"""Derivatives through events: closed forms, central differences, and all strategies against each other."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import symde
from symde.model.ode_def import ode_def
from symde.sensitivity import hybrid
from symde.sensitivity.moving_jump import MovingJumpWarning
from symde.sensitivity.run import prepare

STRATEGIES = ("forward", "discrete", "interpolating", "gauss", "backsolve")
TIGHT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}


def last(name: str, problem: symde.Problem):
    """The loss that is one state at the end."""
    index = problem.system.state_names.index(name)

    def loss(u):
        weights = np.zeros_like(u)
        weights[-1, index] = 1.0
        return u[-1, index], weights

    return loss


def gradient(problem: symde.Problem, name: str, sensealg: str, **options):
    return symde.value_and_grad(last(name, problem), problem, sensealg=sensealg, **{**TIGHT, **options})


BALL = """
param g = 9.81, e = 0.9, h = 1
state x = h
x'(t0) = 0
x'' = -g
bounce: when falling x == 0: x' = -e*x'
time 0 .. 1
"""


def ball_at(t: float, g: float, e: float, h: float) -> tuple[float, float]:
    """Height and velocity between the first and the second impact."""
    impact = math.sqrt(2 * h / g)
    s = t - impact
    return e * math.sqrt(2 * g * h) * s - g * s**2 / 2, e * math.sqrt(2 * g * h) - g * s


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_a_bouncing_ball(sensealg):
    # x = e sqrt(2gh) s - g s^2/2, s = t - sqrt(2h/g), differentiated by hand
    g, e, h, t = 9.81, 0.9, 1.0, 1.0
    problem = symde.Problem(ode_def(BALL))
    value, found = gradient(problem, "x", sensealg)
    assert value == pytest.approx(ball_at(t, g, e, h)[0], rel=1e-9)
    v, s = math.sqrt(2 * g * h), t - math.sqrt(2 * h / g)
    ds_dg, ds_dh = math.sqrt(2 * h / g) / (2 * g), -1 / math.sqrt(2 * h * g)
    slope = e * v - g * s
    expected = {
        "g": e * h / v * s - s**2 / 2 + slope * ds_dg,
        "e": v * s,
        "h": e * g / v * s + slope * ds_dh,
    }
    assert found["p"] == pytest.approx([expected[name] for name in ("g", "e", "h")], rel=1e-8)


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_a_gradient_that_comes_through_the_time_of_an_event_alone(sensealg):
    # x' = -1 reaches k at t* = 1 - k, where a clock is read that nothing else depends on
    text = "param k = 0.3, c = 2\nstate x = 1, clock = 0, read = 0\nx' = -1; clock' = c; read' = 0\n"
    problem = symde.Problem(ode_def(text + "when falling x == k: read = clock\ntime 0 .. 2"))
    value, found = gradient(problem, "read", sensealg)
    assert value == pytest.approx(2 * 0.7, rel=1e-10)
    assert found["p"] == pytest.approx([-2, 0.7], rel=1e-9)
    assert found["u0"] == pytest.approx([2, 1, 0], abs=1e-9)


NEURON = (
    "param tau = 2, I = 1.5, th = 1, v0 = 0.1\nstate v = v0\nv' = (I - v)/tau\nfire: when rising v == th: "
)


@pytest.mark.parametrize("sensealg", (*STRATEGIES, "auto"))
def test_the_period_of_an_integrate_and_fire_neuron(sensealg):
    # T = tau log((I - v0)/(I - th)): the time at which the solve ends, read by an observed quantity
    problem = symde.Problem(ode_def(NEURON + "stop\nperiod = t\ntime 0 .. 90"))

    def loss(u):
        return u[-1, 0], np.ones_like(u)

    value, found = symde.value_and_grad(loss, problem, of="period", wrt="p", sensealg=sensealg, **TIGHT)
    tau, current, threshold, v0 = 2.0, 1.5, 1.0, 0.1
    assert value == pytest.approx(tau * math.log((current - v0) / (current - threshold)), rel=1e-10)
    by_current = tau * (1 / (current - v0) - 1 / (current - threshold))
    expected = [value / tau, by_current, tau / (current - threshold), -tau / (current - v0)]
    assert found["p"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_a_neuron_after_many_spikes(sensealg):
    # with T the period from the reset at 0, v(t) = I - (I - 0) exp(-(t - t_k)/tau), t_k the last spike
    problem = symde.Problem(ode_def(NEURON + "v = 0\ntime 0 .. 11"))
    value, found = gradient(problem, "v", sensealg, wrt="p")
    tau, current, threshold, v0, t = 2.0, 1.5, 1.0, 0.1, 11.0

    def v(tau, current, threshold, v0):
        first = tau * math.log((current - v0) / (current - threshold))
        period = tau * math.log(current / (current - threshold))
        spikes = math.floor((t - first) / period)
        return current - current * math.exp(-(t - first - spikes * period) / tau)

    assert value == pytest.approx(v(tau, current, threshold, v0), rel=1e-8)
    args = np.array([tau, current, threshold, v0])
    by_differences = [(v(*(args + d)) - v(*(args - d))) / 2e-6 for d in 1e-6 * np.eye(4)]
    assert found["p"] == pytest.approx(by_differences, rel=1e-7, abs=1e-8)


THERMOSTAT = """
param out = 5, leak = 0.1, power = 3, low = 19, high = 21
state T = low
discrete on = 1
T' = leak*(out - T) + power*on
warm: when T >= high: on = 0
cold: when T <= low: on = 1
cycle = t
"""


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_the_cycle_of_a_thermostat(sensealg):
    # each half is an exponential between the two thresholds, towards out + power/leak and towards out
    text = THERMOSTAT + "discrete n = 0\nwhen falling T == low: n += 1, stop\ntime 0 .. 100"
    problem = symde.Problem(ode_def(text))
    _, found = symde.value_and_grad(
        lambda u: (u[-1, 0], np.ones_like(u)), problem, of="cycle", wrt="p", sensealg=sensealg, **TIGHT
    )

    def cycle(out, leak, power, low, high):
        above = out + power / leak
        return (math.log((above - low) / (above - high)) + math.log((high - out) / (low - out))) / leak

    args = np.array([5, 0.1, 3, 19, 21])
    steps = 1e-6 * np.diag(args)
    by_differences = [(cycle(*(args + d)) - cycle(*(args - d))) / (2 * d.max()) for d in steps]
    assert found["p"] == pytest.approx(by_differences, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("sensealg", STRATEGIES)
def test_doses_at_times_that_are_parameters(sensealg):
    # x = x0 exp(-kt) + D exp(-k(t - T)) + sum of series doses d exp(-k(t - a - jb))
    text = "param k = 0.7, T = 1.35, D = 2, a = 0.4, b = 0.9, d = 0.5\nstate x = 1\nx' = -k*x\n"
    text += "at t = T: x += D\nevery b from a until 3: x += d\ntime 0 .. 3.5"
    problem = symde.Problem(ode_def(text))
    value, found = gradient(problem, "x", sensealg)
    k, big_t, dose, a, b, d, t = 0.7, 1.35, 2.0, 0.4, 0.9, 0.5, 3.5
    series = [math.exp(-k * (t - a - j * b)) for j in range(3)]
    single, start = math.exp(-k * (t - big_t)), math.exp(-k * t)
    assert value == pytest.approx(start + dose * single + d * sum(series), rel=1e-9)
    by_k = -t * start - (t - big_t) * dose * single
    by_k -= d * sum((t - a - j * b) * one for j, one in enumerate(series))
    by_b = d * k * sum(j * one for j, one in enumerate(series))
    expected = [by_k, dose * k * single, single, d * k * sum(series), by_b, sum(series)]
    assert found["p"] == pytest.approx(expected, rel=1e-8)
    assert found["u0"] == pytest.approx([start], rel=1e-8)


HARDER = {
    "state-dependent delay": "param k = 1, thr = 0.5, d = 0.3, a = 1\nstate x = 1, y = 0\n"
    "x' = -k*x\ny' = x - y\nwhen x < thr after d*(1 + x) persistent: x = a + x*y, y -= 0.1*x\ntime 0 .. 4",
    "a delayed event that is dropped": "param k = 1, w = 6\nstate x = 1, y = 0\n"
    "x' = -k*x + cos(w*t)\ny' = x\nwhen x > 1.1 after 0.2*k: y += x\n"
    "when y > 0.5 after 0.1*k: x = 0.2*y\ntime 0 .. 3",
    "switched right-hand side": "param k = 3, c = 1, a = 2\nstate x = 0.5, y = 0, z = 1\ndiscrete m = 1\n"
    "x' = -k*(x - m*cos(t)); y' = x - c*y*z; z' = sin(t)*a if m > 0 else -z\n"
    "when y > 0.2 and t > 0.5: m = -m*0.8, y = y*0.5\n"
    "when y < -0.3 or x < -0.7: m = 1, z = z + x\ntime 0 .. 6",
    "one event triggers another": "param a = 1.1, b = 0.6\nstate x = 0, y = 1\ndiscrete n = 0\n"
    "x' = a + y; y' = -y + n\nwhen rising x == 1: x = b*y, n += 1\nwhen n >= 2: n = 0, y += a*t\ntime 0 .. 4",
    "times that follow t0 and the end": "param k = 1, s = 0.2, T = 0.8, te = 3\nstate x = 1 + s\n"
    "time s .. te\nx' = -k*x*t\nat t = t0: x += k*t\nevery T from t0: x *= 1.2",
    "priorities": "param k = 1, T = 1\nstate x = 1, y = 0\nx' = -k*x; y' = x\n"
    "at t = T: x = 2*x + y\nat t = T priority 1: y = x*t\ntime 0 .. 2",
    "effects that read the time": "param w = 1.3, q = 0.2\nstate x = 0.1, y = 1\nx' = y; y' = -w*x\n"
    "when y == q: x = x + t*y^2, y = -1.5*y*cos(t)\ntime 0 .. 5",
}  # fmt: skip


@pytest.mark.parametrize("text", HARDER.values(), ids=HARDER)
def test_all_strategies_agree_with_central_differences(text):
    problem = symde.Problem(ode_def(text))
    weights = np.random.default_rng(4).standard_normal(len(problem.u0))
    system: Any = problem.system
    continuous = [i for i, one in enumerate(system.definition.states) if not one.discrete]

    def loss(u):
        return float((np.sin(u) @ weights).sum()), np.cos(u) * weights

    def value(changed):
        end = symde.solve(changed, saveat=[changed.tspan[1]], rtol=1e-12, atol=1e-14)
        return loss(end.u)[0]

    def differences(vector, name):
        def moved(d):
            return value(symde.remake(problem, **{name: (vector + d).tolist()}))

        steps = 4e-5 * np.eye(len(vector)) * np.maximum(1, np.abs(vector))
        near = np.array([(moved(d) - moved(-d)) / (2 * d.max()) for d in steps])
        far = np.array([(moved(2 * d) - moved(-2 * d)) / (4 * d.max()) for d in steps])
        return (4 * near - far) / 3

    by_p, by_u0 = differences(problem.p, "p"), differences(problem.u0, "u0")
    for sensealg in STRATEGIES:
        _, found = symde.value_and_grad(loss, problem, sensealg=sensealg, **TIGHT)
        assert found["p"] == pytest.approx(by_p, rel=1e-6, abs=1e-7), sensealg
        # a discrete variable that a condition counts is no number that moves a little
        assert found["u0"][continuous] == pytest.approx(by_u0[continuous], rel=1e-6, abs=1e-7), sensealg


@pytest.mark.parametrize(
    "method", ["Tsit5", "Vern7", "Rodas5P", "KenCarp4", "QNDF", "VCABM", "RadauIIA5", "RK4"]
)
def test_methods_of_every_kind(method):
    problem = symde.Problem(ode_def(BALL))
    options: dict[str, Any] = {"dt0": 0.01} if method == "RK4" else {"rtol": 1e-8, "atol": 1e-10}
    _, reference = gradient(problem, "x", "forward", wrt="p")
    _, found = symde.value_and_grad(
        last("x", problem), problem, method, sensealg="forward", wrt="p", **options
    )
    assert found["p"] == pytest.approx(reference["p"], rel=1e-5)


def test_sensitivities_of_a_whole_solution():
    g, h = 9.81, 1.0
    impact = math.sqrt(2 * h / g)
    problem = symde.Problem(ode_def(BALL))
    times = [0.2, 0.4, 0.6, 1.0]
    found = symde.sensitivities(problem, wrt=["e", "g"], saveat=times, **TIGHT)
    by_e = [0 if t < impact else math.sqrt(2 * g * h) * (t - impact) for t in times]
    assert found["x", "e"] == pytest.approx(by_e, abs=1e-8)
    assert found["x", "g"][:2] == pytest.approx([-(t**2) / 2 for t in times[:2]], abs=1e-8)
    assert found.u == pytest.approx(symde.solve(problem, saveat=times, **TIGHT).u)
    # with every step, both limits are there: x' jumps, and so does its derivative
    every = symde.sensitivities(problem, wrt=["e"], **TIGHT)
    (place,) = np.flatnonzero(np.diff(every.t) == 0)
    assert every.t[place] == pytest.approx(impact, rel=1e-9)
    assert every["x'", "e"][place : place + 2] == pytest.approx([0, math.sqrt(2 * g * h)], abs=1e-7)


def test_a_parameter_that_an_event_sets():
    # k from 1 to k*c at T: x = exp(-k T - k c (t - T)), so dx/dk = -(T + c (t - T)) x
    model = ode_def("param k = 0.8, c = 0.25\nstate x = 1\nx' = -k*x\ntime 0 .. 3")
    problem = symde.Problem(model.with_events([symde.Event(at=1, effects={"k": "k*c"})]))
    for sensealg in STRATEGIES:
        value, found = gradient(problem, "x", sensealg, wrt=["k", "c"])
        assert value == pytest.approx(math.exp(-0.8 - 0.2 * 2), rel=1e-9)
        assert found["k"] == pytest.approx(-(1 + 0.25 * 2) * value, rel=1e-8)
        assert found["c"] == pytest.approx(-0.8 * 2 * value, rel=1e-8)
    plain, late = symde.Problem(model), [symde.Event(at=1, effects={"k": "k*c"})]
    assert gradient(plain, "x", "forward", wrt="c", events=late)[1]["c"] == pytest.approx(
        found["c"], rel=1e-8
    )
    columns = symde.sensitivities(plain, wrt="c", saveat=[3.0], events=late, **TIGHT)
    assert columns["x", "c"] == pytest.approx([found["c"]], rel=1e-8)


def test_integrals_over_time_go_on_over_events():
    # of x = exp(-k t), doubled by D at T: (1 - exp(-2k))/k + D (1 - exp(-k (2 - T)))/k
    text = "param k = 0.7, T = 0.5, D = 2\nstate x = 1\ndiscrete n = 4\nx' = -k*x\nat t = T: x += D, n += 1\n"
    model = ode_def(text + "time 0 .. 2")
    for u0 in (None, lambda p: [1.0 + 0.0 * p[0], 4.0]):
        problem = symde.with_integral(symde.Problem(model, u0), q="x")
        assert problem.u0.tolist() == [1, 0, 4]
        value, found = gradient(problem, "q", "discrete", wrt="p")
        k, big_t, dose = 0.7, 0.5, 2.0
        late = math.exp(-k * (2 - big_t))
        assert value == pytest.approx((1 - math.exp(-2 * k) + dose * (1 - late)) / k, rel=1e-9)
        by_k = (2 * math.exp(-2 * k) + dose * (2 - big_t) * late - value) / k
        assert found["p"] == pytest.approx([by_k, -dose * late, (1 - late) / k], rel=1e-8)


def test_data_on_both_sides_of_events_are_fitted():
    model = ode_def(
        "param g = 9, e = 0.8\nstate x = 1\nx'(t0) = 0\nx'' = -g\n"
        "when falling x == 0: x' = -e*x'\ntime 0 .. 2"
    )
    true = symde.solve(symde.Problem(model, p={"g": 9.81, "e": 0.9}), saveat=np.linspace(0.1, 2, 25), **TIGHT)
    data = {"t": true.t, "x": true["x"]}
    problem = symde.Problem(model)
    gradients = [
        symde.value_and_grad(symde.LeastSquares(data), problem, wrt="p", sensealg=sensealg, **TIGHT)[1]["p"]
        for sensealg in (*STRATEGIES, "auto")
    ]
    for one in gradients[1:]:
        assert one == pytest.approx(gradients[0], rel=1e-7)
    fitted = symde.fit(problem, data, ["g", "e"])
    assert [fitted["g"], fitted["e"]] == pytest.approx([9.81, 0.9], rel=1e-6)


def test_data_after_the_end_are_refused():
    problem = symde.Problem(ode_def(NEURON + "stop\ntime 0 .. 90"))
    for times in ([1.0, 3.0], [90.0]):
        data = symde.LeastSquares({"t": times, "v": [0.5] * len(times)})
        with pytest.raises(ValueError, match="an event ended the solve"):
            symde.value_and_grad(data, problem, wrt="p")


def test_the_error_of_a_gradient_is_estimated():
    problem = symde.Problem(ode_def(BALL))
    _, found = symde.value_and_grad(last("x", problem), problem, sensealg="discrete", wrt="p", rtol=1e-5)
    _, exact = gradient(problem, "x", "forward", wrt="p")
    error = np.abs(found["p"] - exact["p"]).max()
    assert found.stats is not None and error < 1e-3


def test_memory_does_not_grow_with_the_number_of_events():
    """Segments are solved again one by one: no more sessions are made than for one of them."""
    model = ode_def(NEURON + "v = 0\ntime 0 .. 200")
    problem = symde.Problem(model)
    run = prepare(problem, None, events=True)
    assert len(hybrid.solve(run).segments) > 80
    for sensealg in ("discrete", "interpolating"):
        gradient(problem, "v", sensealg, rtol=1e-6, atol=1e-8)
    smooth = hybrid.smooth_system(problem.system)
    assert all(len(kept) <= 2 for kept in smooth.sessions.values())


def test_conditions_on_discrete_variables_move_with_the_events():
    problem = symde.Problem(ode_def(HARDER["switched right-hand side"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        symde.sensitivities(problem, saveat=[6.0])


REFUSED = {
    "grazing": (
        "param a = 0.3\nstate x = 0, y = 0\nx' = 3*(t - 1)^2; y' = 0\nwhen x == 1: y = x\ntime 0 .. 2",
        "only touches",
    ),
    "two times that move apart": (
        "param T = 1\nstate x = 1\nx' = -x\nat t = T: x += 1\nat t = 1: x *= 2\ntime 0 .. 2",
        "for different reasons",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("sensealg", ("forward", "discrete"))
def test_where_there_is_no_derivative_that_is_said(text, message, sensealg):
    with pytest.raises(ValueError, match=message):
        symde.value_and_grad(
            lambda u: (u.sum(), np.ones_like(u)), symde.Problem(ode_def(text)), sensealg=sensealg
        )


def test_what_does_not_know_events_refuses_them():
    problem = symde.Problem(ode_def(BALL))
    loss = last("x", problem)
    with pytest.raises(ValueError, match="events"):
        symde.hessian(lambda u: (*loss(u), lambda v: 0 * v), problem)
    with pytest.raises(ValueError, match="events"):
        symde.steady_state(problem)
    backwards = symde.Problem(ode_def("x' = -x\nx(0) = 1\nwhen x > 2: stop"), tspan=(1, 0))
    with pytest.raises(ValueError, match="forwards in time"):
        symde.sensitivities(backwards)


def test_a_failed_solve_is_told():
    with pytest.raises(symde.SolveError):
        symde.sensitivities(symde.Problem(ode_def("x' = x^2\nx(0) = 1\nat t = 0.5: x = x\ntime 0 .. 2")))
