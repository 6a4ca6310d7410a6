"""States with sensitivity columns as one model's graph: every kernel generated from a graph then serves them.

The states of this model are u (n of them), then S by rows with `width` columns side by side, as the engine
keeps them; its equations are u' = f and S' = J S + [P, 0]. Its code grows with the number of columns, so it
is for what cannot use the columns' own kernels (`symde.codegen.columns`): Taylor series, the halves of
Hamiltonian systems, exponential methods, and whole steps of a few states.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from symde.codegen.algebra import Algebra
from symde.codegen.derivatives import SparseJacobian, jacobian
from symde.codegen.lower import LoweredModel
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition


class WholeGraph(ModelGraph):
    """The graph of a model with its columns.

    Args:
        model: The model alone; its graph grows.
        parameters: Indices of the parameters that have a column, the first ones.
        width: Columns as they lie in memory; those without a parameter have no term of their own.
    """

    def __init__(self, model: ModelGraph, parameters: tuple[int, ...], width: int) -> None:
        self.definition = with_columns(model.definition, width)
        lowered = model.lowered
        partials = jacobian(lowered.graph, lowered.rhs, [lowered.parameters[j] for j in parameters])
        n = len(lowered.states)
        columns = tuple(lowered.graph.input("u", n + k) for k in range(n * width))
        slopes = _slopes(Algebra(lowered.graph), model.jacobian, partials, columns, width)
        self.lowered = LoweredModel(
            lowered.graph, lowered.states + columns, lowered.parameters, lowered.rhs + slopes, ()
        )


def with_columns(definition: Definition, width: int) -> Definition:
    """The definition with a name for each entry of the columns; their equations are in the graph alone."""
    columns = tuple(
        replace(state, name=f"{state.name} column {c}", initial=None, split=None)
        for state in definition.states
        for c in range(width)
    )
    states = tuple(replace(state, split=None) for state in definition.states)
    return replace(definition, states=(*states, *columns), observables=(), invariants=())


def _slopes(
    g: Algebra, entries: SparseJacobian, partials: SparseJacobian, columns: tuple[int, ...], width: int
) -> tuple[int, ...]:
    """Nodes of J S + [P, 0]."""
    slopes = []
    for i in range(len(entries.indptr) - 1):
        own = {
            partials.indices[k]: partials.nodes[k] for k in range(partials.indptr[i], partials.indptr[i + 1])
        }
        for c in range(width):
            total = own.get(c, g.zero)
            for k in range(entries.indptr[i], entries.indptr[i + 1]):
                total = g.add(total, g.mul(entries.nodes[k], columns[entries.indices[k] * width + c]))
            slopes.append(total)
    return tuple(slopes)


class WholeKernels(ModelKernels):
    """The kernels of a model with its columns.

    Attributes:
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
        width: Columns as they lie in memory.
    """

    def __init__(
        self, model: ModelKernels, parameters: tuple[int, ...], width: int, events: Any = None
    ) -> None:
        super().__init__(with_columns(model.definition, width))
        self.has_events, self._with_columns = events is not None, events
        self._model, self._parameters, self.width = model, parameters, width
        self.blocks = ((0, model.n, 1), (model.n, model.n, width))

    @property
    def events(self) -> Any:
        """The model's events with what they make of columns, None where it has none."""
        return self._with_columns

    @property
    def model_graph(self) -> ModelGraph:
        """The graph of states and columns."""
        return self._once("graph", lambda: WholeGraph(self._model.model_graph, self._parameters, self.width))
