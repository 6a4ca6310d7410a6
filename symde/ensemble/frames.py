"""Ensembles as data frames and data sets. pandas and xarray are imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from symde.ensemble.result import Ensemble
from symde.lazy import optional

if TYPE_CHECKING:
    import pandas
    import xarray


def to_pandas(ensemble: Ensemble) -> pandas.DataFrame:
    """A row for each member and time, the two levels of its index, and a column for each state and observed
    quantity.

    Raises:
        ImportError: pandas is not installed. ValueError: the paths were reduced.
    """
    pandas = optional("pandas", "pandas")
    index = pandas.MultiIndex.from_product([range(len(ensemble)), ensemble.t], names=["member", "time"])
    return pandas.DataFrame({name: ensemble[name].ravel() for name in _names(ensemble)}, index=index)


def to_xarray(ensemble: Ensemble) -> xarray.Dataset:
    """A variable for each state and observed quantity over `member` and `time`, and for each parameter over
    `member`; units as the attribute `units`.

    Raises:
        ImportError: xarray is not installed. ValueError: the paths were reduced.
    """
    xarray = optional("xarray", "pandas")
    system = ensemble.problem.system
    variables = {}
    for names, dimensions in (
        (_names(ensemble), ("member", "time")),
        (system.parameter_names, ("member",)),
    ):
        for name in names:
            unit = system.unit(name)
            variables[name] = (dimensions, ensemble[name].copy(), {} if unit is None else {"units": unit})
    variables["retcode"] = ("member", np.array([str(one) for one in ensemble.retcodes]))
    coordinates = {"member": np.arange(len(ensemble)), "time": ensemble.t}
    attributes = {} if ensemble.seed is None else {"seed": str(ensemble.seed)}
    return xarray.Dataset(variables, coords=coordinates, attrs=attributes)


def _names(ensemble: Ensemble) -> tuple[str, ...]:
    """The states, and the observed quantities that need no continuous solution."""
    system = ensemble.problem.system
    observed = [name for name in system.observable_names if name not in system.past_observables]
    return (*system.state_names, *observed)
