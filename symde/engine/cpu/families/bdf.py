"""Backward differentiation formulas of variable order and step in memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import double, int64, structure

HIGHEST = 5
"""The highest order of the family."""

PLACES = HIGHEST + 3
"""Places of an array of the mesh, which is read from 1 to order + 2."""

BdfData = structure(
    "BdfData",
    "A family of formulas; arrays are read at the order.",
    max_order=int64,
    leading=int64,  # factor of a step's correction in h f
    constant=int64,  # error on equal steps over the difference of order + 1
)

BdfMemory = structure(
    "BdfMemory",
    "What is known of the past; the mesh, the interpolant's weights and the differences lie behind it.",
    order=int64,  # of the next attempt
    taken=int64,  # of the last accepted step
    waited=int64,  # accepted steps since order or step last changed
    failures=int64,  # attempts in a row whose error was too large
    untested=int64,  # no solution by the present factors has been checked
    weight=double,  # error of the attempt over its difference of order + 1
    psi=int64,  # distances of the past points from the last one
    new_psi=int64,  # the same from the point of the attempt
    value=int64,  # weights of the differences in the prediction
    slope=int64,  # and in its derivative
    interpolant=int64,  # weights of the differences in the powers of theta, HIGHEST x HIGHEST
    differences=int64,  # the first of them; the others follow
)

HEADER = ctypes.sizeof(BdfMemory) // 8
"""Doubles before the mesh."""

DIFFERENCES = -(-(HEADER + 4 * PLACES + HIGHEST * HIGHEST) // 8) * 8
"""Doubles before the differences."""


def pack(method: Any) -> Numbers:
    """The numbers of a method, by order."""
    leading = np.array([0.0, *method.leading], dtype=float)
    constant = np.array([0.0, *method.constants], dtype=float)
    data = BdfData(max_order=method.max_order, leading=leading.ctypes.data, constant=constant.ctypes.data)
    # the prediction's step, its slope, and the correction
    return Numbers(data, 3, method.max_order, (leading, constant))


def memory(method: Any, n: int, padded: int) -> int:
    """The past, with differences up to the highest order + 2."""
    return DIFFERENCES + (method.max_order + 2) * padded


def undone(method: Any, n: int, padded: int) -> tuple[tuple[int, int], ...]:
    """Orders, the mesh and the differences."""
    return (0, HEADER + PLACES), (DIFFERENCES, (method.max_order + 2) * padded)


FAMILY = Family("bdf", pack, implicit=True, controls=True, memory=memory, undone=undone, multistep=True)
