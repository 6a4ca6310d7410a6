"""Calling a compiled kernel from Python: for tests, initial values and look-ups, not for inner loops."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)


def pointer_table(vectors: Sequence[np.ndarray]) -> np.ndarray:
    """The addresses of float64 vectors, as kernels take them. The caller keeps the vectors alive."""
    return np.array([vector.ctypes.data for vector in vectors] or [0], dtype=np.uintp)


def call(
    address: int, t: float, inputs: Sequence[np.ndarray | Sequence[float]], output_lengths: Sequence[int]
) -> tuple[int, list[np.ndarray]]:
    """The code and the outputs of a kernel.

    Args:
        address: Where the kernel lies.
        t: Time.
        inputs: The kernel's input vectors in order; missing ones at the end count as empty.
        output_lengths: Length of each output vector.
    """
    vectors = [np.ascontiguousarray(vector, dtype=np.float64) for vector in inputs]
    outputs = [np.full(length, np.nan) for length in output_lengths]
    into, out = pointer_table(vectors), pointer_table(outputs)
    code = _SIGNATURE(address)(t, into.ctypes.data, out.ctypes.data)
    return code, outputs
