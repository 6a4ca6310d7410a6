"""Drift and diffusion of a stochastic differential equation as kernels, and what kind of noise it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import SparseJacobian, jacobian
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import Graph
from symde.codegen.jumps import Jump, jumps
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.lower import LoweredModel, lower_named
from symde.model.definition import Definition
from symde.native import load_ir

POINTS = 8
"""Random points at which it is looked whether noise commutes."""

CLOSE = 1e-9

MILSTEIN, LINEARISED = "milstein", "linearised"

READINGS = ("drift", "diffusion", "both", MILSTEIN, LINEARISED)
"""What a step may read of an equation at once."""


class NoiseKind(StrEnum):
    """What a method may rely on.

    ADDITIVE: no state changes the noise. DIAGONAL: a Brownian motion for each state, whose coefficient reads
    that state alone. SCALAR: one Brownian motion. COMMUTATIVE: L_i g_j = L_j g_i for all motions, where
    L_i = sum_k g_ki d/dx_k. GENERAL: all else.
    """

    ADDITIVE = "additive"
    DIAGONAL = "diagonal"
    SCALAR = "scalar"
    COMMUTATIVE = "commutative"
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Products:
    """The terms of Milstein's method: L_first g_(row, second), one a place.

    Attributes:
        rows, first, second: state and motions of each.
        nodes: graph nodes.
    """

    rows: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]
    nodes: tuple[int, ...]


def domain_of(definition: Definition, state: int) -> tuple[float, float]:
    """The ends of a state's domain; infinite where there is none."""
    low, high = definition.states[state].domain or (None, None)
    return -math.inf if low is None else float(low), math.inf if high is None else float(high)


class NoiseKernels:
    """The kernels of one model with noise in the sense of Ito.

    Attributes:
        rows, columns: state and Brownian motion of each entry of the diffusion matrix, by rows.
        motions: Number of Brownian motions.
    """

    def __init__(self, definition: Definition) -> None:
        noise = definition.noise
        assert noise is not None and not noise.stratonovich
        self.definition = definition
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

    @property
    def model(self) -> LoweredModel:
        """States, parameters and observed quantities on the graph."""
        return self._model

    @property
    def diffusion_nodes(self) -> tuple[int, ...]:
        """The entries of the diffusion matrix."""
        return self._diffusion

    @cached_property
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
                    term = self._inside(algebra, state, algebra.mul(node, slopes.nodes[k]))
                    sums[place] = algebra.add(sums[place], term) if place in sums else term
        kept = {place: node for place, node in sums.items() if not algebra.is_zero(node)}
        rows, first, second = zip(*kept, strict=True) if kept else ((), (), ())
        return Products(rows, first, second, tuple(kept.values()))

    def _inside(self, algebra: Algebra, state: int, term: int) -> int:
        """A product with a derivative by a state: none where that is at the end of its domain, beyond which
        coefficients do not change, and at which those such as sqrt(x) have no derivative."""
        graph, node = algebra.graph, self._model.states[state]
        low, high = domain_of(self.definition, state)
        for bound, pair in ((low, (low, None)), (high, (None, high))):
            if math.isfinite(bound):
                ends = [node if one is None else graph.constant(one) for one in pair]
                term = algebra.select(algebra.apply("lt", *ends), term, algebra.zero)
        return term

    @cached_property
    def drift_jacobian(self) -> SparseJacobian:
        """The derivatives of the drift by the states."""
        return jacobian(self._model.graph, self._drift, self._model.states)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of Brownian motions whose Levy area Milstein's method needs: none but of general noise."""
        if self.kind is not NoiseKind.GENERAL:
            return ()
        found = zip(self.products.first, self.products.second, strict=True)
        return tuple(sorted({(min(pair), max(pair)) for pair in found if pair[0] != pair[1]}))

    @cached_property
    def kind(self) -> NoiseKind:
        """The first in the order of `NoiseKind` that the noise is. Discrete variables are none of the states
        that change it: no step does."""
        definition = self.definition
        moving = [
            node
            for node, state in zip(self._model.states, definition.states, strict=True)
            if not state.discrete
        ]
        # discrete variables stand last, so that the places are those of the states
        slopes = jacobian(self._model.graph, self._diffusion, moving)
        if not slopes.indices:
            return NoiseKind.ADDITIVE
        single = len(set(self.rows)) == len(self.rows)
        own = all(
            slopes.indices[k] == row
            for entry, row in enumerate(self.rows)
            for k in range(slopes.indptr[entry], slopes.indptr[entry + 1])
        )
        if single and own and len(set(self.columns)) == len(self.columns):
            return NoiseKind.DIAGONAL
        if len(set(self.columns)) == 1:
            return NoiseKind.SCALAR
        return NoiseKind.COMMUTATIVE if self._commutes() else NoiseKind.GENERAL

    def _commutes(self) -> bool:
        """Whether all products are the same in either order, at random points."""
        graph, found = self._model.graph, self.products
        places = zip(found.rows, found.first, found.second, strict=True)
        nodes = dict(zip(places, found.nodes, strict=True))
        draws = np.random.default_rng(1992)
        inputs = {
            "u": draws.uniform(0.1, 2.0, (len(self.definition.states), POINTS)),
            "p": draws.uniform(0.1, 2.0, (len(self.definition.parameters), POINTS)),
        }
        with np.errstate(all="ignore"):
            values = evaluate(graph, list(found.nodes), draws.uniform(0.1, 2.0, POINTS), inputs)
        zero = np.zeros(POINTS)
        for (row, first, second), node in nodes.items():
            other = nodes.get((row, second, first))
            one, two = values[node] + zero, zero if other is None else values[other] + zero
            if not (np.abs(one - two) <= CLOSE * (np.abs(one) + np.abs(two))).all():
                return False
        return True

    def address(self, name: str) -> int:
        """Address of a kernel: "drift", "diffusion", "both", "milstein" with the products too, or
        "linearised": the drift and its Jacobian."""
        if name not in self._addresses:
            self._addresses[name] = self._compiled(name)
        return self._addresses[name]

    def _compiled(self, name: str) -> int:
        lengths = {"u": len(self.definition.states), "p": len(self.definition.parameters)}
        vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
        kernel = Kernel(name, self.graph, vectors, self.outputs(name))
        return load_ir(ir_module([kernel])).address(name)

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

    def outputs(self, name: str) -> tuple[Output, ...]:
        """What a kernel of `READINGS` computes."""
        drift, diffusion = Output("drift", self._drift), Output("diffusion", self._diffusion)
        if name == MILSTEIN:
            return drift, diffusion, Output("products", self.products.nodes)
        if name == LINEARISED:
            return drift, Output("jacobian", self.drift_jacobian.nodes)
        return {"drift": (drift,), "diffusion": (diffusion,), "both": (drift, diffusion)}[name]
