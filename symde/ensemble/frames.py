"""Ensembles as data frames and data sets. pandas and xarray are imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symde.ensemble.plot import QUANTILES
from symde.ensemble.result import Ensemble, Kept
from symde.lazy import optional

if TYPE_CHECKING:
    import pandas
    import xarray

LEVELS = np.array(QUANTILES)
"""Quantiles that a data set tells: those of a picture."""


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
    """A variable for each state and observed quantity over `member` and `time`, or over `statistic` and
    `time` where the paths were reduced ("mean", "var", "quantile 0.5", ...), and for each parameter over
    `member`; units as the attribute `units`, but for those of variances.

    Raises:
        ImportError: xarray is not installed. ValueError: the paths were reduced by a function alone.
    """
    xarray = optional("xarray", "pandas")
    system = ensemble.problem.system
    coordinates: dict[str, Any] = {"member": np.arange(len(ensemble)), "time": ensemble.t}
    if ensemble.kept is None or not (ensemble.kept.moments or ensemble.kept.quantiles):
        courses, dimensions = {name: ensemble[name].copy() for name in _names(ensemble)}, ("member", "time")
    else:
        statistics = _statistics(ensemble, ensemble.kept)
        table, dimensions = np.stack(list(statistics.values())), ("statistic", "time")
        courses = {name: table[:, :, k] for k, name in enumerate(ensemble.kept.names)}
        coordinates["statistic"] = list(statistics)
    parameters = {name: ensemble[name].copy() for name in system.parameter_names}
    variables = {}
    for given, along in ((courses, dimensions), (parameters, ("member",))):
        for name, values in given.items():
            unit = system.unit(name)
            variables[name] = (along, values, {} if unit is None else {"units": unit})
    variables["retcode"] = ("member", np.array([str(one) for one in ensemble.retcodes]))
    attributes = {} if ensemble.seed is None else {"seed": str(ensemble.seed)}
    return xarray.Dataset(variables, coords=coordinates, attrs=attributes)


def _statistics(ensemble: Ensemble, kept: Kept) -> dict[str, np.ndarray]:
    """What was kept of all quantities by its name, each of shape (n_times, n_quantities)."""
    ensemble.require_members()
    found = {}
    if kept.moments is not None:
        found.update(mean=kept.moments.mean, var=kept.moments.variance(0))
    if kept.quantiles is not None:
        found.update(
            {f"quantile {q:g}": one for q, one in zip(LEVELS, kept.quantiles.at(LEVELS), strict=True)}
        )
    return found


def _names(ensemble: Ensemble) -> tuple[str, ...]:
    """The states, and the observed quantities that need no continuous solution."""
    system = ensemble.problem.system
    observed = [name for name in system.observable_names if name not in system.past_observables]
    return (*system.state_names, *observed)
