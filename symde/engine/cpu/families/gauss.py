"""Collocation methods in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.families.hermite import HermiteData, pack_passes
from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import double, int64, structure

GaussData = structure(
    "GaussData",
    "A collocation method and its blended iteration; matrices stages x stages.",
    stages=int64,
    gamma=double,
    a=int64,
    b=int64,
    c=int64,
    blend=int64,  # gamma * inverse of a
    extrapolation=int64,
    interpolant=HermiteData,
)


def pack(method: Any) -> Numbers:
    """A collocation method's numbers."""
    gamma = method.gamma
    arrays = {
        "a": np.ascontiguousarray(method.a),
        "b": np.ascontiguousarray(method.b),
        "c": np.ascontiguousarray(method.c),
        "blend": np.ascontiguousarray(gamma * np.linalg.inv(method.a)),
        "extrapolation": method.extrapolation(),
    }
    passes = method.interpolant.passes
    interpolant, kept = pack_passes(passes)
    data = GaussData(
        stages=method.stages,
        gamma=gamma,
        interpolant=interpolant,
        **{key: array.ctypes.data for key, array in arrays.items()},
    )
    vectors = 2 * method.stages + 3 + len(passes[-1].nodes)
    return Numbers(data, vectors, method.interpolant.degree, (*arrays.values(), *kept))


def memory(method: Any, n: int, padded: int) -> int:
    """How far f at the end of the last interpolated step still serves: the count of steps then."""
    return 1


FAMILY = Family("gauss", pack, implicit=True, memory=memory, to_rounding=True)
