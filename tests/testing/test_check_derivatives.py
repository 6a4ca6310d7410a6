"""The check of derivatives passes on right derivatives and fails on wrong ones, saying which."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import sympy

import symde
from symde.codegen.rules import RULES
from symde.testing import check_derivatives
from symde.testing.differences import differences
from symde.testing.sympy_value import Evaluator

OSCILLATOR = """
param k = 2 in (0.5, 2.5), w = 1
state x = 1, y = 0
x' = y*exp(-k*x) + sin(w*t)
y' = -k*x + y^3/(1 + x^2)
"""
KINKS = """
param a = 1
state x = 1, y = 2
x' = -a*abs(x - 1.2) + max(y, x)
y' = mod(t + x, 0.7) + (x if y > 2 else a*y^2) + floor(3*y)
"""


@pytest.mark.parametrize("text", [OSCILLATOR, KINKS], ids=["smooth", "kinks"])
def test_right_derivatives_pass(text):
    report = check_derivatives(symde.ode_def(text), points=10)
    assert report.points == 10
    assert report.symbolic is not None and report.symbolic < 1e-13  # a few roundings of float64
    assert report.differences < 1e-7


def test_the_report_counts_every_entry():
    report = check_derivatives(symde.ode_def(OSCILLATOR), points=1)
    assert report.entries == 2 * (1 + 2 + 2 + 1)  # f, two states, two parameters, time
    assert "12 entries at 1 points agree with sympy" in str(report)


def test_points_may_be_given():
    report = check_derivatives(symde.ode_def(OSCILLATOR), points=[([1.0, 2.0], [1.0, 1.0], 0.5)])
    assert report.points == 1


def test_random_points_respect_bounds_and_are_repeatable():
    from symde.codegen.system import ModelKernels
    from symde.testing.points import random_points

    kernels = ModelKernels(symde.ode_def(OSCILLATOR).definition)
    first, again = random_points(kernels, 50, seed=3), random_points(kernels, 50, seed=3)
    assert all(0.5 <= p[0] <= 2.5 for _, p, _ in first)
    assert max(p[0] for _, p, _ in first) == 2.5  # where 2 times 1.5 is cut
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))


def test_a_wrong_rule_is_caught_by_both_witnesses_with_equation_and_line(monkeypatch):
    right = RULES["sin"]
    monkeypatch.setitem(RULES, "sin", lambda g, node, x: (g.neg(right(g, node, x)[0]),))
    model = symde.ode_def("state x = 1\n\nx' = 2*sin(x)")
    with pytest.raises(AssertionError) as caught:
        check_derivatives(model, points=1)
    text = str(caught.value)
    assert "∂(x')/∂x" in text and "by sympy" in text and "by differences" in text
    assert "x' = 2*sin(x)" in text and "line 3" in text


def test_without_sympy_the_differences_still_catch_it(monkeypatch):
    right = RULES["exp"]

    def wrong(g, node, x):
        return (g.mul(g.graph.constant(1.001), right(g, node, x)[0]),)

    monkeypatch.setitem(RULES, "exp", wrong)
    with pytest.raises(AssertionError, match="by differences"):
        check_derivatives(symde.ode_def("state x = 1\nx' = exp(x)"), symbolic=False)


def test_a_model_that_is_nowhere_finite_is_refused():
    with pytest.raises(ValueError, match="no point found"):
        check_derivatives(symde.ode_def("state x = 1\nx' = log(-x^2)"))


def test_entries_beside_a_kink_are_left_to_sympy():
    model = symde.ode_def("state x = 1\nx' = abs(x)")
    report = check_derivatives(model, points=[([1e-300], [], 0.0), ([1.0], [], 0.0)])
    assert report.undecided == 0
    moved = symde.ode_def("state x = 1\nx' = abs(x - 1)")
    assert check_derivatives(moved, points=[([1.0001], [], 0.0)]).undecided == 1


def test_reports_are_values():
    report = check_derivatives(symde.ode_def("state x = 1\nx' = -x"), points=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.points = 2


@pytest.mark.parametrize("x", [1.7, -0.3, 250.0, 1e-6])
def test_differences_are_good_to_nine_digits_on_a_smooth_function(x):
    found = differences(lambda u: np.stack([np.sin(u[0] / abs(x))]), np.array([x]))
    assert abs(found.values[0, 0] * abs(x) - math.cos(math.copysign(1, x))) < 1e-9
    assert found.smooth.all()


def test_an_expression_is_evaluated_to_thirty_digits():
    x = sympy.Symbol("x", real=True)
    evaluate = Evaluator({x: 1.0}, 0.0)
    value, size = evaluate((x + sympy.Rational(1, 10**20)) - x)
    assert value == 1e-20
    assert evaluate(sympy.exp(x) * sympy.pi)[0] == pytest.approx(8.539734222673567, rel=1e-15)


def test_the_size_of_a_sum_is_that_of_its_terms():
    x, y = sympy.symbols("x y", real=True)
    value, size = Evaluator({x: 1000.0, y: 999.0}, 0.0)(x - y)
    assert (value, size) == (1.0, 1999.0)


def test_only_the_chosen_branch_of_a_condition_is_evaluated():
    x = sympy.Symbol("x", real=True)
    branches = sympy.Piecewise((sympy.log(x), x > 0), (x**2, True), evaluate=False)
    assert Evaluator({x: -2.0}, 0.0)(branches)[0] == 4.0


def test_something_other_than_a_model_is_refused():
    with pytest.raises(TypeError, match="expected a model"):
        check_derivatives("state x = 1\nx' = -x")  # pyright: ignore[reportArgumentType]


def test_what_is_not_real_is_not_a_number():
    x = sympy.Symbol("x", real=True)
    assert math.isnan(Evaluator({x: -1.0}, 0.0)(sympy.sqrt(x))[0])
    assert math.isnan(Evaluator({x: 0.0}, 0.0)(1 / x)[0])
