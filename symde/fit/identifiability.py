"""What data can say of parameters: directions in which no prediction changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from symde.fit.parameters import Parameters

SMALLEST = 1e-6
"""Singular value, relative to the largest, below which a direction counts as unknown; sensitivities are known
no better where the tolerance of the solve is 1e-8 or so, and 100 times the tolerance where it is looser."""

_SHOWN = 0.02


class IdentifiabilityWarning(UserWarning):
    """The data do not identify some parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Unidentified:
    """Parameters that the data tell nothing of, alone or in this combination.

    Attributes:
        names: The parameters.
        changes: Change of each that no prediction shows: relative for a parameter searched by its logarithm,
            else in units of its size; the largest is 1.
        sentence: The same in words.
    """

    names: tuple[str, ...]
    changes: tuple[float, ...]
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


def known_of(rows: np.ndarray, parameters: Parameters, free: np.ndarray, rtol: float) -> Known:
    """What is known of the coordinates theta.

    Args:
        rows: R of shape (rows, k), where R'R is the information.
        parameters: The parameters.
        free: Which are not held by a bound.
        rtol: Relative tolerance of the solves.
    """
    count = len(free)
    covariance, unknown = np.full((count, count), np.nan), np.zeros(count, dtype=bool)
    places = np.flatnonzero(free)
    if not len(places):
        return Known(covariance, (), unknown)
    part = rows[:, places]
    sizes = np.sqrt((part**2).sum(axis=0))
    # columns of one length: what is told apart is directions, not units; without influence at all it is zero
    silent = ~(sizes > max(SMALLEST, 100.0 * rtol) * 1e-3 * sizes.max())
    lengths = np.where(silent, 1.0, sizes)
    scaled = np.where(silent, 0.0, part / lengths)
    _, singular, directions = np.linalg.svd(scaled, full_matrices=True)
    full = np.zeros(len(places))
    full[: len(singular)] = singular
    good = full > max(SMALLEST, 100.0 * rtol) * max(full[0], 1e-300)
    kept = directions[good] / full[good, None]
    covariance[np.ix_(places, places)] = (kept.T @ kept) / np.outer(lengths, lengths)
    basis = _sparse_basis(directions[~good] / lengths)
    found = []
    for direction in basis:
        members = np.abs(direction) > _SHOWN
        unknown[places[members]] = True
        found.append(_in_words(parameters, places[members], direction[members]))
    return Known(covariance, tuple(found), unknown)


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


def _in_words(parameters: Parameters, places: np.ndarray, changes: np.ndarray) -> Unidentified:
    members = [parameters[place] for place in places]
    names = tuple(one.name for one in members)
    if changes[int(np.argmax(np.abs(changes)))] < 0.0:
        changes = -changes
    if len(members) == 1:
        return Unidentified(names, (1.0,), f"no prediction depends on {names[0]}")
    powers = _powers(changes) if all(one.log for one in members) else None
    if powers is not None and len(members) == 2:
        first, second = powers
        other = f"{names[0]}*{names[1]}" if first * second < 0 else f"{names[0]}/{names[1]}"
        if abs(first) == abs(second):
            sentence = f"{names[0]} and {names[1]} are known by {other} alone"
            return Unidentified(names, tuple(changes.tolist()), sentence)
    moves = ", ".join(
        f"{one.name} {change:+.3g} %" if one.log else f"{one.name} {0.01 * change * one.scale:+.3g}"
        for one, change in zip(members, changes, strict=True)
    )
    return Unidentified(
        names, tuple(changes.tolist()), f"{', '.join(names[:-1])} and {names[-1]} can change together: {moves}"
    )


def _powers(changes: np.ndarray) -> tuple[int, ...] | None:
    """The changes as small whole numbers, where they are."""
    for unit in range(1, 5):
        whole = changes * unit / np.abs(changes).max()
        if np.allclose(whole, np.round(whole), atol=1e-3):
            return tuple(int(one) for one in np.round(whole))
    return None


def degrees_of_freedom(values: int, estimated: int) -> float:
    """Values left over by the estimated parameters; NaN where there are none."""
    return float(values - estimated) if values > estimated else math.nan
