"""The Taylor-series method in memory."""

from __future__ import annotations

import ctypes
from enum import IntEnum
from typing import Any

import numpy as np

from symde.engine.cpu.family import Family, Numbers
from symde.engine.cpu.layout import double, int64, structure

TaylorData = structure(
    "TaylorData",
    "How the order follows rtol.",
    least_order=int64,
    order=int64,
    order_at_one=double,
    order_per_log=double,
)

TaylorContext = structure(
    "TaylorContext",
    "What the method knows of a model: the kernel of its jets, and tapes for a step and the next.",
    kernel=int64,
    stride=int64,  # doubles between two rows of a tape; row k begins with coefficient k of the states
    kinks=int64,  # whether the model takes branches on what changes
    first=int64,
    second=int64,
)


class Memory(IntEnum):
    """What stands where in the memory of a run."""

    ORDER = 0  # 0 until the run has taken its first step
    CURRENT = 1  # which tape belongs to the state: 0 or 1
    KNOWN = 2  # that tape is filled
    AHEAD = 3  # the other tape is filled for the state after the step
    LAST = 4  # mean square of its last coefficient
    BEFORE = 5  # and of the one before


def pack(method: Any) -> Numbers:
    """A method's numbers."""
    data = TaylorData(
        least_order=method.least_order,
        order=method.order,
        order_at_one=method.order_at_one,
        order_per_log=method.order_per_log,
    )
    return Numbers(data, 1, method.order, ())


def memory(method: Any, n: int, padded: int) -> int:
    """One double for each entry."""
    return len(Memory)


def context(kernels: Any, method: Any) -> tuple[int, Any]:
    """The kernel of the model's jets and tapes of its size.

    Raises:
        ValueError: there is no model to differentiate, or it applies a function without recurrence.
    """
    if not hasattr(kernels, "taylor"):
        raise ValueError(
            f"{method.name} differentiates the equations, and a Python function that symde could not trace "
            "has none: write the model as text, or take another method, 'Vern7' say"
        )
    kernel = kernels.taylor
    tapes = np.zeros((2, kernel.rows * kernel.stride + 8))
    data = TaylorContext(
        kernel=kernel.address,
        stride=kernel.stride,
        kinks=int(kernel.kinks),
        first=tapes[0].ctypes.data,
        second=tapes[1].ctypes.data,
    )
    return ctypes.addressof(data), (data, tapes, kernel)


FAMILY = Family("taylor", pack, implicit=False, controls=True, memory=memory, context=context)
