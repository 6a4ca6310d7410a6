"""Many paths of a problem, and how well they agree with a known distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

import symde
from symde.jumps import solve_jumps

EXACT = ["Direct", "SortingDirect", "NRM", "CompositionRejection", "RSSACR"]
METHODS = [*EXACT, "TauLeaping"]


def ends(problem: symde.Problem, method: object, paths: int, seed: int = 1) -> np.ndarray:
    """Populations at the end of so many independent paths, shape (paths, n)."""
    last = [problem.tspan[1]]
    return np.array([
        solve_jumps(problem, method, seed=seed, trajectory=i, saveat=last).u[0] for i in range(paths)
    ])  # fmt: skip


def agreement(samples: np.ndarray, probabilities: Sequence[float] | np.ndarray) -> float:
    """The p-value of Pearson's test: samples are whole numbers from 0, `probabilities` those of 0, 1, 2, ...

    Neighbours are joined until each class expects 8 samples.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    count = len(samples)
    observed = np.bincount(samples.astype(int), minlength=len(probabilities)).astype(float)
    expected = np.zeros(len(observed))
    expected[: len(probabilities)] = probabilities * count
    classes: list[list[float]] = []
    seen = wanted = 0.0
    for o, e in zip(observed, expected, strict=True):
        seen, wanted = seen + o, wanted + e
        if wanted >= 8:
            classes.append([seen, wanted])
            seen = wanted = 0.0
    classes[-1][0] += seen
    classes[-1][1] += wanted + count - expected.sum()  # what lies beyond the probabilities given
    table = np.array(classes)
    statistic = ((table[:, 0] - table[:, 1]) ** 2 / table[:, 1]).sum()
    return float(stats.chi2.sf(statistic, len(table) - 1))
