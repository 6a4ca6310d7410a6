"""Fits as pictures: data as points with their noise, the model as a line."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.fit.models import DECAY, LOTKA, exact, problem

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

TIMES = np.linspace(0.2, 4.0, 8)


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def test_each_quantity_has_a_picture_with_its_data_and_the_model():
    values = exact(LOTKA, TIMES, ["x", "product"])
    values[2, 0] = np.nan
    result = symde.fit(problem(LOTKA, a=1.4), (TIMES, values), ["a"], names=["x", "product"], log="product")
    axes = result.plot(title="rabbits")
    assert [ax.get_ylabel() for ax in axes] == ["x", "product"]
    assert [ax.get_yscale() for ax in axes] == ["linear", "log"]
    points, curve = axes[0].get_lines()[0], axes[0].get_lines()[-1]
    assert len(points.get_xdata()) == 7 and len(curve.get_xdata()) >= 400
    at_data = np.interp(TIMES[[0, 5]], curve.get_xdata(), curve.get_ydata())
    np.testing.assert_allclose(at_data, values[[0, 5], 0], rtol=1e-4)
    assert axes[0].figure.get_suptitle() == "rabbits"


def test_experiments_share_a_picture_and_are_named():
    data = [
        symde.Experiment((TIMES, exact(DECAY, TIMES, ["x"], u0={"x": first})), u0={"x": first}, name=name)
        for first, name in ((2.0, "low"), (4.0, ""))
    ]
    (ax,) = symde.fit(problem(DECAY), data, ["k"], sigma=0.1).plot("x")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["low", "experiment 2"]


def test_a_profile_has_a_picture():
    result = symde.fit(problem(DECAY), (TIMES, exact(DECAY, TIMES, ["x"])), ["k"], sigma=0.1)
    ax = result.profile("k").plot()
    assert ax.get_xlabel() == "k" and len(ax.get_lines()) == 5


def test_what_was_not_measured_is_refused():
    result = symde.fit(problem(DECAY), (TIMES, exact(DECAY, TIMES, ["x"])), ["k"], sigma=0.1)
    with pytest.raises(ValueError, match="unknown measured quantity `squared`"):
        result.plot("squared")
    with pytest.raises(ValueError, match="1 quantities to draw, and ax holds 2"):
        result.plot(ax=matplotlib.pyplot.subplots(1, 2)[1])
