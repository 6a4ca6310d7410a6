"""Every strategy is right whatever the sizes of states, parameters and tolerances."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.sensitivity import registry

from .test_forward_scales import CHAIN, SIZES, SOURCE, linear

METHODS = ("Tsit5", "Rodas5P", "KenCarp4", "Radau")
"""Methods that every strategy knows."""


def end_of(state):
    """A loss: one state at the end."""

    def loss(u):
        weights = np.zeros_like(u)
        weights[-1, state] = 1.0
        return u[-1, state], weights

    return loss


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("size", "atol"), SIZES)
def test_a_parameter_and_an_initial_value_that_are_zero(size, atol, method, sensealg):
    problem = symde.Problem(SOURCE.format(size=size))
    expected = linear(size)
    for state, name in enumerate(("x", "y")):
        options = {"wrt": ("s", "x"), "sensealg": sensealg, "rtol": 1e-6, "atol": atol}
        _, found = symde.value_and_grad(end_of(state), problem, method, **options)
        # some hundred times rtol, and no entry is below a hundredth of its column
        assert found["s"] == pytest.approx(expected[name, "s"], rel=5e-4)
        assert found["x"] == pytest.approx(expected[name, "x(0)"], rel=5e-4)


@pytest.mark.parametrize("sensealg", registry.NAMES)
@pytest.mark.parametrize("method", METHODS)
def test_tolerances_by_component_from_1e_30_to_1e3(method, sensealg):
    problem = symde.Problem(CHAIN)
    options = {"sensealg": sensealg, "rtol": 1e-6, "atol": {"big": 1e3, "small": 1e-27, "none": 1e-36}}
    big, small, none = (
        symde.value_and_grad(end_of(state), problem, method, **options)[1] for state in range(3)
    )
    fast, slow = np.exp(-4.0), np.exp(-2.0)
    # small = k 1e-21 (e^-t - e^-kt)/(k - 1) at k = 2; derivatives by k, g and c, and by the initial values
    by_k = 1e-21 * (-(slow - fast) + 2 * 2 * fast)
    np.testing.assert_allclose(big["p"], [-2e9 * fast, (1 - fast) / 2, 0.0], rtol=1e-4)
    np.testing.assert_allclose(big["u0"], [fast, 0.0, 0.0], rtol=1e-4)
    np.testing.assert_allclose(small["p"][0], by_k, rtol=1e-4)
    np.testing.assert_allclose(small["u0"], [2e-30 * (slow - fast), slow, 0.0], rtol=1e-4)
    np.testing.assert_allclose(none["p"], [0.0, 0.0, 1 - slow], rtol=1e-4)
    np.testing.assert_allclose(none["u0"], [0.0, 0.0, slow], rtol=1e-4)
