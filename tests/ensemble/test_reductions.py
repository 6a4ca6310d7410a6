"""Statistics of a stream of members are those of all paths."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.ensemble.reductions import KEPT, Moments, Quantiles
from tests.ensemble.models import BLOWUP, LOTKA, lotka_parameters

PROBLEM = symde.Problem(LOTKA)
TIMES = np.linspace(0, 10, 11)
P = lotka_parameters(400)


@pytest.fixture(scope="module")
def paths():
    return symde.ensemble(PROBLEM, "Tsit5", p=P, saveat=TIMES)


def reduced(reduce):
    return symde.ensemble(PROBLEM, "Tsit5", p=P, saveat=TIMES, reduce=reduce)


def test_mean_and_variance_are_those_of_numpy(paths):
    found = reduced("var")
    for name in (None, "y", "total"):
        values = paths.u if name is None else paths[name]
        np.testing.assert_allclose(found.mean(name), values.mean(axis=0), rtol=1e-13)
        # the variance at the start is zero, its sum of squares rounding
        np.testing.assert_allclose(
            found.var(name, ddof=1), values.var(axis=0, ddof=1), rtol=1e-11, atol=1e-28
        )
        np.testing.assert_array_equal(paths.mean(name), values.mean(axis=0))
        np.testing.assert_array_equal(paths.var(name), values.var(axis=0))


def test_quantiles_of_few_members_are_those_of_numpy(paths):
    found = reduced("quantiles")
    levels = [0.0, 0.05, 0.5, 0.93, 1.0]
    for name in (None, "total"):
        values = paths.u if name is None else paths[name]
        expected = np.quantile(values, levels, axis=0)
        np.testing.assert_allclose(found.quantile(levels, name), expected, rtol=1e-13)
        np.testing.assert_array_equal(paths.quantile(levels, name), expected)
        np.testing.assert_allclose(found.quantile(0.5, name), expected[2], rtol=1e-13)


@pytest.mark.parametrize("order", ["random", "ascending", "descending", "zigzag"])
def test_quantiles_of_many_keep_to_their_bound(order):
    n = 40 * KEPT + 77
    values = np.random.default_rng(3).normal(size=n)
    if order != "random":
        values.sort()
    if order == "descending":
        values = values[::-1]
    if order == "zigzag":
        values = np.ravel(np.column_stack([values[: n // 2], values[::-1][: n // 2]]))
    sketch, ordered = Quantiles((1,)), np.sort(values)
    for first in range(0, len(values), 300):
        sketch.add(values[first : first + 300, None])
    levels = np.linspace(0.01, 0.99, 99)
    ranks = np.searchsorted(ordered, sketch.at(levels)[:, 0]) / len(values)
    assert np.abs(ranks - levels).max() < np.log2(len(values) / KEPT) / (2 * KEPT)
    kept = sketch._filled + sum(len(one) for one in sketch._levels if one is not None)
    assert kept <= 8 * KEPT


def test_blocks_may_be_cut_anyhow():
    values = np.random.default_rng(4).lognormal(size=(1000, 3))
    for cut in (1, 7, 1000):
        moments = Moments((3,))
        for first in range(0, 1000, cut):
            moments.add(values[first : first + cut])
        np.testing.assert_allclose(moments.mean, values.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(moments.variance(0), values.var(axis=0), rtol=1e-12)


def test_means_of_what_is_infinite_are_those_of_numpy():
    values = np.random.default_rng(6).normal(size=(90, 3))
    values[:, 0], values[40:, 1], values[:50, 2] = np.inf, -np.inf, 1e200
    moments = Moments((3,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for first in range(0, 90, 30):
            moments.add(values[first : first + 30])
    np.testing.assert_allclose(moments.mean, [np.inf, -np.inf, values[:, 2].mean()])
    assert np.isnan(moments.variance(0)[:2]).all() and moments.variance(0)[2] == np.inf


def test_a_function_folds_the_members_in_order(paths):
    def largest(state, member):
        state = [] if state is None else state
        state.append((member.problem.p[0], member["x"].max(), member.success, member.stats.accepted))
        return state

    found = reduced(["mean", largest])
    assert [one[0] for one in found.result] == P[:, 0].tolist()
    assert [one[1] for one in found.result] == paths["x"].max(axis=1).tolist()
    assert [one[3] for one in found.result] == paths.counters[:, 0].tolist()
    np.testing.assert_allclose(found.mean("x"), paths.mean("x"), rtol=1e-13)


def test_members_that_fail_are_left_out():
    with pytest.warns(RuntimeWarning, match="1 of 3"):
        found = symde.ensemble(
            symde.Problem(BLOWUP), p={"k": [0.1, 4.0, 0.2]}, saveat=[1.0], reduce=["mean", "quantiles"]
        )
    exact = np.array([1 / 0.9, 1 / 0.8])
    np.testing.assert_allclose(found.mean("x"), exact.mean(), rtol=1e-5)
    np.testing.assert_allclose(found.quantile([0, 1], "x")[:, 0], exact, rtol=1e-5)


def test_what_was_not_kept_is_refused(paths):
    found = reduced("mean")
    assert found.u is None and "reduced" in repr(found) and found.result is None
    for ask in (lambda: found["x"], lambda: found.member(0), found.to_pandas):
        with pytest.raises(ValueError, match="leave out reduce"):
            ask()
    with pytest.raises(ValueError, match="reduce='quantiles'"):
        found.quantile(0.5)
    with pytest.raises(ValueError, match="reduce='mean'"):
        reduced("quantiles").mean()
    with pytest.raises(ValueError, match="unknown quantity `z`"):
        found.mean("z")
    with pytest.raises(ValueError, match="between 0 and 1"):
        paths.quantile(5)
    assert symde.ensemble(PROBLEM, n=1, reduce="var").var("x", ddof=1).shape == (101,)


def test_a_variance_of_too_few_members_is_nan_and_times_have_no_mean(paths):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (paths, reduced("var")):
            assert np.isnan(found.var("x", ddof=400)).all() and found.var("x", ddof=400).shape == (11,)
            with pytest.raises(TypeError, match="ddof must be a whole number"):
                found.var("x", ddof="1")
            with pytest.raises(ValueError, match="`t`"):
                found.mean("t")


@pytest.mark.parametrize("values", [2 * KEPT, 5 * KEPT])
def test_quantiles_of_what_is_not_a_number_are_not_a_number(values):
    several = np.random.default_rng(5).normal(size=(values, 2))
    several[7, 1] = np.nan
    sketch = Quantiles((2,))
    for first in range(0, values, 300):
        sketch.add(several[first : first + 300])
    assert np.isnan(sketch.at(np.array([0.1, 0.5]))).tolist() == 2 * [[False, True]]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_the_function_of_a_reduction_is_the_callers(workers):
    def broken(state, member):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        symde.ensemble(PROBLEM, "Tsit5", p=P, saveat=TIMES, reduce=broken, workers=workers)
    assert symde.ensemble(PROBLEM, "Tsit5", p=P, saveat=TIMES, workers=workers).success
