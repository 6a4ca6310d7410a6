"""Ensembles as data sets and pictures."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import symde
from tests.ensemble.models import LOTKA, lotka_parameters

P = lotka_parameters(20)


@pytest.fixture(scope="module")
def ensemble():
    return symde.ensemble(symde.Problem(LOTKA), p=P)


def test_a_data_set_has_members_and_times(ensemble):
    data = ensemble.to_xarray()
    assert data["x"].dims == ("member", "time") and data["a"].dims == ("member",)
    assert data["x"].attrs == {"units": "kg"} and set(data["retcode"].values) == {"success"}
    np.testing.assert_array_equal(data["total"].values, ensemble["total"])
    np.testing.assert_array_equal(data["y"].sel(member=3, time=10.0), ensemble["y"][3, -1])


def test_a_picture_has_a_line_and_bands_for_each_quantity(ensemble):
    ax = ensemble.plot(["x", "total"], quantiles=[0.1, 0.5, 0.9])
    assert [line.get_label() for line in ax.lines] == ["x", "total"] and len(ax.collections) == 2
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), ensemble.quantile(0.5, "total"))
    low, high = ensemble.quantile([0.1, 0.9], "x")
    outline = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert outline.min() == low.min() and outline.max() == high.max()
    ax = ensemble.plot("x", members=5, title="bands")
    assert len(ax.lines) == 6 and len(ax.collections) == 2 and ax.get_ylabel() == "x [kg]"
    kept = symde.ensemble(ensemble.problem, p=P, reduce="quantiles").plot("y")
    np.testing.assert_allclose(kept.lines[0].get_ydata(), ensemble.quantile(0.5, "y"), rtol=1e-12)
    with pytest.raises(ValueError, match="odd number"):
        ensemble.plot(quantiles=[0.1, 0.9])


def test_the_repr_tells_what_it_is(ensemble):
    assert repr(ensemble).startswith("<Ensemble of 20 members: 101 points, t = 0..10, x, y; ")


def test_an_ensemble_goes_to_another_process(ensemble):
    again = pickle.loads(pickle.dumps(ensemble))
    assert np.array_equal(again.u, ensemble.u) and again.retcodes.tolist() == ensemble.retcodes.tolist()
    assert np.array_equal(again["total"], ensemble["total"])
