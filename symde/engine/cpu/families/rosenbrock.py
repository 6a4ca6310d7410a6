"""Rosenbrock methods in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import double, int64, structure

RosenbrockData = structure(
    "RosenbrockData",
    "A Rosenbrock method in the form without products J*k (Hairer and Wanner II, IV.7, 7.25).",
    stages=int64,
    degree=int64,
    gamma=double,
    a=int64,  # stages x stages
    c=int64,  # stages x stages
    alpha=int64,
    d=int64,
    m=int64,
    error=int64,
    interpolant=int64,  # degree x stages
)


def pack(tableau: Any) -> Numbers:
    """The numbers of a Rosenbrock method."""
    stages = len(tableau.m)
    fields = {
        "a": (tableau.a, (stages, stages)),
        "c": (tableau.c_matrix, (stages, stages)),
        "alpha": (tableau.alpha, (stages,)),
        "d": (tableau.d, (stages,)),
        "m": (tableau.m, (stages,)),
        "error": (tableau.error, (stages,)),
    }
    arrays = {name: matrix(values, shape) for name, (values, shape) in fields.items()}
    arrays["interpolant"] = np.ascontiguousarray(np.asarray(tableau.interpolant, dtype=float).T)
    degree = arrays["interpolant"].shape[0]
    addresses = {name: array.ctypes.data for name, array in arrays.items()}
    data = RosenbrockData(stages=stages, degree=degree, gamma=float(tableau.gamma), **addresses)
    return Numbers(data, stages, degree, tuple(arrays.values()))


FAMILY = Family("rosenbrock", pack, implicit=True, present=0.97, previous=0.04)
