"""LAPACK's dense LU: large full systems. SciPy brings it along and exports its addresses.

Source: E. Anderson et al., LAPACK Users' Guide (1999), dgetrf and dgetrs.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

import numpy as np

from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.linear_solver import CHECKED, Kernels, Layout, LinearSolver, addresses

LapackData = structure(
    "LapackData",
    "A full matrix, LAPACK's functions and the places of their arguments, which are all passed by address.",
    matrix=int64,  # column by column: rows are exchanged, for which W's large diagonal gives no cause
    pivots=int64,  # 32-bit
    getrf=int64,
    getrs=int64,
    numbers=int64,  # 32-bit: n, 1, info
    same=int64,  # the letter N
    transposed=int64,  # the letter T
)


def lapack_function(name: str) -> int:
    """The address of a function of LAPACK."""
    lapack: Any = importlib.import_module("scipy.linalg.cython_lapack")
    capsule = lapack.__pyx_capi__[name]
    api = ctypes.pythonapi
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", api)
    )
    return get_pointer(capsule, get_name(capsule)) or 0


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """The matrix and LAPACK's arguments."""
    n = kernels.n
    arrays = {
        "matrix": np.empty(n * n),
        "pivots": np.zeros(n, np.int32),
        "numbers": np.array([n, 1, 0], np.int32),
        "same": np.frombuffer(b"N\0", np.uint8),
        "transposed": np.frombuffer(b"T\0", np.uint8),
    }
    data = LapackData(getrf=lapack_function("dgetrf"), getrs=lapack_function("dgetrs"), **addresses(arrays))
    return Layout(data, tuple(arrays.values()))


def cost(kernels: Kernels) -> float:
    """Twice what was measured: 28 for n = 50, 450 for 200, 2300 for 400, where our own takes 20, 670, 6000.
    LAPACK's threads wait for each other: with eight other programs on two cores 150 states took 144 000
    on average with two threads and 276 with one. OpenBLAS has one number of threads for the whole process,
    so that it is the user's to set."""
    n = kernels.n
    return 2.0 * (1.0 + 0.25 * n + 3.2e-5 * n**3 + 2.6e-3 * n**2)


SOLVER = LinearSolver("lapack", {"factor": "lapack", "substitute": "lapack", **CHECKED}, lay_out, cost)
