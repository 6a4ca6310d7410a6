"""Frames hold what the solution holds, under the names of the model."""

from __future__ import annotations

import numpy as np
import pytest

import symde

TEXT = """
param k = 0.5
state x = 1 [mol]
y(0) = 0
y'(0) = 2
x' = -k*x
y'' = -y
total = x + y
"""


@pytest.fixture(scope="module")
def solution():
    return symde.solve(symde.Problem(symde.ode_def(TEXT), tspan=(0, 5)), saveat=0.5)


def test_a_pandas_frame_has_times_as_index_and_names_as_columns(solution):
    frame = solution.to_pandas()
    assert list(frame.columns) == ["x", "y", "y'", "total"]
    assert frame.index.name == "t" and frame.index.tolist() == solution.t.tolist()
    np.testing.assert_array_equal(frame["total"], solution["x"] + solution["y"])


def test_an_xarray_data_set_keeps_units_parameters_and_names(solution):
    data = solution.to_xarray()
    assert data["x"].attrs == {"units": "mol"} and data["y"].attrs == {}
    assert data.attrs == {"k": 0.5, "retcode": "success"}
    np.testing.assert_array_equal(data["y'"].sel(t=1.0), solution["y'"][2])


def test_a_frame_is_a_copy(solution):
    frame = solution.to_pandas()
    frame.loc[0.0, "x"] = 7
    assert solution["x"][0] == 1


def test_accessors_are_found_by_completion(solution):
    assert {"plot", "to_pandas", "to_xarray"} <= set(dir(solution))


def test_an_unknown_attribute_is_an_attribute_error(solution):
    with pytest.raises(AttributeError, match="to_polars"):
        _ = solution.to_polars
