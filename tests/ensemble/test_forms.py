"""Ensembles as data sets and pictures."""

from __future__ import annotations

import pickle
import sys

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


def test_a_data_set_of_what_was_reduced_has_statistics(ensemble):
    data = symde.ensemble(ensemble.problem, p=P, reduce=["mean", "quantiles"]).to_xarray()
    assert data["total"].dims == ("statistic", "time") and data["a"].dims == ("member",)
    assert list(data["statistic"].values[:3]) == ["mean", "var", "quantile 0.05"]
    for label, expected in (
        ("mean", ensemble.mean("total")),
        ("var", ensemble.var("total")),
        ("quantile 0.75", ensemble.quantile(0.75, "total")),
    ):
        np.testing.assert_allclose(
            data["total"].sel(statistic=label), expected, rtol=1e-11, atol=1e-28, err_msg=label
        )
    only = symde.ensemble(ensemble.problem, p=P, reduce=lambda state, member: 1)
    with pytest.raises(ValueError, match="leave out reduce"):
        only.to_xarray()


def test_a_frame_has_a_row_for_each_member_and_time(ensemble):
    frame = ensemble.to_pandas()
    assert frame.index.names == ["member", "time"] and list(frame.columns) == ["x", "y", "total"]
    np.testing.assert_array_equal(frame.loc[3, "total"], ensemble["total"][3])
    np.testing.assert_allclose(frame["y"].groupby("time").mean(), ensemble.mean("y"), rtol=1e-14)


@pytest.mark.parametrize(("package", "form"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_a_form_whose_package_is_missing_tells_what_to_install(ensemble, monkeypatch, package, form):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}: pip install 'symde\[pandas\]'"):
        getattr(ensemble, form)()


def test_an_ensemble_goes_through_its_members(ensemble):
    members = list(ensemble)
    assert len(members) == len(ensemble)
    np.testing.assert_array_equal(members[3]["total"], ensemble["total"][3])
    with pytest.raises(TypeError, match="asked for by name, found 0: a member is member"):
        ensemble[0]
    with pytest.raises(TypeError, match="index must be a whole number, found 1.5"):
        ensemble.member(1.5)


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
    with pytest.raises(ValueError, match="vars is empty"):
        ensemble.plot([])
    with pytest.raises(ValueError, match="members = -1"):
        ensemble.plot(members=-1)
    with pytest.raises(ValueError, match="`a` is a parameter"):
        ensemble.plot("a")


def test_the_repr_tells_what_it_is(ensemble):
    assert repr(ensemble).startswith("<Ensemble of 20 members: 101 points, t = 0..10, x, y; ")


def test_an_ensemble_goes_to_another_process(ensemble):
    again = pickle.loads(pickle.dumps(ensemble))
    assert np.array_equal(again.u, ensemble.u) and again.retcodes.tolist() == ensemble.retcodes.tolist()
    assert np.array_equal(again["total"], ensemble["total"])
