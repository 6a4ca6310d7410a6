"""A tableau proves itself when made: a wrong figure anywhere is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.integrate import RK23, RK45

from symde.engine.methods import registry
from symde.engine.methods.proofs import TableauError

from .tableaus import METHODS

# the scale of a Rosenbrock error estimate of one stage is free, so its figures prove nothing by sums
ARRAYS = {
    "explicit": ("a", "b", "c", "error", "interpolant", "extra_a", "extra_c"),
    "explicit_two_estimates": (
        "a",
        "b",
        "c",
        "error",
        "coarse_error",
        "interpolant",
        "extra_a",
        "extra_c",
    ),
    "rosenbrock": ("a", "c_matrix", "alpha", "d", "m", "interpolant"),
    "esdirk": ("a", "c", "embedded", "interpolant"),
}


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


@named(METHODS)
def test_every_figure_counts(method):
    for key in ARRAYS[method.family]:
        values = getattr(method, key)
        for place in zip(*np.nonzero([] if values is None else values), strict=True):
            wrong = values.copy()
            wrong[place] *= 1 + 1e-5
            with pytest.raises(TableauError, match=method.name):
                dataclasses.replace(method, **{key: wrong})


@named(METHODS)
def test_numbers_of_the_wrong_shape_are_refused(method):
    key = "alpha" if method.family == "rosenbrock" else "c"
    with pytest.raises(TableauError, match=method.name):
        dataclasses.replace(method, **{key: (*getattr(method, key), 1.0)})


@named(METHODS)
def test_stages_cannot_read_later_ones(method):
    late = method.a.copy()
    late[0, -1] = 0.5
    with pytest.raises(TableauError, match="not known yet"):
        dataclasses.replace(method, a=late)


def test_an_error_estimate_comes_with_its_order():
    with pytest.raises(TableauError, match="come together"):
        dataclasses.replace(registry.get("BS3"), error=None)


@named(METHODS)
def test_methods_are_constants(method):
    copy = dataclasses.replace(method)
    assert copy != method and len({method, copy, method}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.order = 9
    with pytest.raises(ValueError, match="read-only"):
        method.a[...] = 0


@pytest.mark.parametrize(
    "name, fsal", [("BS3", True), ("DP5", True), ("Tsit5", True), ("Vern7", False), ("RK4", False)]
)
def test_first_same_as_last(name, fsal):
    method = registry.get(name)
    assert method.fsal is fsal
    assert np.array_equal(method.a[-1], method.b) is fsal


@pytest.mark.parametrize("name, other", [("DP5", RK45), ("BS3", RK23)])
def test_figures_agree_with_those_of_scipy(name, other):
    method = registry.get(name)
    stages = len(other.B)
    np.testing.assert_allclose(
        method.a[:stages, :stages], np.pad(other.A, ((0, 0), (0, stages - other.A.shape[1])))
    )
    np.testing.assert_allclose(method.b[:stages], other.B)
    # scipy's error is the embedded solution minus the solution
    np.testing.assert_allclose(method.error, -other.E)
    np.testing.assert_allclose(method.interpolant, other.P)
