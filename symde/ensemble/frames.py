"""Ensembles as data sets. xarray is imported when the first one is made."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np

from symde.ensemble.result import Ensemble

if TYPE_CHECKING:
    import xarray


def to_xarray(ensemble: Ensemble) -> xarray.Dataset:
    """A variable for each state and observed quantity over `member` and `time`, and for each parameter over
    `member`; units as the attribute `units`.

    Raises:
        ImportError: xarray is not installed. ValueError: the paths were reduced.
    """
    try:
        xarray = importlib.import_module("xarray")
    except ImportError:
        raise ImportError("this needs xarray: pip install 'symde[pandas]'") from None
    system = ensemble.problem.system
    observed = [name for name in system.observable_names if name not in system.past_observables]
    variables = {}
    for names, dimensions in (
        ((*system.state_names, *observed), ("member", "time")),
        (system.parameter_names, ("member",)),
    ):
        for name in names:
            unit = system.unit(name)
            variables[name] = (dimensions, ensemble[name].copy(), {} if unit is None else {"units": unit})
    variables["retcode"] = ("member", np.array([str(one) for one in ensemble.retcodes]))
    coordinates = {"member": np.arange(len(ensemble)), "time": ensemble.t}
    attributes = {} if ensemble.seed is None else {"seed": str(ensemble.seed)}
    return xarray.Dataset(variables, coords=coordinates, attrs=attributes)
