"""A delayed time that runs back over a discontinuity, and forward again."""

from __future__ import annotations

import numpy as np
import pytest

import symde

TEXT = "param c = 1.5\nstate x = 1\nhistory x = 0\nx' = x(t - c - 0.8*sin(4*t))\ntime 0 .. 2.3"


def s(t: np.ndarray) -> np.ndarray:
    return t - 1.5 - 0.8 * np.sin(4 * t)


def roots() -> np.ndarray:
    """Where s passes 0, by halving."""
    low, high = np.array([0.9, 1.5, 2.0]), np.array([1.0, 1.7, 2.2])
    for _ in range(60):
        middle = (low + high) / 2
        same = np.sign(s(middle)) == np.sign(s(low))
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return low


METHODS = ("Tsit5", "Vern7", "Rodas5P", "KenCarp4", "Radau", "QNDF")


@pytest.mark.parametrize("method", METHODS)
def test_solution_and_derivative(method):
    # x jumps from 0 to 1 at 0; s passes 0 upwards, downwards and upwards, so that x' = 1 in between, where
    # x(s) is still 1: s stays below the first root
    first, second, third = roots()
    assert s(np.linspace(0, 2.3, 10_001)).max() < first
    t = np.array([0.5, 1.2, 1.9, 2.3])
    expected = 1 + np.clip(t - first, 0, second - first) + np.maximum(t - third, 0)
    # by c each root moves by 1/s'
    move = 1 / (1 - 3.2 * np.cos(4 * np.array([first, second, third])))
    by_c = -move[0] * (t > first) + move[1] * (t > second) - move[2] * (t > third)
    tolerance = dict(rtol=1e-9, atol=1e-11)
    found = symde.sensitivities(symde.Problem(symde.ode_def(TEXT)), method, saveat=t, **tolerance)
    np.testing.assert_allclose(found.u[:, 0], expected, rtol=1e-7)
    np.testing.assert_allclose(found.dp[:, 0, 0], by_c, rtol=1e-6, atol=1e-12)
    solution = symde.solve(symde.Problem(symde.ode_def(TEXT)), method, saveat=t, **tolerance)
    np.testing.assert_allclose(solution.u[:, 0], expected, rtol=1e-7)


def test_a_history_need_not_be_defined_beyond_the_start():
    # sqrt(-t) before 0: x = 2/3 (1 - (1 - t)^(3/2)) until 1
    model = symde.ode_def("state x = 0\nhistory x = sqrt(-t)\nx' = x(t - 1)\ntime 0 .. 1")
    solution = symde.solve(symde.Problem(model), "Vern7", rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(solution["x"], 2 / 3 * (1 - (1 - solution.t) ** 1.5), atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("text", "t0"), [("-t", 0.0), ("1 - t", 0.5)])
def test_a_time_that_begins_at_the_start_and_runs_back(method, text, t0):
    # only the history is read; x jumps at t0 = 0.5, from cos(0.5) to 1
    model = symde.ode_def(f"state x = 1\nhistory x = cos(t)\nx' = -x({text})")
    problem = symde.Problem(model, tspan=(t0, 3.0))
    rtol = 1e-6 if method == "QNDF" else 1e-4
    solution = symde.solve(problem, method, rtol=rtol, atol=rtol)
    exact = 1 - (np.sin(solution.t - 2 * t0) + np.sin(t0))
    np.testing.assert_allclose(solution["x"], exact, atol=20 * rtol)


WAVES = """param a = 1, b = 1, w = 3, v = 7, f = 0, c = 0.5
state y = 1, x = 0
history y = 0, x = 0
y' = 0
x' = y(t - c - a*(1 + sin(w*t + f)) - b*(1 + cos(v*t)))
time 0 .. 6"""


def time_beyond_0(t: np.ndarray, s: np.ndarray) -> float:
    """For how long a time lies beyond 0 that is below it at first and not in the end."""
    assert s[0] < 0 < s[-1]
    k = np.flatnonzero(np.sign(s[1:]) != np.sign(s[:-1]))
    roots = t[k] - s[k] * (t[k + 1] - t[k]) / (s[k + 1] - s[k])
    return np.diff(np.append(roots, t[-1]))[::2].sum()


SWINGING = dict(a=0.754140748, b=0.077323815, w=7.501441288, v=11.444961675, f=2.91697329, c=0.062908309)
MET_AT_THE_END = dict(a=0.220302081, b=0.973459217, w=2.490915737, v=10.759229, f=5.428651365, c=0.0335083)


@pytest.mark.parametrize(
    ("method", "p"), [("Vern7", SWINGING), ("Radau", SWINGING), ("Tsit5", MET_AT_THE_END)]
)
def test_many_discontinuities_passed_and_passed_back(method, p):
    t = np.linspace(0, 6, 200_001)
    s = t - p["c"] - p["a"] * (1 + np.sin(p["w"] * t + p["f"])) - p["b"] * (1 + np.cos(p["v"] * t))
    problem = symde.Problem(symde.ode_def(WAVES), p=p)
    solution = symde.solve(problem, method, rtol=1e-5, atol=1e-6, dtmax=0.08)
    assert solution.t[-1] == 6.0
    assert solution["x"][-1] == pytest.approx(time_beyond_0(t, s), abs=1e-6)


def test_more_discontinuities_than_are_remembered():
    # x is the sine, and a neutral equation brings a discontinuity every 0.002, of which 4096 are kept; the
    # time of z comes back to before t0 again and again
    model = symde.ode_def("""
state x, z = 1, y = 0
history x = sin(t), z = 0
x' = cos(t) - cos(t - 0.002)/2 + x'(t - 0.002)/2
z' = 0
y' = z(t*(1 + cos(2*t))/2 - 0.5)
time 0 .. 12""")
    t = np.linspace(0, 12, 400_001)
    solution = symde.solve(symde.Problem(model), "Vern7", rtol=1e-5, atol=1e-6)
    expected = time_beyond_0(t, t * (1 + np.cos(2 * t)) / 2 - 0.5)
    assert solution["y"][-1] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(solution["x"], np.sin(solution.t), atol=1e-5)
