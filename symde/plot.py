"""Solutions as pictures. matplotlib is imported when the first one is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from symde.problem.jump_solution import JumpSolution
from symde.problem.solution import Solution
from symde.problem.values import unknown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 1000
"""Points of a curve drawn from the continuous solution."""

DECADES = 18
"""Decades that a logarithmic time axis from zero shows at most."""

COLOURS = 10
"""Curves that matplotlib's colours tell apart; more are shaded in their order, with a legend at the side."""

LEGEND = 20
"""Curves that a legend names one by one; of more it names some, as a scale does."""


def plot(
    solution: Solution,
    vars: str | Sequence[Any] | None = None,
    tspan: tuple[float, float] | None = None,
    xscale: Any = None,
    yscale: Any = None,
    ax: Axes | None = None,
    title: str | None = None,
    scales: Mapping[str, float] | None = None,
    points: int = POINTS,
    **style: Any,
) -> Axes:
    """Draw a solution over time.

    Args:
        solution: What to draw; smooth where its continuous solution was kept, else through the saved points.
        vars: Names (or indices) of states and observed quantities, one or several. Default: all states.
            A pair of names in a list, such as [("x", "y")], draws the second over the first.
        tspan: The window of time to draw. Default: all, from the first positive time on a logarithmic axis.
        xscale: "log" (or "log10") or "linear" time axis.
        yscale: The same for the values.
        ax: Axes to draw into. Default: new ones.
        title: Title of the picture. Default: none.
        scales: Factors by name, for quantities of very different sizes in one picture.
        points: Points of a curve.
        style: Passed on to matplotlib's `plot`. More than ten curves are shaded in their order.

    Returns:
        The axes. Save the picture with `ax.figure.savefig(...)`.

    Raises:
        ValueError: an unknown name or scale, or a window outside the solution.
        TypeError: an option that neither this function nor a line of matplotlib has.
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("plots are drawn with matplotlib: pip install 'symde[plot]'") from None

    xscale, yscale = _scale(xscale, "xscale"), _scale(yscale, "yscale")
    _require_line_style(style)
    curves = _curves(solution, vars)
    names = list(dict.fromkeys(name for curve in curves for name in curve))
    spacing = xscale if any(x == "t" for x, _ in curves) else "linear"
    quantities = _sample(solution, names, _window(solution, tspan, spacing), spacing, points)
    if ax is None:
        _, ax = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    factors = scales or {}
    for name, factor in factors.items():
        if name not in names:
            raise unknown_name(name, "quantity in scales", names)
        quantities[name] = factor * quantities[name]
    labels = {name: f"{factors[name]:g} × {name}" if name in factors else name for name in names}
    shades = pyplot.get_cmap("viridis")(np.linspace(0, 0.95, len(curves))) if len(curves) > COLOURS else None
    for number, (x, y) in enumerate(curves):
        label = labels[y] if x == "t" else f"{labels[y]} over {labels[x]}"
        shade = {} if shades is None or not {"c", "color"}.isdisjoint(style) else {"color": shades[number]}
        ax.plot(quantities[x], quantities[y], **{"label": label, **shade, **style})
    ax.set_xscale(xscale)
    ax.set_yscale(yscale)
    ax.set_xlabel(_axis_label(solution, [x for x, _ in curves]))
    ax.set_ylabel(_axis_label(solution, [y for _, y in curves]))
    if title is not None:
        ax.set_title(title)
    if len(curves) > COLOURS:
        _legend_at_the_side(ax, len(curves))
    elif len(curves) > 1:
        ax.legend()
    return ax


def _legend_at_the_side(ax: Axes, count: int) -> None:
    """Name the last `count` lines of the axes, or as many of them as there is room for."""
    lines = ax.get_lines()[-count:]
    named = np.unique(np.linspace(0, count - 1, min(count, LEGEND)).round().astype(int))
    shown = [lines[number] for number in named]
    ax.legend(handles=shown, loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small", frameon=False)


def _require_line_style(style: Mapping[str, Any]) -> None:
    """Refuse what no line has, before there is a figure."""
    from matplotlib.lines import Line2D

    try:
        Line2D([], [], **style)
    except AttributeError as error:
        raise TypeError(
            f"plot() has no such option ({error}): what is not of a line is set on the axes that it returns, "
            "as in solution.plot().set_ylabel(...)"
        ) from None


def _scale(given: Any, what: str) -> str:
    """A matplotlib scale; numpy's log10 as well, since that is how other tools spell it."""
    word = getattr(given, "__name__", given)
    if word in (None, "linear", "identity"):
        return "linear"
    if word in ("log", "log10"):
        return "log"
    raise ValueError(f"{what} must be 'linear', 'log' or 'log10', found {given!r}")


def _curves(solution: Solution, vars: str | Sequence[Any] | None) -> list[tuple[str, str]]:
    """Pairs (horizontal, vertical) of names."""
    if vars is None:
        vars = solution.names
    chosen = [vars] if isinstance(vars, str | int | np.integer) else list(vars)
    if not chosen:
        raise ValueError("vars is empty: name what to draw, or leave it out to draw all states")
    return [_curve(solution, one) for one in chosen]


def _curve(solution: Solution, given: Any) -> tuple[str, str]:
    if not isinstance(given, tuple):
        return "t", _name(solution, given)
    if len(given) != 2:
        raise ValueError(f"a curve is a name, or a pair of names (horizontal, vertical), found {given!r}")
    return _name(solution, given[0]), _name(solution, given[1])


def _name(solution: Solution, given: Any) -> str:
    if not isinstance(given, int | np.integer):
        return str(given)
    if not -len(solution.names) <= given < len(solution.names):
        raise ValueError(f"there is no state {given}: the states are 0 to {len(solution.names) - 1}")
    return solution.names[given]


def _window(solution: Solution, tspan: tuple[float, float] | None, xscale: str) -> tuple[float, float]:
    """First and last time to draw, ascending."""
    if not len(solution.t):
        raise ValueError("there is nothing to draw: the solve ended before the first time to be saved")
    first, last = sorted((float(solution.t[0]), float(solution.t[-1])))
    if tspan is not None:
        try:
            start, end = sorted(float(bound) for bound in tspan)
        except (TypeError, ValueError):
            raise ValueError(f"tspan must be two times (first, last), found {tspan!r}") from None
        if start > last or end < first:
            raise ValueError(f"tspan = ({start:g}, {end:g}) lies outside the solution, {first:g} to {last:g}")
        first, last = max(start, first), min(end, last)
    if xscale == "log" and first <= 0:
        positive = solution.t[solution.t > 0]
        if not len(positive) or last <= 0:
            raise ValueError(f"a logarithmic time axis needs positive times, found {first:g} to {last:g}")
        first = max(float(positive.min()), last * 10.0**-DECADES)
    return first, last


def _sample(
    solution: Solution, names: list[str], window: tuple[float, float], xscale: str, points: int
) -> dict[str, np.ndarray]:
    """Quantities by name at times within the window: spaced as the eye sees them, or as they were saved."""
    first, last = window
    inside = (solution.t >= first) & (solution.t <= last)
    if solution.dense is None or first == last:
        return _between_saved(solution, names, inside)
    if xscale == "log":
        times = np.clip(np.logspace(math.log10(first), math.log10(last), points), first, last)
    else:
        times = np.linspace(first, last, points)
    if inside.sum() <= points:
        # The solver's own steps are where the solution bends; a path of jumps stays until just before them.
        times = np.union1d(times, solution.t[inside])
        if isinstance(solution, JumpSolution):
            times = np.union1d(times, np.clip(np.nextafter(solution.t[inside], -np.inf), first, last))
    # All at once: a value by its own name costs the whole state at every time.
    return dict(zip(names, _between_jumps(solution, names, times), strict=True))


def _limits(solution: Solution, first: float, last: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times of events within a window, and the states before and after, shape (n_times, n)."""
    limits: dict[float, tuple[np.ndarray, np.ndarray]] = {}
    for event in solution.events:
        if first <= event.t <= last:
            before, _ = limits.get(event.t, (event.before, None))
            limits[event.t] = before, event.after
    times = np.array(sorted(limits))
    before, after = (np.array([limits[t][side] for t in times.tolist()]) for side in (0, 1))
    return times, before, after


def _between_jumps(solution: Solution, names: list[str], times: np.ndarray) -> np.ndarray:
    """Quantities, shape (len(names), n_times and more): at an event both limits, and between them a gap that
    no line crosses."""
    jumps, _, _ = _limits(solution, float(times[0]), float(times[-1]))
    if not len(jumps):
        return solution(times, names).T
    times = np.union1d(times, jumps)
    values = solution(times, names).T
    before = solution(jumps, names, side="left").T
    places = np.repeat(np.searchsorted(times, jumps), 2)
    inserted = np.stack([before, np.full_like(before, np.nan)], axis=2).reshape(len(names), -1)
    return np.insert(values, places, inserted, axis=1)


def _between_saved(solution: Solution, names: list[str], inside: np.ndarray) -> dict[str, np.ndarray]:
    """The same where only points were saved."""
    t, u = solution.t[inside], solution.u[inside]
    jumps, before, after = _limits(solution, *(t.min(), t.max())) if len(t) else (t, u, u)
    if not len(jumps):
        return {name: solution[name][inside] for name in names}
    apart = ~np.isin(t, jumps)
    t = np.concatenate([t[apart], np.repeat(jumps, 3)])
    limits = np.stack([before, np.full_like(before, np.nan), after], axis=1).reshape(-1, u.shape[1])
    u = np.concatenate([u[apart], limits])
    order = np.argsort(t, kind="stable")
    return {name: solution.named(name, t[order], u[order]) for name in names}


def _axis_label(solution: Solution, names: Sequence[str]) -> str:
    """The name and unit of an axis; of several quantities the unit they share."""
    different = list(dict.fromkeys(names))
    units = {solution.problem.system.unit(name) for name in different}
    unit = units.pop() if len(units) == 1 else None
    name = different[0] if len(different) == 1 else ""
    return f"{name} [{unit}]".strip() if unit else name
