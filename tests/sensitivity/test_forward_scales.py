"""Forward sensitivities are right whatever the sizes of states, parameters and tolerances."""

from __future__ import annotations

import numpy as np
import pytest

import symde

SIZES = [(1e9, 1e3), (1.0, 1e-9), (1e-9, 1e-18), (1e-30, 1e-36)]
"""Sizes of the states and their absolute tolerance."""

SOURCE = """
model Source
  param s = 0, k = 1
  state x = {size}, y = 0
  time 0 .. 5
  dx = s - k*x
  dy = k*x - 0.5*y
end
"""

CHAIN = """
model Chain
  param k = 2, g = 0, c = 1e-30
  state big = 1e9, small = 0, none = 0
  time 0 .. 2
  dbig = -k*big + g
  dsmall = 1e-30*big*k - small
  dnone = c - none
end
"""


def linear(size):
    """Derivatives of (x, y) at t = 5 by s, x(0) and y(0), solved by hand."""
    fast, slow = np.exp(-5.0), np.exp(-2.5)
    y_by_x = 2 * (slow - fast)
    return {
        ("x", "s"): 1 - fast,
        ("y", "s"): 2 * (1 - slow) - y_by_x,
        ("x", "x(0)"): fast,
        ("y", "x(0)"): y_by_x,
        ("y", "y(0)"): slow,
        ("x", "k"): -5 * size * fast,
    }


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "KenCarp4", "QNDF", "Radau", None])
@pytest.mark.parametrize(("size", "atol"), SIZES)
def test_a_parameter_and_an_initial_value_that_are_zero(size, atol, method):
    problem = symde.Problem(SOURCE.format(size=size))
    found = symde.sensitivities(problem, method, rtol=1e-6, atol=atol, saveat=[5.0])
    for pair, expected in linear(size).items():
        # some hundred times rtol, and no entry is below a hundredth of its column
        assert found[pair][-1] == pytest.approx(expected, rel=5e-4), pair


@pytest.mark.parametrize("method", ["Vern7", "Rodas5P", "QNDF"])
def test_the_work_does_not_depend_on_the_units(method):
    counts = {
        symde.sensitivities(
            symde.Problem(SOURCE.format(size=size)), method, rtol=1e-6, atol=1e-6 * size
        ).solution.stats.accepted
        for size in (1e9, 1.0, 1e-9, 1e-30)
    }
    assert max(counts) <= 1.1 * min(counts) + 2


def test_tolerances_by_component_from_1e_30_to_1e3():
    problem = symde.Problem(CHAIN)
    atol = {"big": 1e3, "small": 1e-27, "none": 1e-36}
    found = symde.sensitivities(problem, "Rodas5P", rtol=1e-6, atol=atol, saveat=[2.0])
    fast, slow = np.exp(-4.0), np.exp(-2.0)
    assert found["big", "k"][-1] == pytest.approx(-2e9 * fast, rel=1e-4)
    assert found["big", "g"][-1] == pytest.approx((1 - fast) / 2, rel=1e-4)
    # small = k 1e-21 (e^-t - e^-kt)/(k - 1) at k = 2
    by_k = 1e-21 * (-(slow - fast) + 2 * 2 * fast)
    assert found["small", "k"][-1] == pytest.approx(by_k, rel=1e-4)
    assert found["small", "big(0)"][-1] == pytest.approx(2e-30 * (slow - fast), rel=1e-4)
    assert found["none", "c"][-1] == pytest.approx(1 - slow, rel=1e-4)
    assert found["none", "none(0)"][-1] == pytest.approx(slow, rel=1e-4)


def test_a_nominal_value_is_the_size_of_a_parameter_that_is_zero():
    plain = "model A\n  param s = 0\n  state x = 1\n  time 0 .. 5\n  dx = s - x^2\nend\n"
    counts = [
        symde.sensitivities(symde.Problem(text), "Tsit5", wrt="p").solution.stats.accepted
        for text in (plain, plain.replace("s = 0", "s = 0 nominal 1e6"))
    ]
    # a larger size asks for more of the derivative
    assert counts[1] > counts[0]
