"""Forward sensitivities over events in one run: columns that the loop maps, and those that the host does."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.executive import Executive

METHODS = ("Tsit5", "Vern7", "Rodas5P", "KenCarp4", "QNDF", "VCABM", "Taylor")
NAMES = ("k", "f", "lag", "T")

DOSES = """
param k = 0.3, f = 0.8, lag = 0.25, T = 1.5
state A = 0
time 0 .. 10
A' = -k*A
dose: every T from lag: A = A + 2*f
"""


def doses(t: float, k: float, f: float, lag: float, T: float) -> complex:
    """A sum of decays, each from its dose on."""
    times = [lag + j * T for j in range(20)]
    return sum(2 * f * np.exp(-k * (t - one)) for one in times if np.real(one) < t)


@pytest.fixture
def hosted(monkeypatch):
    """The times at which the host is called."""
    times: list[float] = []
    take = Executive.take

    def noted(self, at_root):
        times.append(self.session.state.t)
        return take(self, at_root)

    monkeypatch.setattr(Executive, "take", noted)
    return times


@pytest.mark.parametrize("method", METHODS)
def test_doses_whose_times_move(method, hosted):
    # complex steps of the closed form
    problem = symde.Problem(symde.ode_def(DOSES))
    saved = np.array([0.1, 2.0, 5.5, 10.0])
    found = symde.sensitivities(problem, method, wrt=NAMES, saveat=saved, rtol=1e-10, atol=1e-12)
    assert hosted == []
    p = dict(zip(NAMES, problem.p, strict=True))
    for row, t in enumerate(saved):
        expected = [np.imag(doses(t, **{**p, name: p[name] + 1e-30j})) / 1e-30 for name in NAMES]
        np.testing.assert_allclose(found.dp[row, 0], expected, rtol=1e-7, atol=1e-8)


MIXED = """
param a = 0.4, b = 1.3, lag = 0.3, level = 1.2
state x = 1, y = 0
discrete n = 0, size = b
time 0 .. 8
x' = -a*x + 0.3*sin(y)
y' = x - a*y
dose: every 1 from lag: x += size, n += 1
same: at t = 2, 3 + lag: y = y*x*a
again: at t = 3 + lag: x += a*y
high: when x > level + 1: size = 0.5*size, x = level*x/2
wave: when falling y == level after a: x += 0.1*b
"""


@pytest.mark.parametrize("method", ("Tsit5", "Rodas5P", "VCABM", "Taylor"))
def test_columns_agree_with_adjoint_segments(method):
    problem = symde.Problem(symde.ode_def(MIXED))
    weights = np.random.default_rng(3).normal(size=(9, 4))

    def loss(u):
        return float((weights * u).sum()), weights

    options = {"saveat": np.linspace(0, 8, 9), "rtol": 1e-10, "atol": 1e-11}
    value, found = symde.value_and_grad(loss, problem, method, sensealg="forward", **options)
    other, expected = symde.value_and_grad(loss, problem, "Vern7", sensealg="discrete", **options)
    assert value == pytest.approx(other, rel=1e-7)
    np.testing.assert_allclose(found["p"], expected["p"], rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(found["u0"], expected["u0"], rtol=2e-6, atol=1e-7)


def test_the_records_are_those_of_the_states():
    problem = symde.Problem(symde.ode_def(MIXED))
    options = {"rtol": 1e-9, "atol": 1e-10}
    solution = symde.solve(problem, "Tsit5", **options)
    along = symde.sensitivities(problem, "Tsit5", **options).solution
    assert [one.name for one in along.events] == [one.name for one in solution.events]
    assert all(one.before.shape == one.after.shape == (4,) for one in along.events)
    np.testing.assert_allclose([one.t for one in along.events], [one.t for one in solution.events], atol=1e-7)


def test_known_times_that_a_change_moves_apart_are_refused():
    text = DOSES + "other: at t = lag + 3: A = A/2\n"
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(ValueError, match="moves them apart"):
        symde.sensitivities(problem, "Tsit5", wrt="p", saveat=[10.0])
    # by what moves both alike there is a derivative
    symde.sensitivities(problem, "Tsit5", wrt=("k", "lag"), saveat=[10.0])


def test_no_more_evaluations_than_the_steps_take():
    problem = symde.Problem(symde.ode_def(DOSES))
    found = symde.sensitivities(problem, "Tsit5", wrt=("k", "f"), saveat=[10.0], rtol=1e-6)
    stats = found.solution.stats
    # six stages an attempt, one more at each of seven doses and at the start
    assert stats.evaluations <= 6 * (stats.accepted + stats.rejected) + 10
