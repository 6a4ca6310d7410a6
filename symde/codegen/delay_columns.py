"""A model with delayed values and sensitivity columns as one model of the same kind: the columns have delayed
values of their own, and read the derivatives x'(s) where a delay depends on what they belong to.

    S' = J S + [P, 0] + sum_j df/dd_j (x'(s_j) ds_j + S(s_j))

Before t0 the columns are the derivatives of the history. Where f jumps as a time s passes a discontinuity at
xi, the columns jump by (f- - f+) dxi, with dxi from s(xi, u(xi), p) being the discontinuity's own time.

Source: C. T. H. Baker, C. A. H. Paul, Pitfalls in parameter estimation for delay differential equations, SIAM
J. Sci. Comput. 18 (1997) 305-314; A. Bellen, M. Zennaro (2003), chapter 2, for the discontinuities.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from symde.codegen.algebra import Algebra
from symde.codegen.column_graph import with_columns
from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delays import DELAYED, LoweredDelays, Pair, with_delayed
from symde.codegen.derivatives import Tangent, jacobian, tangents
from symde.codegen.kernel import Kernel, Output
from symde.codegen.lower import LoweredModel
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition, Parameter


class DelayColumnsGraph(DelayGraph):
    """The graph of a model with delayed values and columns.

    Args:
        model: The model alone; its graph grows.
        parameters: Indices of the parameters that have a column, the first ones.
        count: Number of columns.
        width: Columns as they lie in memory; those beyond `count` stay zero.
        combined: Whether there is but one column, along a direction of all these parameters and of the
            initial values: its weights by the parameters follow them as parameters.
    """

    def __init__(
        self, model: DelayGraph, parameters: tuple[int, ...], count: int, width: int, combined: bool = False
    ) -> None:
        self.definition = columns_definition(model.definition, width, combined)
        self._model, self._count, self._width = model, count, width
        lowered, graph = model.lowered, model.lowered.graph
        n = len(lowered.states)
        columns = tuple(graph.input("u", n + k) for k in range(n * width))
        one = graph.constant(1.0)
        self._parameters: dict[int, Tangent] = {
            lowered.parameters[j]: {c: one} for c, j in enumerate(parameters)
        }
        if combined:
            m = len(lowered.parameters)
            self._parameters = {lowered.parameters[j]: {0: graph.input("p", m + j)} for j in parameters}
        self._seeds: dict[int, Tangent] = dict(self._parameters)
        for i, node in enumerate(lowered.states):
            self._seeds[node] = {c: columns[i * width + c] for c in range(count)}
        self._seeds = with_delayed(graph, model.delays, self._seeds, self._own_pairs(), self._slopes())
        slopes = self._slopes_along() if combined else self._column_slopes()
        own = len(self.definition.parameters)
        self.lowered = LoweredModel(
            graph,
            lowered.states + columns,
            tuple(graph.input("p", j) for j in range(own)),
            lowered.rhs + slopes,
            (),
            delays=self._all_delays(columns),
        )

    def _column_slopes(self) -> tuple[int, ...]:
        """S' by the partial derivatives of f: each is made once, and not again for every column."""
        lowered, seeds = self._model.lowered, self._seeds
        g, variables = Algebra(lowered.graph), list(seeds)
        entries = jacobian(lowered.graph, lowered.rhs, variables)
        slopes: list[int] = []
        for row in range(len(lowered.rhs)):
            totals = [g.zero] * self._width
            for k in range(entries.indptr[row], entries.indptr[row + 1]):
                for column, change in seeds[variables[entries.indices[k]]].items():
                    totals[column] = g.add(totals[column], g.mul(entries.nodes[k], change))
            slopes += totals
        return tuple(slopes)

    def _slopes_along(self) -> tuple[int, ...]:
        """S' of the one column there is, without the partial derivatives."""
        graph, zero = self._model.lowered.graph, self._model.lowered.graph.constant(0.0)
        return tuple(row.get(0, zero) for row in tangents(graph, self._model.lowered.rhs, self._seeds))

    def _own_pairs(self) -> dict[int, Tangent]:
        """For each pair of the model the columns of its state at its time, pairs behind the model's own."""
        graph, first = self._model.lowered.graph, len(self._model.delays.pairs)
        return {
            j: {c: graph.input(DELAYED, 2 * (first + j * self._count + c)) for c in range(self._count)}
            for j in range(first)
        }

    def _slopes(self) -> list[int]:
        """For each pair of the model its derivative, a pair too: its own derivative may be wanted."""
        graph, pairs = self._model.lowered.graph, len(self._model.delays.pairs)
        return [graph.input(DELAYED, 2 * (pairs * (1 + self._count) + j)) for j in range(pairs)]

    def _all_delays(self, columns: tuple[int, ...]) -> LoweredDelays:
        own, n = self._model.delays, len(self._model.lowered.states)
        width = self._width
        of_columns = [
            Pair(n + pair.state * width + c, pair.order, pair.time)
            for pair in own.pairs
            for c in range(self._count)
        ]
        slopes = [Pair(pair.state, pair.order + 1, pair.time) for pair in own.pairs]
        return LoweredDelays(
            own.times, (*own.pairs, *of_columns, *slopes), (*own.history, *self._column_histories(columns))
        )

    def _column_histories(self, columns: tuple[int, ...]) -> list[int]:
        """Before t0 a column is the derivative of the history, or its initial value where there is none."""
        model, width = self._model.lowered, self._width
        zero, found = model.graph.constant(0.0), []
        for i, (state, history) in enumerate(zip(model.states, self._model.delays.history, strict=True)):
            if history == state:
                found += columns[i * width : (i + 1) * width]
            else:
                (row,) = tangents(model.graph, [history], self._parameters)
                found += [row.get(c, zero) for c in range(width)]
        return found

    @cached_property
    def jacobian_vector(self) -> tuple[int, ...]:
        """The Jacobian of the states times the direction, for the eigenvalues: the columns' are the same."""
        zero = self.lowered.graph.constant(0.0)
        own = self._model.jacobian_vector
        return (*own, *[zero] * (len(self.lowered.states) - len(own)))

    @cached_property
    def _crossings(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """For each time ds/dt along the solution, whose slope is the input `direction`, and the derivative of
        s at a fixed t by what each column belongs to."""
        graph, model = self._model.lowered.graph, self._model.lowered
        one, zero = graph.constant(1.0), graph.constant(0.0)
        along: dict[int, Tangent] = {
            node: {0: graph.input("direction", i)} for i, node in enumerate(model.states)
        }
        along[graph.time()] = {0: one}
        along = with_delayed(graph, self._model.delays, along, None, self._slopes())
        times = self._model.delays.times
        rates = tuple(row.get(0, zero) for row in tangents(graph, times, along))
        rows = tangents(graph, times, self._seeds)
        return rates, tuple(row.get(c, zero) for row in rows for c in range(self._width))

    def kernel(self, name: str) -> Kernel:
        """A kernel by name; also `crossings`: how times change along the solution, and with the columns."""
        if name == "crossings":
            rates, columns = self._crossings
            outputs = Output("rates", rates), Output("columns", columns)
            return Kernel(name, self.lowered.graph, self.inputs(), outputs)
        return super().kernel(name)


def columns_definition(definition: Definition, width: int, combined: bool) -> Definition:
    """The definition with names for the columns and, where they are combined, for their weights."""
    found = with_columns(definition, width)
    if not combined:
        return found
    weights = tuple(Parameter(f"along {parameter.name}") for parameter in definition.parameters)
    return replace(found, parameters=(*found.parameters, *weights))


class DelayColumnsKernels(ModelKernels):
    """The kernels of a model with delayed values and columns.

    Attributes:
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
        width: Columns as they lie in memory.
        base_n: States without the columns.
    """

    def __init__(
        self, model: ModelKernels, parameters: tuple[int, ...], count: int, width: int, combined: bool = False
    ) -> None:
        super().__init__(columns_definition(model.definition, width, combined))
        self._model, self._parameters, self._count, self._combined = model, parameters, count, combined
        self.width, self.base_n = width, model.n
        self.blocks = ((0, model.n, 1), (model.n, model.n, width)) if width else ((0, model.n, 1),)

    @property
    def model_graph(self) -> ModelGraph:
        """The graph of states and columns."""
        return self._once("graph", self._columns_graph)

    def _columns_graph(self) -> ModelGraph:
        model = self._model.model_graph
        assert isinstance(model, DelayGraph)
        return DelayColumnsGraph(model, self._parameters, self._count, self.width, self._combined)
