"""Stabilised explicit methods in memory: one row of numbers a degree."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import int64, structure

DEGREE = 3
"""Of the interpolant, the cubic through both ends."""

StabilisedData = structure(
    "StabilisedData",
    "A stabilised method; a row holds mu, kappa, c, a (finish x finish), b and error (finish + 1).",
    count=int64,  # of degrees
    finish=int64,  # stages behind the recurrence
    degrees=int64,  # int64 each
    lengths=int64,  # of the stability intervals
    places=int64,  # where each row begins, in doubles
    numbers=int64,
)


def pack(method: Any) -> Numbers:
    """The rows, one after the other."""
    rows = [
        np.concatenate([one.mu, one.kappa, one.c, one.a.ravel(), one.b, one.error]) for one in method.degrees
    ]
    places = np.cumsum([0, *map(len, rows[:-1])]).astype(np.int64)
    degrees = np.array([one.degree for one in method.degrees], dtype=np.int64)
    lengths = np.array([one.length for one in method.degrees])
    numbers = np.concatenate(rows)
    finish = len(method.degrees[0].b)
    data = StabilisedData(
        count=len(rows),
        finish=finish,
        degrees=degrees.ctypes.data,
        lengths=lengths.ctypes.data,
        places=places.ctypes.data,
        numbers=numbers.ctypes.data,
    )
    # the stages of the finish stand between f at the start and f at the end
    return Numbers(data, finish + 2, DEGREE, (degrees, lengths, places, numbers))


def memory(method: Any, n: int, padded: int) -> int:
    """The last two vectors of the recurrence."""
    return 2 * padded


FAMILY = Family("stabilised", pack, implicit=False, present=0.7, previous=0.4, memory=memory)
