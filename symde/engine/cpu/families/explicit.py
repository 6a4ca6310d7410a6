"""Explicit Runge-Kutta methods in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import int64, structure

ExplicitData = structure(
    "ExplicitData",
    "An explicit Runge-Kutta tableau; matrices row by row, `stages` or `all_stages` wide.",
    stages=int64,
    all_stages=int64,  # with those only the interpolant needs
    fsal=int64,
    degree=int64,
    a=int64,  # all_stages x all_stages
    b=int64,
    c=int64,
    error=int64,
    interpolant=int64,  # degree x all_stages: coefficient of theta**(m + 1)
)


def pack(tableau: Any) -> Numbers:
    """A tableau's numbers; extra stages of the interpolant follow the others."""
    stages, extra = len(tableau.b), len(tableau.extra_c)
    width = stages + extra
    a = matrix(tableau.a, (width, width))
    if extra:
        a[stages:, : np.asarray(tableau.extra_a).shape[1]] = tableau.extra_a
    interpolant = np.ascontiguousarray(
        matrix(tableau.interpolant, (width, np.shape(tableau.interpolant)[1])).T
    )
    b, c = matrix(tableau.b, (width,)), matrix([*tableau.c, *tableau.extra_c], (width,))
    error = None if tableau.error is None else matrix(tableau.error, (width,))
    data = ExplicitData(
        stages=stages,
        all_stages=width,
        fsal=int(tableau.fsal),
        degree=interpolant.shape[0],
        a=a.ctypes.data,
        b=b.ctypes.data,
        c=c.ctypes.data,
        error=0 if error is None else error.ctypes.data,
        interpolant=interpolant.ctypes.data,
    )
    return Numbers(data, width, interpolant.shape[0], (a, b, c, interpolant, error))


FAMILY = Family("explicit", pack, implicit=False, present=0.7, previous=0.4)
