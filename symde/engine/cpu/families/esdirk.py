"""Singly diagonally implicit Runge-Kutta methods with an explicit first stage, in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import double, int64, structure

EsdirkData = structure(
    "EsdirkData",
    "An ESDIRK tableau; matrices row by row, `stages` wide.",
    stages=int64,
    degree=int64,
    gamma=double,
    a=int64,  # stages x stages
    guess=int64,  # stages x stages: the state from which each stage's iteration begins
    c=int64,
    slope=int64,  # of k at the end of a step
    error=int64,
    interpolant=int64,  # degree x stages: coefficient of theta**(m + 1)
    algebraic=int64,  # that of models with variables without a derivative, likewise
)


def pack(tableau: Any) -> Numbers:
    """A tableau's numbers; a predicted k_i enters the guess at its state as the k before it do."""
    stages = tableau.stages
    fields = {
        "a": (tableau.a, (stages, stages)),
        "guess": (tableau.a + tableau.gamma * tableau.predictor, (stages, stages)),
        "c": (tableau.c, (stages,)),
        "slope": (tableau.slope, (stages,)),
        "error": (tableau.error, (stages,)),
    }
    arrays = {name: matrix(values, shape) for name, (values, shape) in fields.items()}
    arrays["interpolant"] = np.ascontiguousarray(tableau.interpolant.T)
    arrays["algebraic"] = np.ascontiguousarray(tableau.algebraic_interpolant.T)
    degree = arrays["interpolant"].shape[0]
    addresses = {name: array.ctypes.data for name, array in arrays.items()}
    data = EsdirkData(stages=stages, degree=degree, gamma=tableau.gamma, **addresses)
    return Numbers(data, stages, degree, tuple(arrays.values()))


def memory(method: Any, n: int, padded: int) -> int:
    """The slope of k at the end of the last step."""
    return padded


FAMILY = Family("esdirk", pack, implicit=True, present=0.97, previous=0.04, memory=memory)
