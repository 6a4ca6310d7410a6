"""Solutions as data frames. pandas and xarray are imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from symde.lazy import optional
from symde.problem.solution import Solution

if TYPE_CHECKING:
    import pandas
    import xarray


def to_pandas(solution: Solution) -> pandas.DataFrame:
    """The saved points as a pandas frame: indexed by `t`, a column for each state and observed quantity.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = optional("pandas", "pandas")
    return pandas.DataFrame(_columns(solution), index=pandas.Index(solution.t, name="t"))


def to_xarray(solution: Solution) -> xarray.Dataset:
    """The saved points as an xarray data set: a variable for each state and observed quantity, over `t`.

    Units are kept as the attribute `units` of variables, the parameters as attributes of the data set.

    Raises:
        ImportError: xarray is not installed.
    """
    xarray = optional("xarray", "pandas")
    system = solution.problem.system
    variables = {}
    for name, values in _columns(solution).items():
        unit = system.unit(name)
        variables[name] = ("t", values, {} if unit is None else {"units": unit})
    parameters = dict(zip(system.parameter_names, solution.problem.p.tolist(), strict=True))
    attributes = {**parameters, "retcode": str(solution.retcode)}
    return xarray.Dataset(variables, coords={"t": solution.t}, attrs=attributes)


def _columns(solution: Solution) -> dict[str, np.ndarray]:
    names = (*solution.names, *solution.problem.system.observable_names)
    return {name: solution[name].copy() for name in names}
