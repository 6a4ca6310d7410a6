"""Vector-Jacobian products of a model: what adjoint methods need of its graph.

Each is one reverse sweep over the graph, so it costs a small multiple of the right-hand side whatever the
number of parameters. Beside products with the first derivatives there are those with the second, for methods
whose formula contains the Jacobian itself.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symde.codegen.derivatives import adjoint, directional
from symde.codegen.kernel import Kernel, Output
from symde.codegen.llvm import ir_module
from symde.codegen.lu import StaticLU, plan_lu
from symde.codegen.lu_kernels import lu_kernels
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.partition import accelerations
from symde.codegen.typical import typical_jacobian
from symde.native import load_ir


@dataclass(frozen=True)
class AdjointGraph:
    """A model's graph with products of row vectors and derivatives; the row vector is the input `adjoint`."""

    model: ModelGraph

    @property
    def _weights(self) -> list[int]:
        graph = self.model.lowered.graph
        return [graph.input("adjoint", i) for i in range(len(self.model.lowered.rhs))]

    def _by_states_and_parameters(self, roots: tuple[int, ...]) -> tuple[Output, ...]:
        lowered = self.model.lowered
        variables = (*lowered.states, *lowered.parameters)
        nodes = adjoint(lowered.graph, roots, self._weights, variables)
        n = len(lowered.states)
        return Output("by_states", tuple(nodes[:n])), Output("by_parameters", tuple(nodes[n:]))

    def _product(self, name: str, variables: tuple[int, ...]) -> Output:
        lowered = self.model.lowered
        return Output(name, tuple(adjoint(lowered.graph, lowered.rhs, self._weights, variables)))

    def kernel(self, name: str) -> Kernel:
        """`adjoint`: w'J and w'P. `adjoint_states`, `adjoint_parameters`: one of them. `adjoint_curvature`:
        derivatives of w'J k by states and parameters, k the input `direction`. `adjoint_time`: those of
        w'f_t. `adjoint_accelerations`: those of w'a, a the accelerations of positions and momenta.
        `transposed`: values of the transposed Jacobian. `mass`: those of the transposed M of M u' = f."""
        return Kernel(name, self.model.lowered.graph, self.model.inputs(), self._outputs(name))

    def _outputs(self, name: str) -> tuple[Output, ...]:
        lowered = self.model.lowered
        if name == "adjoint":
            return self._by_states_and_parameters(lowered.rhs)
        if name == "adjoint_states":
            return (self._product("by_states", lowered.states),)
        if name == "adjoint_parameters":
            return (self._product("by_parameters", lowered.parameters),)
        if name == "adjoint_curvature":
            graph = lowered.graph
            directions = {node: graph.input("direction", i) for i, node in enumerate(lowered.states)}
            return self._by_states_and_parameters(tuple(directional(graph, lowered.rhs, directions)))
        if name == "adjoint_time":
            return self._by_states_and_parameters(self.model.time_gradient)
        if name == "adjoint_accelerations":
            halves = self.model.partition
            nodes = accelerations(lowered.graph, lowered.rhs, lowered.states, halves)
            return self._by_states_and_parameters(nodes)
        if name == "transposed":
            return (Output("transposed", self.transposed_nodes),)
        if name == "mass":
            return (Output("mass", self.transposed_mass),)
        raise KeyError(name)

    @property
    def transposed_nodes(self) -> tuple[int, ...]:
        """Nodes of the Jacobian's entries in the order of the transposed pattern."""
        return tuple(self.model.jacobian.nodes[k] for k in self.transposition)

    @property
    def transposed_mass(self) -> tuple[int, ...]:
        """Nodes of M's entries in the same order; there is an M."""
        mass = self.model.mass
        assert mass is not None
        return tuple(mass[k] for k in self.transposition)

    @property
    def transposition(self) -> np.ndarray:
        """The place in the Jacobian of each entry of its transpose."""
        entries = self.model.jacobian
        return transposition(entries.indptr, entries.indices)[2]


def transposition(
    indptr: tuple[int, ...], indices: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row pointers and columns (int32) of the transposed pattern, and the place of each of its entries in the
    original."""
    n = len(indptr) - 1
    rows = np.repeat(np.arange(n), np.diff(indptr))
    columns = np.asarray(indices, dtype=int)
    order = np.lexsort((rows, columns))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n))])
    return pointers.astype(np.int32), rows[order].astype(np.int32), order


class AdjointKernels:
    """The compiled products of a model, and the factorisation of its transposed Jacobian.

    To a solver of linear systems it is a model whose Jacobian is the transposed one.

    Attributes:
        n, m: Numbers of states and parameters.
        pattern: Row pointers and columns of the transposed Jacobian, int32.
        mass: Whether M in M u' = f is another than the identity.
        kernels: The model's own.
    """

    def __init__(self, model: ModelGraph, kernels: Any = None) -> None:
        self.kernels = kernels
        self._graph = AdjointGraph(model)
        self.n, self.m = len(model.lowered.states), len(model.lowered.parameters)
        self.mass = model.mass is not None
        entries = model.jacobian
        self.pattern = transposition(entries.indptr, entries.indices)[:2]
        self._addresses: dict[str, int] = {}
        self._lock = threading.RLock()

    @cached_property
    def lu_plan(self) -> StaticLU | None:
        """The generated factorisation, None where it would be too long."""
        model, pattern = self._graph.model, (self.pattern[0].tolist(), self.pattern[1].tolist())
        if model.mass is None:
            return plan_lu(*pattern)
        massed = [not model.lowered.graph.is_constant(node, 0.0) for node in self._graph.transposed_mass]
        typical, order = typical_jacobian(model), self._graph.transposition
        return plan_lu(*pattern, sample=[typical[k] for k in order], massed=massed)

    @property
    def lu_length(self) -> int:
        """Length of the vector `lu` of the generated factorisation; 0 where there is none."""
        return 0 if self.lu_plan is None else self.lu_plan.length

    def address(self, name: str) -> int:
        """The address of a kernel of `AdjointGraph`, or `lu_factor`, `lu_solve`, `lu_substitute`, `lu_accept`
        of the transposed Jacobian; compiled or loaded by now."""
        with self._lock:
            if name not in self._addresses:
                self._load(name)
            return self._addresses[name]

    def _load(self, name: str) -> None:
        if name.startswith("lu_") and self.lu_plan is not None:
            kernels = lu_kernels(self.lu_plan)
        else:
            kernels = [self._graph.kernel(name)]
        library = load_ir(ir_module(kernels))
        self._addresses.update({kernel.name: library.address(kernel.name) for kernel in kernels})

    @property
    def timed(self) -> bool:
        """Whether the right-hand side depends on t."""
        graph = self._graph.model.lowered.graph
        return any(not graph.is_constant(node, 0.0) for node in self._graph.model.time_gradient)
