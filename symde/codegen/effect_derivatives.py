"""Derivatives of what jumps do, the numbers that are drawn held fixed: along a direction, and weighted sums.

    along_j  (t; u, p, noise, direction, changes) -> change of each new value
    back_j   (t; u, p, noise, of_values) -> derivatives of sum(of_values * values), (n,) and (m,)

A mark is its fixed distribution, shifted and scaled (`symde.model.marks`): `normal(m, s)` is m + s*Z, whose
derivatives by m and s are 1 and Z (the reparametrised draw; D. P. Kingma, M. Welling, Auto-encoding
variational Bayes, ICLR 2014, section 2.4).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import adjoint, tangents
from symde.codegen.effects import DRAWS, ChannelKernels, Effect
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.native import load_ir


class EffectDerivatives:
    """Compiled when they are asked for.

    Args:
        kernels: The jumps; the derivatives are added to their graph.
    """

    def __init__(self, kernels: ChannelKernels) -> None:
        self._kernels = kernels
        self._known: dict[str, np.ndarray] = {}
        self._lock = threading.RLock()

    @property
    def along(self) -> np.ndarray:
        """Addresses of the kernels of derivatives along a direction, shape (channels,)."""
        return self._addresses("along")

    @property
    def back(self) -> np.ndarray:
        """Addresses of the kernels of weighted sums, shape (channels,)."""
        return self._addresses("back")

    def _addresses(self, kind: str) -> np.ndarray:
        with self._lock:
            if kind not in self._known:
                make = {"along": self._along, "back": self._back}[kind]
                kernels = [make(f"{kind}_{j}", one) for j, one in enumerate(self._kernels.written)]
                library = load_ir(ir_module(kernels))
                found = [library.address(kernel.name) for kernel in kernels]
                self._known[kind] = np.array(found, dtype=np.int64)
            return self._known[kind]

    def _along(self, name: str, effect: Effect) -> Kernel:
        model = self._kernels.model
        graph, algebra = model.graph, Algebra(model.graph)
        seeds = {node: {-1: graph.input("direction", i)} for i, node in enumerate(model.states)}
        seeds |= {node: {-1: graph.input("changes", j)} for j, node in enumerate(model.parameters)}
        rows = tangents(graph, effect.values, seeds)
        changes = Output("changes", tuple(row.get(-1, algebra.zero) for row in rows))
        n, m = len(model.states), len(model.parameters)
        return Kernel(
            name, graph, (*self._read(effect), Vector("direction", n), Vector("changes", m)), (changes,)
        )

    def _back(self, name: str, effect: Effect) -> Kernel:
        model = self._kernels.model
        graph, count = model.graph, len(effect.values)
        weights = [graph.input("of_values", k) for k in range(count)]
        nodes = adjoint(graph, effect.values, weights, (*model.states, *model.parameters))
        n = len(model.states)
        by = Output("by_states", tuple(nodes[:n])), Output("by_parameters", tuple(nodes[n:]))
        return Kernel(name, graph, (*self._read(effect), Vector("of_values", count)), by)

    def _read(self, effect: Effect) -> Sequence[Vector]:
        model = self._kernels.model
        lengths = {"u": len(model.states), "p": len(model.parameters), DRAWS: len(effect.draws)}
        return [Vector(name, length) for name, length in lengths.items()]
