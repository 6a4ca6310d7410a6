"""Linear systems W x = b put to the engine's solvers directly, without a model or a solve."""

import ctypes
import ctypes.util
import platform
import sys

import numpy as np
import pytest

from symde.engine.cpu import layout, linear_solvers
from symde.engine.cpu.library import function_address

STEP = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)
SOLVE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)

# where the extra `klu` has a package, and `test` brings it, a missing one is a failure
needs_klu = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64") and not ctypes.util.find_library("klu"),
    reason="no package of KLU for this system, and none of its own",
)


class Pattern:
    """As much of a model's kernels as the solvers by factorisation ask for."""

    lu_length = 0
    m = 0

    def __init__(self, starts, columns):
        self.n = len(starts) - 1
        self.pattern = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(columns, np.int64)

    def address(self, name):
        return 0


class LinearSystem:
    """One pattern under one solver; `matrix` is W = shift*I - J, full, and its pattern is kept."""

    def __init__(self, name, pattern, rtol=1e-6):
        self.solver, self.kernels = linear_solvers.get(name), pattern
        starts, columns = pattern.pattern
        n = self.n = pattern.n
        self.rows = np.repeat(np.arange(n), np.diff(starts))
        self.values = np.zeros(max(len(columns), 1))
        self.residual, self.refinement, self.x, self.zeros = (np.zeros(n) for _ in range(4))
        self.state = layout.State(
            n=n,
            padded=n,
            jacobian=self.values.ctypes.data,
            row_pointers=starts.ctypes.data,
            columns=columns.ctypes.data,
            u=self.zeros.ctypes.data,
            atol=self.zeros.ctypes.data,
            residual=self.residual.ctypes.data,
            refinement=self.refinement.ctypes.data,
        )
        self.address = ctypes.addressof(self.state)
        self.layout = self.solver.lay_out(pattern, self.address, None)
        self.state.linear = ctypes.addressof(self.layout.data)
        for entry, module in self.solver.entries.items():
            setattr(self.state, entry, function_address(module, entry))

    def factor(self, jacobian, shift):
        """Factorise; `jacobian` is a full matrix or the entries in order."""
        values = jacobian if jacobian.ndim == 1 else jacobian[self.rows, self.kernels.pattern[1]]
        self.values[: len(values)] = values
        self.state.shift = shift
        return STEP(self.state.factor)(self.address)

    def call(self, address, b):
        b = np.ascontiguousarray(b, float)
        code = SOLVE(address)(self.address, b.ctypes.data, self.x.ctypes.data)
        return code, self.x.copy()

    def solve(self, b):
        """Code and solution, judged."""
        return self.call(self.state.solve, b)

    def accept(self, b, x):
        """Whether x may stand for the solutions that it sums, with b the sum of their right sides."""
        b, x = (np.ascontiguousarray(vector, float) for vector in (b, x))
        return SOLVE(self.state.accept)(self.address, b.ctypes.data, x.ctypes.data)

    def substitute_transposed(self, b):
        """Code and solution of W^T x = b, unjudged."""
        module = self.solver.entries["substitute"]
        return self.call(function_address(module, "substitute_transposed"), b)


def backward_error(matrix, x, b):
    """The componentwise backward error (Oettli and Prager)."""
    size = np.abs(matrix) @ np.abs(x) + np.abs(b)
    residual = np.abs(matrix @ x - b)
    return float(np.max(np.where(residual == 0, 0.0, residual / np.where(size == 0, 1.0, size))))
