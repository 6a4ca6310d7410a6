"""Exponential Rosenbrock methods in memory, and the room for their Krylov spaces."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import int64, structure

DIMENSION = 40
"""Largest dimension of a Krylov space; a step that needs more is cut."""

FUNCTIONS = 4
"""phi_1 to phi_4."""

SMALL = DIMENSION + FUNCTIONS
"""Rows of the matrix whose exponential holds the phi functions."""

MATRICES = 8
"""Small matrices that its exponential takes for scratch."""

DEGREE = 4
"""Of the polynomial that stands for the continuous solution of a step."""

ExponentialData = structure(
    "ExponentialData",
    "An exponential Rosenbrock method; each coefficient is a row of four, for phi_1 to phi_4.",
    stages=int64,  # those that need a Krylov space of their own
    c=int64,
    a=int64,  # stages x stages x 4
    b=int64,  # stages x 4
    error=int64,
)

ExponentialContext = structure(
    "ExponentialContext",
    "What the family knows of a model.",
    rhs_gradient=int64,  # kernel: f and f_t
)


def pack(method: Any) -> Numbers:
    """The method's numbers; stages are kept as Krylov spaces, not as vectors."""
    arrays = {
        key: np.ascontiguousarray(getattr(method, key), dtype=float) for key in ("c", "a", "b", "error")
    }
    addresses = {key: array.ctypes.data for key, array in arrays.items()}
    data = ExponentialData(stages=len(method.c), **addresses)
    return Numbers(data, 1, DEGREE, tuple(arrays.values()))


def space_length(padded: int) -> int:
    """Doubles of one Krylov space: dimension, norm, basis, Hessenberg matrix."""
    return 8 + (DIMENSION + 1) * padded + (DIMENSION + 1) ** 2


def memory(method: Any, n: int, padded: int) -> int:
    """Krylov spaces of f, f_t and each D_i, four vectors, small matrices."""
    return (2 + len(method.c)) * space_length(padded) + 4 * padded + MATRICES * SMALL**2 + 2 * SMALL


def context(kernels: Any, method: Any) -> tuple[int, Any]:
    """The kernel of f and f_t."""
    made = ExponentialContext(rhs_gradient=kernels.address("rhs_gradient"))
    return ctypes.addressof(made), made


FAMILY = Family(
    "exponential",
    pack,
    implicit=False,
    present=0.7,
    previous=0.2,
    memory=memory,
    context=context,
    long_steps=True,
)
