"""Solutions that slide along several switches at once, of which one decides how another one is held."""

from __future__ import annotations

import numpy as np
import pytest

import symde

METHODS = ("Tsit5", "Vern7", "Rodas5P", "KenCarp4", "Radau", "VCABM", "QNDF", "Taylor", None)
TIGHT = {"rtol": 1e-9, "atol": 1e-11}

COUPLED = """
  param a = 1, b = 0.3, c = 2, d = 0.5, k = 0.5
  x' = -a*sign(x) + b*sign(y) + k*t
  y' = -c*sign(y) + d*sign(x)
  x(0) = 0.6; y(0) = 0.5
  time 0 .. 5"""


@pytest.mark.parametrize("method", METHODS)
def test_a_solution_enters_an_intersection_and_leaves_it_along_one_line(method):
    # on both lines sign(y) is sign(x)/4, and sign(x) = (t/2)/(1 - 0.3/4) until that is 1, at t = 1.85; from
    # there x' = t/2 - 0.925
    solution = symde.solve(symde.Problem(COUPLED), method, saveat=[1.5, 5.0], **TIGHT)
    np.testing.assert_allclose(solution.u, [[0, 0], [0.25 * (25 - 1.85**2) - 0.925 * 3.15, 0]], atol=2e-7)
    assert solution.stats.accepted < 400


@pytest.mark.parametrize("method", METHODS)
def test_sides_that_multiply_are_combined_bilinearly(method):
    # p - a (1 + b/2) = 0 and q - b (1 + 0.3 a) = 0 with the shares a, b of both sides, which z' = a b shows
    text = """
      x' = -sign(x)*(1 + 0.5*sign(y)) + 0.2
      y' = -sign(y)*(1 + 0.3*sign(x)) + 0.1
      z' = sign(x)*sign(y)
      x(0) = 0; y(0) = 0; z(0) = 0; time 0 .. 1"""
    # (1 + 0.3 a) b = 0.1, a + a b/2 = 0.2: 0.3 a^2 + (1 + 0.05 - 0.06) a - 0.2 = 0
    a = (-0.99 + np.sqrt(0.99**2 + 4 * 0.3 * 0.2)) / 0.6
    b = 0.1 / (1 + 0.3 * a)
    solution = symde.solve(symde.Problem(text), method, **TIGHT)
    assert solution["z"][-1] == pytest.approx(a * b, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_a_spiral_ends_where_the_lines_meet(method):
    # in quadrants x' and y' are (-3/2, 1/2), (-1/2, -3/2), (3/2, -1/2), (1/2, 3/2): from line to line the
    # distance shrinks to a third
    text = "x' = -sign(y) - sign(x)/2; y' = sign(x) - sign(y)/2; x(0) = 0.9; y(0) = 0; time 0 .. 5"
    solution = symde.solve(symde.Problem(text), method, **TIGHT)
    np.testing.assert_allclose(solution.u[-1], 0, atol=1e-9)
    # quadrant by quadrant 0.9/1.5, 0.3/1.5, ...: rest at 0.6*(1 + 1/3 + 1/9 + ...) = 0.9
    moving = solution.t[np.abs(solution.u).sum(axis=1) > 1e-8]
    assert moving[-1] == pytest.approx(0.9, abs=1e-6)
    assert solution.stats.accepted < 600


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_a_stack_of_bodies_comes_to_rest_at_once(method):
    # three bodies that rub against each other, the lowest on the ground
    text = """
      u' = -2*sign(u) - sign(u - v) + 0.7*sin(t)
      v' = sign(u - v) - sign(v - w)
      w' = sign(v - w)
      u(0) = 1; v(0) = -0.5; w(0) = 2; time 0 .. 10"""
    solution = symde.solve(symde.Problem(text), method, **TIGHT)
    np.testing.assert_allclose(solution.u[-1], 0, atol=1e-9)
    assert solution.stats.accepted < 400


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
def test_several_ways_on_are_told_at_once(method):
    # to the corner from one side of both lines; from there away along either
    text = "x' = -sign(y); y' = -sign(x); x(0) = 1; y(0) = 1; time 0 .. 5"
    solution = symde.solve(symde.Problem(text), method, throw=False)
    assert solution.retcode is symde.Retcode.UNDECIDED
    assert solution.t[-1] == pytest.approx(1)
    assert "`sign(x)` (line 1)" in solution.message and "`sign(y)` (line 1)" in solution.message
    assert solution.stats.accepted < 100


def test_switches_written_in_different_words_are_one():
    # x > 0, x < 0 and sign(x): -1 above, 1 below, a third of the time above
    text = "x' = (x > 0 ? -1 : 0) + (x < 0 ? 0.5 : 0); z' = sign(x); x(0) = 1; z(0) = 0; time 0 .. 4"
    solution = symde.solve(symde.Problem(text), "Tsit5", **TIGHT)
    np.testing.assert_allclose(solution.u[-1], [0, 1 - 3 / 3], atol=1e-9)


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "gauss", "interpolating"])
def test_derivatives_go_through_intersections(sensealg):
    # x(5) = k (25 - s^2)/2 - (a - b d/c) (5 - s), s = (a - b d/c)/k
    problem = symde.Problem(symde.ode_def(COUPLED))
    _, found = symde.value_and_grad(
        lambda u: (u[-1, 0], np.array([[1.0, 0.0]])), problem, "Vern7", wrt="p", sensealg=sensealg,
        saveat=[5.0], **TIGHT,
    )  # fmt: skip
    b, c, d, k = 0.3, 2.0, 0.5, 0.5
    h = 1 - b * d / c
    by_h = h / k - 5
    by_k = 12.5 - h**2 / (2 * k**2)
    np.testing.assert_allclose(
        found["p"], [by_h, -d / c * by_h, b * d / c**2 * by_h, -b / c * by_h, by_k], rtol=1e-7, atol=1e-8
    )


def test_derivatives_of_a_spiral_are_refused():
    equations = "x' = -sign(y) - a*sign(x); y' = sign(x) - a*sign(y); x(0) = 0.9; y(0) = 0.1"
    text = f"param a = 0.5\n{equations}; time 0 .. 5"
    problem = symde.Problem(symde.ode_def(text))
    for sensealg in ("forward", "gauss"):
        with pytest.raises(ValueError, match="no strategy differentiates that|has no derivative there"):
            symde.value_and_grad(
                lambda u: (u[-1, 0], np.array([[1.0, 0.0]])), problem, "Vern7", wrt="p", sensealg=sensealg
            )


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P", "QNDF", "VCABM", "Taylor"])
@pytest.mark.parametrize("second", ["sign(k*x)", "sign(k*x) - 0.1*sign(k^2*x)"])
def test_lines_that_are_the_same_for_some_parameters_are_told(method, second):
    # nothing tells how both sides share what holds the solution, not even rounding
    text = f"param k = 2\nx' = -sign(x) - 0.5*{second} + 0.3*sin(t); x(0) = 0.4; time 0 .. 4"
    solution = symde.solve(symde.Problem(text), method, throw=False, **TIGHT)
    assert solution.retcode is symde.Retcode.UNDECIDED
    assert "`sign(x)` (line 2), `sign(k*x)` (line 2)" in solution.message
