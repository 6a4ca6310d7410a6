"""Fits as pictures. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symde.problem.values import unknown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symde.fit.profile import Profile
    from symde.fit.result import FitResult

POINTS = 400
"""Points of a model's curve."""


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("plots are drawn with matplotlib: pip install 'symde[plot]'") from None
    return pyplot


def plot_fit(
    result: FitResult, vars: Any = None, ax: Any = None, xscale: str = "linear", title: str | None = None
) -> list[Axes]:
    """Draw data, with their noise, and the fitted model between them: one picture a quantity.

    Args:
        result: The fit.
        vars: Names of the quantities to draw. Default: all that were measured.
        ax: Axes, as many as quantities. Default: new ones.
        xscale: "linear" or "log" axis of time.
        title: Title of the picture.

    Returns:
        The axes, one a quantity. Save the picture with `axes[0].figure.savefig(...)`.
    """
    pyplot = _pyplot()
    measured = list(dict.fromkeys(name for data in result.objective.data for name in data.quantities))
    chosen = measured if vars is None else [vars] if isinstance(vars, str) else [str(one) for one in vars]
    for name in chosen:
        if name not in measured:
            raise unknown_name(name, "measured quantity", measured)
    if ax is None:
        rows = -(-len(chosen) // 2) if len(chosen) > 1 else 1
        _, grid = pyplot.subplots(
            rows, min(2, len(chosen)), figsize=(8, 3.2 * rows + 0.8), layout="constrained", squeeze=False
        )
        axes = list(grid.flat)
        for unused in axes[len(chosen) :]:
            unused.set_visible(False)
        axes = axes[: len(chosen)]
    else:
        axes = list(np.atleast_1d(np.asarray(ax, dtype=object)).flat)
        if len(axes) != len(chosen):
            raise ValueError(f"there are {len(chosen)} quantities to draw, and ax holds {len(axes)} axes")
    for number in range(len(result.objective.data)):
        _draw(result, number, dict(zip(chosen, axes, strict=True)))
    for name, one in zip(chosen, axes, strict=True):
        unit = result.problem.system.unit(name)
        one.set_xlabel("t")
        one.set_ylabel(f"{name} [{unit}]" if unit else name)
        one.set_xscale(xscale)
        if any(
            d.logs[d.columns == d.quantities.index(name)].any()
            for d in result.objective.data
            if name in d.quantities
        ):
            one.set_yscale("log")
        if len(result.objective.data) > 1:
            one.legend()
    if title is not None:
        axes[0].figure.suptitle(title)
    return axes


def _draw(result: FitResult, number: int, axes: dict[str, Any]) -> None:
    """One experiment: its data as points, the model as a line."""
    data, _, compared = result._compared[number]
    experiment, problem = data.experiment, data.problem(result.problem)
    colour = f"C{number % 10}"
    curve = result.objective.curve(result.theta, number, _grid(problem.tspan, data.times))
    scatter = np.sqrt(result.noise_variance)
    for name, ax in axes.items():
        if name not in data.quantities:
            continue
        mine = data.columns == data.quantities.index(name)
        centre, t = data.values[mine], data.times[data.places[mine]]
        error = scatter * compared.sigma[mine]
        low, high = centre - error, centre + error
        if data.logs[mine].any():
            centre, low, high = np.exp(centre), np.exp(low), np.exp(high)
        label = experiment.name or f"experiment {number + 1}"
        bars = np.stack([centre - low, high - centre])
        bars = None if not np.isfinite(bars).all() else bars
        ax.errorbar(t, centre, bars, fmt="o", ms=4, lw=1, color=colour, alpha=0.8, label=label)
        ax.plot(curve["t"], curve[name], color=colour)


def _grid(tspan: tuple[float, float], times: np.ndarray) -> np.ndarray:
    """Times of the curve, from the start to the last datum, the data's among them."""
    t0, last = tspan[0], float(times[-1])
    end = last if last != t0 else tspan[1]
    grid = np.union1d(np.linspace(t0, end, POINTS), times)
    return grid if end > t0 else grid[::-1]


def _smooth(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    """A curve through the points of a profile, whose root is nearly a straight line on either side of the
    estimate."""
    from scipy.interpolate import PchipInterpolator

    values, changes = profile.values, profile.changes
    if len(values) < 3:
        return values, changes
    best = int(np.argmin(changes))
    level = float(changes[best])
    signs = np.where(np.arange(len(values)) < best, -1.0, 1.0)
    root = PchipInterpolator(values, signs * np.sqrt(changes - level))
    grid = np.union1d(np.linspace(values[0], values[-1], POINTS), values)
    return grid, root(grid) ** 2 + level


def plot_profile(profile: Profile, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw a profile likelihood and its threshold; the axes."""
    if ax is None:
        _, ax = _pyplot().subplots(figsize=(5, 3.5), layout="constrained")
    assert ax is not None
    (line,) = ax.plot(*_smooth(profile), **style)
    ax.plot(profile.values, profile.changes, "o", ms=3, color=line.get_color())
    ax.axhline(profile.threshold, color="0.5", lw=1, ls="--")
    for end in profile.interval:
        if np.isfinite(end):
            ax.axvline(end, color="0.5", lw=1, ls=":")
    ax.set_xlabel(profile.name)
    ax.set_ylabel("2 × increase of the loss")
    ax.set_title(f"{profile.level:.0%} interval {profile.interval[0]:.4g} .. {profile.interval[1]:.4g}")
    return ax
