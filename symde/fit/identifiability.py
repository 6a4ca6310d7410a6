"""What data can say of parameters: directions in which no prediction changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symde.fit.parameters import Parameter, Parameters
from symde.fit.scoring import triangle

SMALLEST = 1e-6
"""Singular value, relative to the largest, below which a direction counts as unknown; sensitivities are known
no better where the tolerance of the solve is 1e-8 or so, and 100 times the tolerance where it is looser."""

_SHOWN = 0.02


class IdentifiabilityWarning(UserWarning):
    """The data do not identify some parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Unidentified:
    """Parameters of which the data tell nothing, or only a combination.

    Attributes:
        names: The parameters.
        changes: How they can change together without any prediction changing, one way a row, shape
            (n_ways, number of names): relative for parameters searched by their logarithm, else in units of
            their size; the largest of each way is 1.
        sentence: The same in words.
    """

    names: tuple[str, ...]
    changes: np.ndarray
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the information of a fit holds.

    Attributes:
        covariance: Inverse of the information on the directions that are known, shape (k, k); NaN for what is
            held by a bound.
        unidentified: The directions that are not.
        unknown: Whether each parameter takes part in one of them.
    """

    covariance: np.ndarray
    unidentified: tuple[Unidentified, ...]
    unknown: np.ndarray


def known_of(
    rows: np.ndarray,
    parameters: Parameters,
    free: np.ndarray,
    error: float,
    unchanged: Callable[[np.ndarray], bool],
) -> Known:
    """What is known of the coordinates theta.

    Args:
        rows: R of shape (rows, k), where R'R is the information.
        parameters: The parameters.
        free: Which are not held by a bound.
        error: Of the rows, relative.
        unchanged: Whether a step of theta leaves the predictions as they are: derivatives alone do not tell
            a*b from a + b.
    """
    count = len(free)
    covariance, unknown = np.full((count, count), np.nan), np.zeros(count, dtype=bool)
    places = np.flatnonzero(free)
    if not len(places):
        return Known(covariance, (), unknown)
    part = rows[:, places]
    sizes = np.sqrt((part**2).sum(axis=0))
    # columns of one length: what is told apart is directions, not units; without influence at all it is zero
    silent = ~(sizes > max(SMALLEST, 100.0 * error) * 1e-3 * sizes.max())
    lengths = np.where(silent, 1.0, sizes)
    scaled = np.where(silent, 0.0, part / lengths)
    # the triangle of many rows has the same singular values: a fit of 8000 values took 2.7 s, and not 6.2
    _, singular, directions = np.linalg.svd(triangle(scaled), full_matrices=True)
    full = np.zeros(len(places))
    full[: len(singular)] = singular
    good = full > max(SMALLEST, 100.0 * error) * max(full[0], 1e-300)
    kept = directions[good] / full[good, None]
    covariance[np.ix_(places, places)] = (kept.T @ kept) / np.outer(lengths, lengths)
    basis = _sparse_basis(directions[~good] / lengths)
    found = []
    for ways, members in _groups(np.abs(basis) > _SHOWN):
        unknown[places[members]] = True
        of_group = [parameters[place] for place in places[members]]
        changes, steps = basis[np.ix_(ways, members)], np.zeros((len(ways), count))
        steps[:, places[members]] = changes
        found.append(_in_words(of_group, changes, lambda steps=steps: _far(steps, unchanged)))
    return Known(covariance, tuple(found), unknown)


def _groups(shown: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Directions (rows) and parameters (columns) that hang together."""
    groups: list[tuple[np.ndarray, np.ndarray]] = []
    left = set(range(len(shown)))
    while left:
        rows = {min(left)}
        while True:
            columns = shown[sorted(rows)].any(axis=0)
            more = {row for row in left if shown[row][columns].any()} | rows
            if more == rows:
                break
            rows = more
        left -= rows
        groups.append((np.array(sorted(rows)), np.flatnonzero(columns)))
    return groups


def _sparse_basis(directions: np.ndarray) -> np.ndarray:
    """Directions that span the same space, each with the largest entry 1 and as few others as elimination
    leaves."""
    rows = directions / np.abs(directions).max(axis=1, keepdims=True) if len(directions) else directions
    rows = rows.copy()
    for k in range(len(rows)):
        rest = np.abs(rows[k:])
        row, column = np.unravel_index(int(np.argmax(rest)), rest.shape)
        rows[[k, k + row]] = rows[[k + row, k]]
        rows[k] /= rows[k, column]
        others = np.arange(len(rows)) != k
        rows[others] -= np.outer(rows[others, column], rows[k])
    largest = np.abs(rows).max(axis=1, keepdims=True) if len(rows) else 1.0
    return rows / largest


def _far(steps: np.ndarray, unchanged: Callable[[np.ndarray], bool]) -> bool:
    """Whether predictions stay as they are far along every way, to one side or the other."""
    return all(any(unchanged(length * step) for length in (0.3, -0.3, 0.1, -0.1)) for step in steps)


def _in_words(members: list[Parameter], changes: np.ndarray, far: Callable[[], bool]) -> Unidentified:
    names = tuple(one.name for one in members)
    if len(members) == 1:
        return Unidentified(names, changes, f"no prediction depends on {names[0]}")
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    product = _product(names, changes) if all(one.log for one in members) else None
    if product is not None and far():
        return Unidentified(names, changes, f"of {listed} only {product} is known")
    ways = [
        ", ".join(
            f"{one.name} {change:+.3g} %" if one.log else f"{one.name} {0.01 * change * one.scale:+.3g}"
            for one, change in zip(members, way * np.sign(way[np.argmax(np.abs(way))]), strict=True)
            if abs(change) > _SHOWN
        )
        for way in changes
    ]
    return Unidentified(names, changes, f"{listed} can change together: {'; or '.join(ways)}")


def _product(names: tuple[str, ...], changes: np.ndarray) -> str | None:
    """The product of powers that no change touches, where there is one and its powers are small and whole."""
    _, singular, directions = np.linalg.svd(changes)
    if len(names) - len(singular) != 1:
        return None
    powers = directions[-1]
    powers = powers / powers[np.argmax(np.abs(powers) > _SHOWN)]
    for unit in range(1, 5):
        whole = np.round(powers * unit).astype(int)
        if np.allclose(powers * unit, whole, atol=1e-3) and whole.all():
            break
    else:
        return None
    above = [_power(name, power) for name, power in zip(names, whole, strict=True) if power > 0]
    below = [_power(name, -power) for name, power in zip(names, whole, strict=True) if power < 0]
    return "*".join(above) + "".join(f"/{one}" for one in below)


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"


def degrees_of_freedom(values: int, estimated: int) -> float:
    """Values left over by the estimated parameters; NaN where there are none."""
    return float(values - estimated) if values > estimated else math.nan
