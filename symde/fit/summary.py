"""A fit as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from symde.fit.result import same_loss

if TYPE_CHECKING:
    from symde.fit.result import FitResult

_STRONG = 0.95
"""Correlation worth a line."""


def summary(result: FitResult) -> str:
    """What a fit found, how well it is known, and what to beware of."""
    objective = result.objective
    count, size = len(result.names), objective.size
    lines = [
        f"{count} parameter{'s' * (count != 1)} from {size} values"
        + (f" of {len(objective.data)} experiments" if len(objective.data) > 1 else ""),
        f"{'converged' if result.success else 'NOT CONVERGED'} after {result.iterations} iterations: "
        f"{result.message}",
        _loss(result),
        "",
        *_table(result),
    ]
    lines += _correlations(result)
    lines += [f"not identified: {one}" for one in result.unidentified]
    lines += [one for one in (hardly_known(result), outweighed(result)) if one]
    if len(result.starts) > 1:
        best = [one for one in result.starts if same_loss(one, result.starts[0], objective.noise)]
        failed = sum(not math.isfinite(one.value) for one in result.starts)
        lines.append(
            f"{len(best)} of {len(result.starts)} starts ended at this loss"
            + (f", {failed} failed" if failed else "")
        )
    # along directions that are not identified there is no end of them
    for values in [] if result.unidentified else result.alternatives:
        listed = ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
        lines.append(f"as good: {listed}")
    return "\n".join(lines)


def hardly_known(result: FitResult) -> str:
    """A sentence on parameters that the data say next to nothing of; empty where there are none."""
    names, intervals = result.hardly_known, result.confidence_intervals()
    if not names:
        return ""
    listed = ", ".join(f"{name} ({intervals[name][0]:.3g} .. {intervals[name][1]:.3g})" for name in names)
    return f"hardly known, with 95 % intervals that say next to nothing: {listed}"


def outweighed(result: FitResult) -> str:
    """A sentence on quantities that are smaller than the noise; empty where there are none."""
    names = result.outweighed
    if not names:
        return ""
    one = len(names) == 1
    return (
        f"{', '.join(names)} hardly count{'s' * one}: all values are smaller than the noise of "
        f"{math.sqrt(result.noise_variance):.3g}, which without sigma is the same for all quantities: give "
        "each its own, sigma={name: ...}, or compare logarithms, log=True"
    )


def _loss(result: FitResult) -> str:
    noise, freedom = result.objective.noise, result.degrees_of_freedom
    if noise == "estimated":
        return f"negative log-likelihood {result.value:.6g} up to a constant, noise estimated"
    if noise == "unknown":
        spread = f"noise {math.sqrt(result.noise_variance):.4g} from {_whole(freedom)} degrees of freedom"
        return f"sum of squares {2.0 * result.value:.6g}, {spread}"
    return f"chi squared {2.0 * result.value:.6g} for {_whole(freedom)} degrees of freedom"


def _whole(number: float) -> str:
    return "no" if math.isnan(number) else f"{number:.0f}"


def _table(result: FitResult) -> list[str]:
    intervals, errors = result.confidence_intervals(), result.standard_errors
    rows = [("", "estimate", "standard error", "95 % interval", "")]
    for name, value, held in zip(result.names, result.x.tolist(), result.at_bound, strict=True):
        error, (low, high) = errors[name], intervals[name]
        if held:
            rows.append((name, f"{value:.6g}", "", "", "at its bound"))
        elif not math.isfinite(error):
            rows.append((name, f"{value:.6g}", "unknown" if math.isinf(error) else "", "", ""))
        else:
            share = f" ({100.0 * error / abs(value):.2g} %)" if value else ""
            rows.append((name, f"{value:.6g}", f"{error:.2g}{share}", f"{low:.5g} .. {high:.5g}", ""))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _correlations(result: FitResult) -> list[str]:
    matrix, names = result.correlation, result.names
    strong = [
        (i, j)
        for i in range(len(names))
        for j in range(i)
        if np.isfinite(matrix[i, j]) and abs(matrix[i, j]) > _STRONG
    ]
    if not strong:
        return []
    pairs = [f"{names[j]} and {names[i]} {matrix[i, j]:+.3f}" for i, j in strong[:5]]
    more = f" and {len(strong) - 5} more" if len(strong) > 5 else ""
    return [f"strongly correlated: {', '.join(pairs)}{more}"]
