"""What compilation makes of events: root functions, their derivatives, conditions; work that is not done."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import symde
from symde.codegen.events import EventKernels
from symde.codegen.model_kernels import ModelGraph

TEXT = """
  param k = 2, c = 0.5
  x' = -k*x + sin(t); y' = x*y; x(0) = 1; y(0) = 2
  discrete m = 1
  time 0 .. 1
  z = x^2 + y
  a: when z > c and x <= y: m = 2*m, x = 0
  b: when c < z or not (y < x): y = 1
  d: when x*y == t after k*z: m += 1
  e: when m == 1 and m < 5: stop
  f: at t = k, t0 + 1 priority x: m = 0
"""


def kernels() -> tuple[ModelGraph, EventKernels]:
    graph = ModelGraph(symde.ode_def(TEXT).definition)
    return graph, EventKernels(graph)


def call(events: EventKernels, name: str, t: float, u, p, outputs, sides=()):
    """The outputs of a kernel, as arrays of these lengths."""
    kernel = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)(
        events.address(name)
    )
    vectors = [np.array(one, dtype=float) for one in (u, p, [], [*sides, 0.0])]
    table = np.array([one.ctypes.data for one in vectors] + [0] * 8)
    results = [np.zeros(length) for length in outputs]
    out = np.array([one.ctypes.data for one in results])
    assert kernel(t, table.ctypes.data, out.ctypes.data) == 0
    return results


def test_a_comparison_is_a_root_function_once():
    _, events = kernels()
    # z - c, y - x (read in both directions), x*y - t; those of m alone are none
    assert events.count == 3 and events.conditions == 3 and events.times == 2


def test_derivatives_follow_the_solution():
    graph, events = kernels()
    p, m = np.array([2.0, 0.5]), 1.0

    def slope(t, u):
        return np.array([-p[0] * u[0] + np.sin(t), u[0] * u[1], 0.0])

    rng = np.random.default_rng(3)
    for _ in range(20):
        t, u = rng.uniform(0, 2), np.append(rng.uniform(0.5, 2, 2), m)
        g, gdot = call(events, "roots", t, u, p, (3, 3))
        np.testing.assert_allclose(g, [u[0] ** 2 + u[1] - p[1], u[1] - u[0], u[0] * u[1] - t], rtol=1e-14)
        h = 1e-6
        # central differences along the tangent of the solution: their error is of order h^2
        ahead, behind = (call(events, "roots", t + s, u + s * slope(t, u), p, (3, 3))[0] for s in (h, -h))
        np.testing.assert_allclose(gdot, (ahead - behind) / (2 * h), rtol=1e-8, atol=1e-8)


def test_conditions_read_sides_and_discrete_variables():
    _, events = kernels()
    p = [2, 0.5]
    for z, order in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        # the values of x and y say the contrary of the sides, and do not count
        (truths,) = call(events, "conditions", 0, [0, 0, 1], p, (3,), (z, order, 1))
        # x <= y and not (y < x) are both the upper side of y - x
        assert truths.tolist() == [z > 0 and order > 0, z > 0 or order > 0, 1]
    assert call(events, "conditions", 0, [0, 0, 3], p, (3,), (1, 1, 1))[0][2] == 0


def test_effects_delays_priorities_and_times():
    _, events = kernels()
    u, p = [0.5, 3.0, 4.0], [2.0, 0.5]
    assert call(events, "effect_0", 0, u, p, (2,))[0].tolist() == [8, 0]
    assert call(events, "effect_2", 0, u, p, (2,))[0].tolist() == [5, 2 * 3.25]
    assert call(events, "priorities", 0, u, p, (5,))[0].tolist() == [0, 0, 0, 0, 0.5]
    assert call(events, "times", 3, u, p, (2,))[0].tolist() == [2, 4]
    assert events.address("effect_3") == 0


@pytest.mark.parametrize("method", ["Tsit5", "Vern9", "Rodas5P", "QNDF", "VCABM", "KenCarp4", "Radau"])
def test_a_watch_that_sees_nothing_changes_nothing(method):
    plain = symde.ode_def("x' = 1.5x - x*y; y' = x*y - 3y; x(0) = 1; y(0) = 1; time 0 .. 10")
    watched = plain.with_events([symde.Event("x > 100", stop=True), symde.Event("x + y < -5", {"x": "1"})])
    without, beside = (symde.solve(symde.Problem(model), method) for model in (plain, watched))
    np.testing.assert_array_equal(without.u, beside.u)
    same = ("accepted", "rejected", "evaluations", "jacobians", "factorisations", "solves")
    assert [getattr(without.stats, name) for name in same] == [getattr(beside.stats, name) for name in same]


def test_an_event_takes_few_attempts():
    # undone are a step with a root in it, the one to the root of its interpolant, and one after a correction
    # of the time; the next correction is below what times resolve
    text = "v' = 1.5 - v; v(0) = 0; time 0 .. 100\n spike: when v >= 1: v = 0"
    solution = symde.solve(symde.Problem(symde.ode_def(text)), "Tsit5", rtol=1e-8)
    assert len(solution.events) == 91
    assert solution.stats.rejected <= 3 * 91
