"""Drift and diffusion of a stochastic differential equation as kernels, and what kind of noise it is."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import SparseJacobian, jacobian
from symde.codegen.graph import Graph
from symde.codegen.jumps import Jump, jumps
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.llvm_operations import vector
from symde.codegen.lower import LoweredModel, lower_named
from symde.codegen.noise_kind import NoiseKind, Products, commutes, states_read, without_products
from symde.codegen.noise_steps import lane_pull, lane_push, lane_step
from symde.codegen.noise_steps.step import NoiseEquation
from symde.codegen.roots_of_corners import has_root_of_corner
from symde.model.definition import Definition
from symde.native import load_ir

LANES = 8
"""Paths side by side in whole steps (`symde.engine.cpu.noise_lanes_layout`)."""

MILSTEIN, LINEARISED, STRATONOVICH = "milstein", "linearised", "stratonovich"

READINGS = ("drift", "diffusion", "both", MILSTEIN, LINEARISED, STRATONOVICH)
"""What a step may read of an equation at once."""


_Made = TypeVar("_Made")

CHEAP = frozenset(
    {"add", "sub", "mul", "neg", "min", "max", "select", "lt", "le", "eq", "and", "or", "not", "abs"}
)

ELEMENTARY = 15
"""Operations that a division, root or elementary function takes the time of, about."""


def operations(kernel: Kernel) -> int:
    """The number of operations of a kernel, elementary functions as several."""
    graph = kernel.graph
    return sum(1 if graph.op[node] in CHEAP else ELEMENTARY for node in kernel.nodes() if graph.args[node])


def made_once(make: Callable[[Any], _Made]) -> cached_property[_Made]:
    """A property of kernels that is made when it is asked for, in one thread at a time: it adds to the graph,
    which threads would spoil for one another."""

    def locked(kernels: NoiseKernels) -> _Made:
        with kernels.lock:
            return make(kernels)

    locked.__doc__ = make.__doc__
    return cached_property(locked)


def domain_of(definition: Definition, state: int) -> tuple[float, float]:
    """The ends of a state's domain; infinite where there is none."""
    low, high = definition.states[state].domain or (None, None)
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


class NoiseKernels:
    """The kernels of one model with noise in the sense of Ito.

    Attributes:
        rows, columns: state and Brownian motion of each entry of the diffusion matrix, by rows.
        motions: Number of Brownian motions.
        lock: Of the graph, held by who adds to it.
    """

    def __init__(self, definition: Definition) -> None:
        noise = definition.noise
        assert noise is not None and not noise.stratonovich
        self.definition = definition
        self.lock = threading.RLock()
        self._model, lowering = lower_named(definition)
        self._drift = tuple(lowering.lower(state.derivative) for state in definition.states)
        places = {name: row for row, name in enumerate(definition.state_names)}
        columns = {name: column for column, name in enumerate(noise.motions)}
        algebra = Algebra(self._model.graph)
        entries: dict[tuple[int, int], int] = {}
        for term in noise.terms:
            node = lowering.lower(term.coefficient)
            if not algebra.is_zero(node):
                entries[places[term.state], columns[term.motion]] = node
        self.motions = len(columns)
        self.rows = tuple(row for row, _ in sorted(entries))
        self.columns = tuple(column for _, column in sorted(entries))
        self._diffusion = tuple(entries[place] for place in sorted(entries))
        self._addresses: dict[str, int] = {}
        self._lane_kernels: dict[tuple[str, Any], Kernel | None] = {}
        self._lane_addresses: dict[tuple[str, Any], int] = {}

    @property
    def model(self) -> LoweredModel:
        """States, parameters and observed quantities on the graph."""
        return self._model

    @property
    def diffusion_nodes(self) -> tuple[int, ...]:
        """The entries of the diffusion matrix."""
        return self._diffusion

    @made_once
    def products(self) -> Products:
        """Those that are not always 0."""
        graph = self._model.graph
        algebra = Algebra(graph)
        slopes = jacobian(graph, self._diffusion, self._model.states)
        by_row: dict[int, list[tuple[int, int]]] = {}
        for row, column, node in zip(self.rows, self.columns, self._diffusion, strict=True):
            by_row.setdefault(row, []).append((column, node))
        sums: dict[tuple[int, int, int], int] = {}
        for entry, (row, second) in enumerate(zip(self.rows, self.columns, strict=True)):
            for k in range(slopes.indptr[entry], slopes.indptr[entry + 1]):
                state = slopes.indices[k]
                for first, node in by_row.get(state, ()):
                    place = row, first, second
                    term = algebra.mul(node, slopes.nodes[k])
                    for condition in self._inside(state):
                        term = algebra.select(condition, term, algebra.zero)
                    sums[place] = algebra.add(sums[place], term) if place in sums else term
        kept = {place: node for place, node in sums.items() if not algebra.is_zero(node)}
        rows, first, second = zip(*kept, strict=True) if kept else ((), (), ())
        return Products(rows, first, second, tuple(kept.values()))

    def _inside(self, state: int) -> list[int]:
        """Conditions that a state is inside of its domain: there products with a derivative by it count. At
        the ends coefficients such as sqrt(x) have none, and beyond them they do not change."""
        graph, node = self._model.graph, self._model.states[state]
        low, high = domain_of(self.definition, state)
        found = []
        if math.isfinite(low):
            found.append(graph.apply("lt", graph.constant(low), node))
        if math.isfinite(high):
            found.append(graph.apply("lt", node, graph.constant(high)))
        return found

    @made_once
    def drift_jacobian(self) -> SparseJacobian:
        """The derivatives of the drift by the states."""
        return jacobian(self._model.graph, self._drift, self._model.states)

    @cached_property
    def rough_rows(self) -> tuple[int, ...]:
        """States whose noise is a root of what states cut off at 0."""
        entries = zip(self.rows, self._diffusion, strict=True)
        graph, states = self._model.graph, self._model.states
        return tuple(sorted({row for row, node in entries if has_root_of_corner(graph, node, states)}))

    @made_once
    def stratonovich_drift(self) -> tuple[int, ...]:
        """The drift of the same equation read in the sense of Stratonovich: Ito's less
        1/2 sum_ij g_ij dg_kj/dx_i (P. E. Kloeden, E. Platen 1992, section 4.9)."""
        algebra, drift, found = Algebra(self._model.graph), list(self._drift), self.products
        half = self._model.graph.constant(-0.5)
        places = zip(found.rows, found.first, found.second, found.nodes, strict=True)
        for row, first, second, node in places:
            if first == second:
                drift[row] = algebra.add(drift[row], algebra.mul(half, node))
        return tuple(drift)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of Brownian motions whose Levy area Milstein's method needs: none but of general noise."""
        if self.kind is not NoiseKind.GENERAL:
            return ()
        found = zip(self.products.first, self.products.second, strict=True)
        return tuple(sorted({(min(pair), max(pair)) for pair in found if pair[0] != pair[1]}))

    @made_once
    def kind(self) -> NoiseKind:
        """The first in the order of `NoiseKind` that the noise is. Discrete variables are none of the states
        that change it: no step does."""
        definition, states = self.definition, self._model.states
        moving = [node for node, state in zip(states, definition.states, strict=True) if not state.discrete]
        # discrete variables stand last, so that the places are those of the states
        found = without_products(
            self.rows, self.columns, states_read(self._model.graph, self._diffusion, moving)
        )
        if found is not None:
            return found
        lengths = {"u": len(states), "p": len(self._model.parameters)}
        inside = {node for state in range(len(states)) for node in self._inside(state)}
        alike = commutes(self._model.graph, self.products, lengths, inside)
        return NoiseKind.COMMUTATIVE if alike else NoiseKind.GENERAL

    def address(self, name: str) -> int:
        """Address of a kernel: "drift", "diffusion", "both", "milstein" with the products too,
        "linearised": the drift and its Jacobian, or "stratonovich": its drift and the diffusion."""
        with self.lock:
            if name not in self._addresses:
                self._addresses[name] = self._compiled(name)
            return self._addresses[name]

    def _compiled(self, name: str) -> int:
        lengths = {"u": len(self.definition.states), "p": len(self.definition.parameters)}
        vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
        kernel = Kernel(name, self.graph, vectors, self.outputs(name))
        return load_ir(ir_module([kernel])).address(name)

    @cached_property
    def equation(self) -> NoiseEquation:
        """What whole steps are written from."""

        def products() -> Iterator[tuple[int, int, int, int]]:
            found = self.products
            return zip(found.rows, found.first, found.second, found.nodes, strict=True)

        domains = tuple(domain_of(self.definition, state) for state in range(len(self._drift)))
        parameters = len(self.definition.parameters)
        return NoiseEquation(
            self.graph, parameters, self._drift, self._diffusion, self.rows, self.columns, self.motions,
            domains, self.together, products, lambda: self.pairs,
        )  # fmt: skip

    def lane_kernel(self, kind: str, method: Any) -> Kernel | None:
        """A method's whole step for `LANES` paths side by side, or a derivative of it: "step", "push" along a
        direction, "pull" back (`symde.codegen.noise_steps`); None where there is none."""
        with self.lock:
            if (kind, method) not in self._lane_kernels:
                write = {"step": lane_step, "push": lane_push, "pull": lane_pull}[kind]
                self._lane_kernels[kind, method] = write(self.equation, method)
            return self._lane_kernels[kind, method]

    def lane_address(self, kind: str, method: Any) -> int:
        """Address of such a kernel; 0: there is none."""
        with self.lock:
            if (kind, method) not in self._lane_addresses:
                kernel, address = self.lane_kernel(kind, method), 0
                if kernel is not None:
                    address = load_ir(ir_module([kernel], vector(LANES))).address(kernel.name)
                self._lane_addresses[kind, method] = address
            return self._lane_addresses[kind, method]

    def lane_work(self, kind: str, method: Any) -> int:
        """Operations of such a kernel; 0: there is none."""
        kernel = self.lane_kernel(kind, method)
        return 0 if kernel is None else operations(kernel)

    @property
    def together(self) -> bool:
        """Whether no motion changes the coefficients of another."""
        return self.kind in (NoiseKind.ADDITIVE, NoiseKind.DIAGONAL, NoiseKind.SCALAR)

    @property
    def graph(self) -> Graph:
        """Holds all nodes; derivatives are added to it."""
        return self._model.graph

    @property
    def inputs(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Nodes that read the states and the parameters."""
        return self._model.states, self._model.parameters

    @cached_property
    def jumps(self) -> list[Jump]:
        """Where drift or diffusion jumps."""
        return jumps(self.graph, (*self._drift, *self._diffusion))

    @cached_property
    def jumps_of_noise(self) -> list[Jump]:
        """Where the diffusion jumps."""
        return jumps(self.graph, self._diffusion)

    def outputs(self, name: str) -> tuple[Output, ...]:
        """What a kernel of `READINGS` computes."""
        drift, diffusion = Output("drift", self._drift), Output("diffusion", self._diffusion)
        if name == MILSTEIN:
            return drift, diffusion, Output("products", self.products.nodes)
        if name == STRATONOVICH:
            return Output("drift", self.stratonovich_drift), diffusion
        if name == LINEARISED:
            return drift, Output("jacobian", self.drift_jacobian.nodes)
        return {"drift": (drift,), "diffusion": (diffusion,), "both": (drift, diffusion)}[name]
