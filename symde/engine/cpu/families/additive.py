"""Additive Runge-Kutta pairs for split equations, in memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers, matrix
from symde.engine.cpu.layout import double, int64, structure

AdditiveData = structure(
    "AdditiveData",
    "An additive pair. Its vectors are the stiff and the other part of each stage in turn, so rows are "
    "2*stages wide and hold the weights of both.",
    stages=int64,
    degree=int64,
    gamma=double,
    a=int64,  # stages x (2*stages)
    guess=int64,  # stages x (2*stages): the state from which each stage's iteration begins
    c=int64,
    b=int64,
    error=int64,
    interpolant=int64,  # degree x (2*stages): coefficient of theta**(m + 1)
)

AdditiveContext = structure(
    "AdditiveContext",
    "The parts of a split model: addresses of kernels as that of the right-hand side.",
    stiff=int64,
    nonstiff=int64,
)


def pack(pair: Any) -> Numbers:
    """A pair's numbers; a predicted stiff part enters the guess at its state as those before it do."""
    half, stages = pair.implicit, pair.stages
    guess = half.a + half.gamma * half.predictor
    fields = {
        "a": (in_turn(half.a, half.explicit_a), (stages, 2 * stages)),
        "guess": (in_turn(guess, half.explicit_a), (stages, 2 * stages)),
        "c": (half.c, (stages,)),
        "b": (in_turn(half.b, half.b), (2 * stages,)),
        "error": (in_turn(half.error, half.error), (2 * stages,)),
    }
    arrays = {name: matrix(values, shape) for name, (values, shape) in fields.items()}
    arrays["interpolant"] = np.ascontiguousarray(in_turn(half.interpolant.T, half.interpolant.T))
    degree = arrays["interpolant"].shape[0]
    addresses = {name: array.ctypes.data for name, array in arrays.items()}
    data = AdditiveData(stages=stages, degree=degree, gamma=half.gamma, **addresses)
    return Numbers(data, 2 * stages, degree, tuple(arrays.values()))


def in_turn(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The columns of both, one of each in turn."""
    both = np.stack([first, second], axis=-1)
    return both.reshape(*both.shape[:-2], -1)


def parts(kernels: Any, method: Any) -> Any:
    """The kernels of a model's parts.

    Raises:
        ValueError: the model is not split.
    """
    split = getattr(kernels, "split", None)
    if split is None:
        raise ValueError(
            f"{method.name} needs a model whose stiff part is marked: write stiff(...) around stiff terms, "
            f"or give symde.SplitFunction(stiff, nonstiff); {method.implicit.name} solves it as it is"
        )
    return split


def context(kernels: Any, method: Any) -> tuple[int, Any]:
    """Where the parts are."""
    places = AdditiveContext(stiff=kernels.address("stiff"), nonstiff=kernels.address("nonstiff"))
    return ctypes.addressof(places), places


FAMILY = Family("additive", pack, implicit=True, present=0.97, previous=0.04, context=context, kernels=parts)
