"""Some quantities of a model with their derivatives by states and parameters, at many points in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from symde.codegen.derivatives import SparseJacobian, jacobian
from symde.codegen.kernel import Kernel, Output
from symde.codegen.llvm import ir_module
from symde.codegen.model_kernels import ModelGraph
from symde.native import load_ir

_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, *[ctypes.c_void_p] * 4)

# One pass over rows of t and u; the model's other inputs are empty, since an observed quantity reads none.
_LOOP = """define dso_local i32 @observed_at_all(i64 %count, ptr %t, ptr %u, ptr %p, ptr %out) nounwind {{
start:
  %in = alloca [{inputs} x ptr], align 16
  %result = alloca ptr, align 8
  %in_p = getelementptr ptr, ptr %in, i64 1
  store ptr %p, ptr %in_p
  br label %head
head:
  %i = phi i64 [ 0, %start ], [ %next, %body ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %body, label %done
body:
  %t_place = getelementptr double, ptr %t, i64 %i
  %t_i = load double, ptr %t_place
  %u_offset = mul i64 %i, {states}
  %u_i = getelementptr double, ptr %u, i64 %u_offset
  store ptr %u_i, ptr %in
  %out_offset = mul i64 %i, {length}
  %out_i = getelementptr double, ptr %out, i64 %out_offset
  store ptr %out_i, ptr %result
  %code = call i32 @observed(double %t_i, ptr %in, ptr %result)
  %next = add i64 %i, 1
  %good = icmp eq i32 %code, 0
  br i1 %good, label %head, label %failed
failed:
  ret i32 %code
done:
  ret i32 0
}}
"""


class ObservedKernels:
    """Values and derivatives of some quantities of a model, compiled.

    Args:
        model: The model's graph; it grows by the derivatives.
        nodes: Node of each quantity: of a state, a parameter or an observable.

    Attributes:
        by_states, by_parameters: Rows (quantities) and columns (states, parameters) of the derivatives that
            are not zero, in the order in which `__call__` gives them, sorted by columns.
    """

    def __init__(self, model: ModelGraph, nodes: Sequence[int]) -> None:
        self._model, self._nodes = model, tuple(nodes)
        lowered = model.lowered
        self.by_states, states = _entries(jacobian(lowered.graph, nodes, lowered.states))
        self.by_parameters, parameters = _entries(jacobian(lowered.graph, nodes, lowered.parameters))
        self._outputs = (*self._nodes, *states, *parameters)

    @cached_property
    def _function(self) -> ctypes._CFunctionType:
        # one output vector: what belongs to a point lies together
        kernel = Kernel(
            "observed", self._model.lowered.graph, self._model.inputs(), (Output("observed", self._outputs),)
        )
        loop = _LOOP.format(
            inputs=len(kernel.inputs), states=len(self._model.lowered.states), length=len(self._outputs)
        )
        library = load_ir(f"{ir_module([kernel])}\n{loop}")
        return _SIGNATURE(library.address("observed_at_all"))

    def __call__(
        self, t: np.ndarray, u: np.ndarray, p: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values (n_times, quantities), and the entries of the derivatives by states and by parameters, shape
        (n_times, number of entries) each.

        Args:
            t: Times, shape (n_times,).
            u: States, shape (n_times, n).
            p: Parameters, shape (m,).
        """
        t, u, p = (np.ascontiguousarray(part, dtype=float) for part in (t, u, p))
        out = np.empty((len(t), len(self._outputs)))
        code = self._function(len(t), t.ctypes.data, u.ctypes.data, p.ctypes.data, out.ctypes.data)
        if code:
            raise MemoryError("no memory to evaluate observed quantities")
        first = len(self._nodes)
        second = first + len(self.by_states[0])
        return out[:, :first], out[:, first:second], out[:, second:]


def _entries(matrix: SparseJacobian) -> tuple[tuple[np.ndarray, np.ndarray], list[int]]:
    """Rows and columns of a sparse matrix by ascending columns, and its nodes in that order."""
    rows = np.repeat(np.arange(len(matrix.indptr) - 1), np.diff(matrix.indptr))
    columns = np.asarray(matrix.indices, dtype=int)
    order = np.lexsort((rows, columns))
    return (rows[order], columns[order]), [matrix.nodes[k] for k in order]
