"""Derivatives of drift and diffusion as kernels: along a direction, and weighted sums by states and
parameters.

Both read the state inside of its domain. The first is to be 0 by a state that is beyond it, also where the
coefficient's own derivative is infinite, as that of sqrt(x) at 0; so it reads the state itself as well. Of
the second the engine leaves out such states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import adjoint, tangents
from symde.codegen.kernel import Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.noise import NoiseKernels, domain_of, operations
from symde.native import load_ir

ALONG = ("u", "p", "beyond", "direction", "changes")
"""Inputs of derivatives along a direction: the state inside of its domain, the parameters, the state itself,
and the directions of state and parameters."""

BACK = ("u", "p", "of_drift", "of_diffusion", "of_products")
"""Inputs of weighted sums: the state inside of its domain, the parameters, and the weights."""


class NoiseDerivatives:
    """Compiled when they are asked for.

    Args:
        kernels: Drift and diffusion; the derivatives are added to their graph.
    """

    def __init__(self, kernels: NoiseKernels) -> None:
        self._kernels = kernels
        self._known: dict[tuple[str, str], int] = {}
        self._derived: dict[tuple[str, str], Kernel] = {}
        self._counted: dict[tuple[str, str], int] = {}
        self._lock = kernels.lock

    def along(self, name: str) -> int:
        """The address of the kernel of derivatives along a direction of one of `READINGS`: as many outputs of
        the same lengths."""
        return self._address("along", name)

    def back(self, name: str) -> int:
        """The address of the kernel of derivatives of a weighted sum of one of `READINGS`, by states (n,) and
        by parameters (m,)."""
        return self._address("back", name)

    def alone(self, make: Callable[[], Any]) -> Any:
        """What is made of the kernels' graph while no other thread adds to it."""
        with self._lock:
            return make()

    def work(self, kind: str, name: str) -> int:
        """The number of operations of "along" or "back" of one of `READINGS`, elementary functions as
        several."""
        with self._lock:
            if (kind, name) not in self._counted:
                self._counted[kind, name] = operations(self._kernel(kind, name))
            return self._counted[kind, name]

    def _address(self, kind: str, name: str) -> int:
        with self._lock:
            if (kind, name) not in self._known:
                kernel = self._kernel(kind, name)
                self._known[kind, name] = load_ir(ir_module([kernel])).address(kernel.name)
            return self._known[kind, name]

    def _kernel(self, kind: str, name: str) -> Kernel:
        if (kind, name) not in self._derived:
            kernels = self._kernels
            inputs, outputs = along(kernels, kernels.outputs(name)) if kind == "along" else self._back(name)
            self._derived[kind, name] = Kernel(f"{kind}_{name}", self._kernels.graph, inputs, outputs)
        return self._derived[kind, name]

    def _back(self, name: str) -> tuple[tuple[Vector, ...], tuple[Output, ...]]:
        kernels, (states, parameters) = self._kernels, self._kernels.inputs
        graph, outputs = kernels.graph, kernels.outputs(name)
        roots, weights = [], []
        lengths = {"u": len(states), "p": len(parameters), **dict.fromkeys(BACK[2:], 0)}
        for output in outputs:
            roots += output.nodes
            weights += [graph.input(f"of_{output.name}", k) for k in range(len(output.nodes))]
            lengths[f"of_{output.name}"] = len(output.nodes)
        nodes = adjoint(graph, roots, weights, (*states, *parameters))
        n = len(states)
        by = Output("by_states", tuple(nodes[:n])), Output("by_parameters", tuple(nodes[n:]))
        return _vectors(lengths), by


def along(kernels: NoiseKernels, outputs: Sequence[Output]) -> tuple[tuple[Vector, ...], tuple[Output, ...]]:
    """Inputs and outputs of derivatives along a direction, one of each output."""
    states, parameters = kernels.inputs
    graph, algebra = kernels.graph, Algebra(kernels.graph)
    seeds = {node: {-1: graph.input("changes", j)} for j, node in enumerate(parameters)}
    guards: dict[int, int] = {}
    for i, node in enumerate(states):
        low, high = domain_of(kernels.definition, i)
        seeds[node] = {-1: graph.input("direction", i)}
        if low > -math.inf or high < math.inf:  # a term of its own, to be left out
            seeds[node] = {i: algebra.one}
            itself = graph.input("beyond", i)
            guards[i] = algebra.apply(
                "and",
                algebra.apply("le", graph.constant(low), itself),
                algebra.apply("le", itself, graph.constant(high)),
            )
    roots = [node for output in outputs for node in output.nodes]
    changes = []
    for row in tangents(graph, roots, seeds):
        total = row.get(-1, algebra.zero)
        for i, slope in row.items():  # which other roots of the same node share
            if i in guards:
                term = algebra.mul(slope, graph.input("direction", i))
                total = algebra.add(total, algebra.select(guards[i], term, algebra.zero))
        changes.append(total)
    n, m = len(states), len(parameters)
    lengths = dict(zip(ALONG, (n, m, n, n, m), strict=True))
    rest = iter(changes)
    derived = tuple(Output(one.name, tuple(next(rest) for _ in one.nodes)) for one in outputs)
    return _vectors(lengths), derived


def _vectors(lengths: Mapping[Any, int]) -> tuple[Vector, ...]:
    return tuple(Vector(name, length) for name, length in lengths.items())
