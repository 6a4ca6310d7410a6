"""Ensembles as pictures. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.ensemble.result import Ensemble
from symde.problem.values import reals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Bands that are drawn: nine tenths and half of the members, about the median."""


def plot(
    ensemble: Ensemble,
    vars: str | Sequence[Any] | None = None,
    quantiles: Sequence[float] = QUANTILES,
    members: int = 0,
    ax: Axes | None = None,
    title: str | None = None,
    **style: Any,
) -> Axes:
    """Draw the members' quantiles over time: a line for the middle one, bands between those about it.

    Args:
        ensemble: What to draw; its paths, or quantiles that were kept.
        vars: Names of states and observed quantities, one or several. Default: all states.
        quantiles: An odd number of them, ascending; the outer ones bound the widest band.
        members: Draw so many members as thin lines too, the first ones.
        ax: Axes to draw into. Default: new ones.
        title: Title of the picture. Default: none.
        style: Passed on to matplotlib's `plot` for the line in the middle.

    Returns:
        The axes. Save the picture with `ax.figure.savefig(...)`.

    Raises:
        ValueError: an unknown name, or quantiles that are none.
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("plots are drawn with matplotlib: pip install 'symde[plot]'") from None

    levels = reals(quantiles, "quantiles")
    if levels.ndim != 1 or len(levels) % 2 == 0 or (np.diff(levels) <= 0).any():
        raise ValueError(f"quantiles must be an odd number of ascending levels, found {quantiles!r}")
    names = list(ensemble.names) if vars is None else [vars] if isinstance(vars, str) else list(vars)
    if not names:
        raise ValueError("vars is empty: name what is to be drawn, or leave it out to draw all states")
    if not isinstance(members, int) or members < 0:
        raise ValueError(f"members = {members!r}: it is how many paths are drawn, of the first ones")
    if ax is None:
        _, ax = pyplot.subplots(figsize=(7, 4), layout="constrained")
    assert ax is not None
    half = len(levels) // 2
    for name in map(str, names):
        values = ensemble.quantile(levels, name)
        if values.ndim < 2:
            raise ValueError(
                f"`{name}` is a parameter, one number of each member: draw states and observed ones"
            )
        (line,) = ax.plot(ensemble.t, values[half], **{"label": name, **style})
        for k in range(half):
            ax.fill_between(
                ensemble.t, values[k], values[-1 - k], color=line.get_color(), alpha=0.18, linewidth=0
            )
        for path in ensemble[name][:members] if members else ():
            ax.plot(ensemble.t, path, color=line.get_color(), linewidth=0.5, alpha=0.4)
    units = {ensemble.problem.system.unit(str(name)) for name in names}
    unit = units.pop() if len(units) == 1 else None
    ax.set_xlabel("t")
    name = str(names[0]) if len(names) == 1 else ""
    ax.set_ylabel(f"{name} [{unit}]".strip() if unit else name)
    if len(names) > 1:
        ax.legend()
    if title is not None:
        ax.set_title(title)
    return ax
