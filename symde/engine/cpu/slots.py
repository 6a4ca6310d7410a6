"""Methods as the compiled loop reads them: a `Slot` with addresses, numbers and the controller's exponents.

A family is one compiled module and one line in `FAMILIES`: how its numbers are laid out.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.library import function_address


@dataclass(frozen=True, slots=True, eq=False)
class PackedMethod:
    """A method ready for the loop; `kept` holds the arrays its addresses point into."""

    method: Any
    slot: Any
    stages: int
    degree: int
    implicit: bool
    kept: tuple[Any, ...]


def _matrix(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Values in the upper left corner of a zero matrix."""
    source = np.atleast_1d(np.asarray(values, dtype=float))
    full = np.zeros(shape)
    full[tuple(slice(0, length) for length in source.shape)] = source
    return full


def _explicit(tableau: Any) -> tuple[Any, int, int, list[np.ndarray]]:
    stages, extra = len(tableau.b), len(tableau.extra_c)
    width = stages + extra
    a = _matrix(tableau.a, (width, width))
    if extra:
        a[stages:, : np.asarray(tableau.extra_a).shape[1]] = tableau.extra_a
    interpolant = np.ascontiguousarray(
        _matrix(tableau.interpolant, (width, np.shape(tableau.interpolant)[1])).T
    )
    arrays = [a, _matrix(tableau.b, (width,)), _matrix([*tableau.c, *tableau.extra_c], (width,))]
    error = None if tableau.error is None else _matrix(tableau.error, (width,))
    data = layout.ExplicitData(
        stages=stages,
        all_stages=width,
        fsal=int(tableau.fsal),
        degree=interpolant.shape[0],
        a=arrays[0].ctypes.data,
        b=arrays[1].ctypes.data,
        c=arrays[2].ctypes.data,
        error=0 if error is None else error.ctypes.data,
        interpolant=interpolant.ctypes.data,
    )
    return data, width, interpolant.shape[0], [*arrays, interpolant] + ([] if error is None else [error])


def _rosenbrock(tableau: Any) -> tuple[Any, int, int, list[np.ndarray]]:
    stages = len(tableau.m)
    fields = {
        "a": (tableau.a, (stages, stages)),
        "c": (tableau.c_matrix, (stages, stages)),
        "alpha": (tableau.alpha, (stages,)),
        "d": (tableau.d, (stages,)),
        "m": (tableau.m, (stages,)),
        "error": (tableau.error, (stages,)),
    }
    arrays = {name: _matrix(values, shape) for name, (values, shape) in fields.items()}
    arrays["interpolant"] = np.ascontiguousarray(np.asarray(tableau.interpolant, dtype=float).T)
    degree = arrays["interpolant"].shape[0]
    addresses = {name: array.ctypes.data for name, array in arrays.items()}
    data = layout.RosenbrockData(stages=stages, degree=degree, gamma=float(tableau.gamma), **addresses)
    return data, stages, degree, list(arrays.values())


@dataclass(frozen=True, slots=True)
class Family:
    """How a family's methods are laid out, whether they solve linear systems, and its controller.

    `present` and `previous` are the exponents of the PI law in units of 1/(order of the estimate + 1).
    Explicit methods need a good deal of the previous error: where stability limits the step, it keeps them
    from bouncing at the limit. Stiff methods have no limit to bounce at, and damping costs them steps
    wherever the solution relaxes: with (0.7, 0.4) Rodas5P takes 104 steps for ROBER at error 1e-5 and 65 for
    POLLU, with (0.97, 0.04) 61 and 35.
    """

    module: str
    pack: Callable[[Any], tuple[Any, int, int, list[np.ndarray]]]
    implicit: bool
    present: float
    previous: float


FAMILIES = {
    "explicit": Family("explicit", _explicit, implicit=False, present=0.7, previous=0.4),
    "rosenbrock": Family("rosenbrock", _rosenbrock, implicit=True, present=0.97, previous=0.04),
}


@functools.cache
def packed(method: Any) -> PackedMethod:
    """The slot of a method; compiles its family's functions where the cache has none."""
    family = FAMILIES[method.family]
    data, stages, degree, arrays = family.pack(method)
    lower_order = method.order if method.embedded_order is None else min(method.order, method.embedded_order)
    exponent = 1.0 / (lower_order + 1)
    slot = layout.Slot(
        attempt=function_address(family.module, "attempt"),
        interpolate=function_address(family.module, "interpolate"),
        data=ctypes.addressof(data),
        degree=degree,
        fsal=int(getattr(method, "fsal", False)),
        fixed=int(not method.adaptive),
        implicit=int(family.implicit),
        order=float(method.order),
        alpha=family.present * exponent,
        beta=family.previous * exponent,
        gamma=exponent,
        stability=float(getattr(method, "real_stability", 0.0)),
    )
    return PackedMethod(method, slot, stages, degree, family.implicit, (data, *arrays))
