"""Members whose solves are more than the compiled loop: events, algebraic equations, delays, modes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.ensemble.ensemble import EnsembleWarning

BALL = """
param e = 0.8
state x = 1, v = 0
x' = v
v' = -9.81
bounce: when x <= 0: v = -v + e
time 0 .. 3
"""

REFILLED = """
param e = 0.3, up = 1.5
state a = 1, z = 0.4
discrete n = 0
a' = -a*z
0 = a - z - z^3
level = a + z
refill: when z < e: a = up, n += 1
time 0 .. 3
"""

DELAYED = """
param e = 1, b = 0.2
state x = 1.2
history x = 1.2
before = x(t - e)
x' = b*before/(1 + before^10) - 0.1*x
time 0 .. 3
"""

PENDULUM = """
param e = 1
state x = e, y = 0
state T = 0
x'(0) = 0; y'(0) = 0
x'' = -T*x
y'' = -T*y - 9.81
x^2 + y^2 = e^2
time 0 .. 3
"""

KINKS = """
param e = 1
state x = 0.3
x' = e*max(sin(3*t), 0.2) - abs(x - 0.3)
time 0 .. 3
"""

VALUES = [0.35, 0.5, 0.8]
SAVED = [1.0, 2.5, 3.0]


@pytest.mark.parametrize(
    ("text", "methods"),
    [
        (BALL, (None, "Tsit5", "QNDF")),
        (REFILLED, (None, "Rodas5P", "Radau", "QNDF", "KenCarp4")),
        (DELAYED, (None, "Tsit5", "Rodas5P")),
        (PENDULUM, (None, "Rodas5P", "QNDF")),
        (KINKS, (None, "Tsit5", "Rodas5P", "QNDF")),
    ],
    ids=["events", "algebraic and events", "delays", "projected", "modes"],
)
def test_members_are_single_solves_to_the_last_bit(text, methods):
    problem = symde.Problem(symde.ode_def(text))
    for method in methods:
        for workers in (1, 2):
            found = symde.ensemble(problem, method, p={"e": VALUES}, saveat=SAVED, workers=workers)
            for i, value in enumerate(VALUES):
                single = symde.solve(symde.remake(problem, p={"e": value}), method, saveat=SAVED)
                np.testing.assert_array_equal(found.u[i], single.u)
                member = found.member(i)
                assert member.stats.accepted == single.stats.accepted
                assert [(one.t, one.name) for one in member.events] == [
                    (one.t, one.name) for one in single.events
                ]


def test_members_whose_events_leave_what_is_inconsistent_are_told():
    problem = symde.Problem(symde.ode_def(PENDULUM + "wall: when x < -0.45: x' = -x'"))
    with pytest.warns(EnsembleWarning, match="what event `wall` sets contradicts a constraint"):
        found = symde.ensemble(problem, p={"e": [0.4, 1.0, 0.42]}, saveat=SAVED)
    (failure,) = found.failures
    assert failure.index == 1 and failure.retcode is symde.Retcode.INCONSISTENT
    assert np.isnan(found.u[1, 1:]).all() and np.isfinite(found.u[[0, 2]]).all()
    good = symde.solve(symde.remake(problem, p={"e": 0.42}), saveat=SAVED)
    np.testing.assert_array_equal(found.u[2], good.u)


def test_members_that_events_end():
    text = BALL.replace("v = -v + e", "stop")
    problem = symde.Problem(symde.ode_def(text))
    found = symde.ensemble(problem, u0={"x": [1.0, 9.81 / 2 * 2.0**2]}, saveat=SAVED)
    assert found.success
    assert found.member(1).events[0].t == pytest.approx(2)
    # at t = 1 the first has landed, and the second not yet
    assert np.isnan(found["x"]).tolist() == [[True, True, True], [False, True, True]]
    for member, x0 in zip(found, (1.0, 9.81 / 2 * 2.0**2), strict=True):
        alone = symde.solve(symde.remake(problem, u0={"x": x0}), saveat=SAVED)
        assert member.retcode is symde.Retcode.TERMINATED
        assert np.array_equal(member.t, alone.t) and np.array_equal(member.u, alone.u)


def test_statistics_of_times_that_some_members_did_not_reach_are_nan():
    problem = symde.Problem(symde.ode_def(BALL.replace("v = -v + e", "stop")))
    given = {"u0": {"x": [5.0, 30.0, 40.0]}, "saveat": [0.5, 2.0]}
    paths = symde.ensemble(problem, **given)
    kept = symde.ensemble(problem, **given, reduce=["mean", "quantiles"])
    for found in (paths, kept):
        quantiles = found.quantile(0.5, "x"), *found.quantile([0.1, 0.9], "x")
        for values in (found.mean("x"), found.var("x"), *quantiles):
            assert np.isnan(values).tolist() == [False, True]


SLIDING = """
param e = 1
state x = 1, y = 1
x' = y
y' = -x - e*sign(y)
time 0 .. 20
"""


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_members_that_slide_along_a_switch(workers):
    # a block that dry friction stops: from where on it slides depends on its friction, some go on to the end
    friction = np.append(np.linspace(0.5, 0.9, 100), np.full(100, 0.001))
    problem = symde.Problem(symde.ode_def(SLIDING))
    found = symde.ensemble(problem, "Tsit5", p={"e": friction}, saveat=[1.0, 20.0], workers=workers)
    assert found.success and found.counters[:, 0].max() < 1000
    assert np.abs(found["y"][:100, 1]).max() < 1e-12 and np.abs(found["y"][100:, 1]).min() > 0.1
    for i in (0, 57, 99, 100, 199):
        alone = symde.solve(symde.remake(problem, p={"e": friction[i]}), "Tsit5", saveat=[1.0, 20.0])
        assert np.array_equal(found.u[i], alone.u)


def test_a_member_whose_delay_cannot_be_is_named():
    problem = symde.Problem(symde.ode_def(DELAYED))
    for workers in (1, 2):
        with pytest.raises(ValueError, match="the time `t - e` .* is not in the past") as caught:
            symde.ensemble(problem, p={"e": [1.0, 0.5, -1.0]}, saveat=SAVED, workers=workers)
        assert caught.value.__notes__ == ["in member 2 of the ensemble"]


def test_observed_quantities_of_members():
    problem = symde.Problem(symde.ode_def(REFILLED))
    found = symde.ensemble(problem, p={"e": VALUES}, saveat=SAVED)
    np.testing.assert_array_equal(found["level"], found["a"] + found["z"])
    delayed = symde.Problem(symde.ode_def(DELAYED))
    found = symde.ensemble(delayed, p={"e": VALUES}, saveat=SAVED)
    with pytest.raises(ValueError, match="`before` reads delayed values, and ensembles keep no continuous"):
        found["before"]
    reduced = symde.ensemble(delayed, p={"e": VALUES}, saveat=SAVED, reduce="mean")
    np.testing.assert_allclose(reduced.mean("x"), found["x"].mean(axis=0), rtol=1e-14)
    with pytest.raises(ValueError, match="`before` reads delayed values"):
        reduced.mean("before")


def test_a_fold_sees_the_events_of_its_members():
    problem = symde.Problem(symde.ode_def(REFILLED))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = symde.ensemble(
            problem,
            p={"e": VALUES},
            saveat=SAVED,
            reduce=lambda state, member: (state or []) + [len(member.events)],
        )
    assert found.result == [
        len(symde.solve(symde.remake(problem, p={"e": value}), saveat=SAVED).events) for value in VALUES
    ]


def test_events_given_for_an_ensemble_are_those_of_solves():
    problem = symde.Problem(
        symde.ode_def(BALL.replace("-9.81", "-g").replace("e = 0.8", "e = 0.8, g = 9.81"))
    )
    moon = [symde.Event(at=1.0, effects={"g": 1.62}), symde.Event("v < -5", stop=True, name="fast")]
    e, g = [3.0, 4.0, 3.5], [9.81, 5.0, 30.0]
    found = symde.ensemble(problem, p={"e": e, "g": g}, events=moon, saveat=SAVED)
    for i, member in enumerate(found):
        alone = symde.solve(symde.remake(problem, p={"e": e[i], "g": g[i]}), events=moon, saveat=SAVED)
        assert np.array_equal(member.t, alone.t) and np.array_equal(member.u, alone.u)
        assert [one.name for one in member.events] == [one.name for one in alone.events]
    np.testing.assert_array_equal(found["g"][:2, 0], 1.62)
    assert found.names == ("x", "v", "g") and found.member(2).retcode is symde.Retcode.TERMINATED
    jumps = symde.Problem("x' = -x; x(0) = 1; jump 1: x += 1", tspan=(0, 1))
    with pytest.raises(ValueError, match="events beside jumps are statements of the model"):
        symde.ensemble(jumps, n=2, events=moon)
