"""Adjoint equations of a model with constant delays as a model with delays itself, in reversed time r = -t:

    dl/dr = J(t)' l(r) + sum_k B_k(t + tau_k)' l(r - tau_k),      B_k = df/dx(t - tau_k)
    dq/dr = P(t)' l,      dh_i/dr = sum_k (B_k(t)' l)_i  while t - tau_k lies before t0

l is the derivative of a loss by the state at t, q sums up that by the parameters, those of the history
included, and h that by initial values which are the history too. What J, B and P read of the forward
solution, at t and at t + tau_k, are delayed values that an engine looks up in a kept solution: of states n +
i, where n is the number of states here, and of one more, which is 1 before t0 and 0 after.

Source: A. Bellen, M. Zennaro (2003), chapter 10, for adjoint problems; C. T. H. Baker, G. A. Bocharov,
Computational aspects of time-lag models, Russian Journal of Numerical Analysis and Mathematical Modelling 20
(2005), for the equations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symde.codegen.algebra import Algebra
from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delays import DELAYED, LoweredDelays, Pair
from symde.codegen.derivatives import SparseJacobian, jacobian, tangents
from symde.codegen.graph import LEAVES, Graph
from symde.codegen.lower import LoweredModel
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition, Parameter, State

Leaf = Callable[[str, tuple[str, int] | None], int]
"""The node that stands for a leaf (operation, what it reads) of another graph."""


def copied(source: Graph, target: Graph, roots: tuple[int, ...], leaf: Leaf) -> tuple[int, ...]:
    """Nodes of a graph in another one, with other leaves."""
    found: dict[int, int] = {}
    for node in source.reachable(roots):
        op = source.op[node]
        if op == "const":
            found[node] = target.constant(source.value[node])
        elif op in LEAVES:
            found[node] = leaf(op, source.value[node])
        else:
            found[node] = target.apply(op, *(found[argument] for argument in source.args[node]))
    return tuple(found[root] for root in roots)


class DelayAdjointGraph(DelayGraph):
    """The graph of a model's adjoint equations.

    Args:
        model: The model; its delays are constant, and it reads no delayed derivatives.

    Attributes:
        shared: The states whose history is their initial value.
    """

    def __init__(self, model: DelayGraph) -> None:
        self._model = model
        base = model.lowered
        self.shared = shared_states(model)
        n, m = len(base.states), len(base.parameters)
        self._n, self._m, self._first = n, m, n + m + len(self.shared)
        self.definition = adjoint_definition(model.definition, len(self.shared))
        graph = self._graph = Graph()
        self._times: list[int] = []
        self._kept_times: set[int] = set()
        self._pairs: dict[Pair, int] = {}
        self._parameters = tuple(graph.input("p", j) for j in range(m + 1 + n))
        self._lags = self._delays()
        rhs = self._right_hand_side()
        states = tuple(graph.input("u", i) for i in range(self._first))
        delays = LoweredDelays(
            tuple(self._times), tuple(self._pairs), self._histories_of(), frozenset(self._kept_times)
        )
        self.lowered = LoweredModel(graph, states, self._parameters, rhs, (), delays=delays)

    def _delays(self) -> list[int]:
        """tau_k = -s_k at t = 0."""
        graph, zero = self._graph, self._graph.constant(0.0)

        def leaf(op: str, value: tuple[str, int] | None) -> int:
            return zero if value is None else self._parameters[value[1]]

        times = self._model.delays.times
        return [graph.apply("neg", one) for one in copied(self._model.lowered.graph, graph, times, leaf)]

    def _pair(self, state: int, order: int, time: int, along: bool) -> int:
        """The value of a pair at a time."""
        if time not in self._times:
            self._times.append(time)
        place = self._times.index(time)
        if along:
            self._kept_times.add(place)
        index = self._pairs.setdefault(Pair(state, order, place), len(self._pairs))
        return self._graph.input(DELAYED, 2 * index)

    def _time(self, later: int | None, earlier: int | None) -> int:
        """t, later by one delay and earlier by another."""
        graph = self._graph
        if later == earlier:
            offset = graph.constant(0.0)
        elif earlier is None:
            offset = self._lags[later or 0]
        elif later is None:
            offset = graph.apply("neg", self._lags[earlier])
        else:
            offset = graph.apply("sub", self._lags[later], self._lags[earlier])
        return graph.apply("sub", offset, graph.time())

    def _at(self, nodes: tuple[int, ...], later: int | None) -> tuple[int, ...]:
        """Nodes of the model at t, or later by a delay, along the kept solution."""
        pairs = self._model.delays.pairs

        def leaf(op: str, value: tuple[str, int] | None) -> int:
            if value is None:
                return self._time(later, None)
            vector, index = value
            if vector == "p":
                return self._parameters[index]
            if vector == "u":
                return self._pair(self._first + index, 0, self._time(later, None), True)
            pair = pairs[index // 2]
            time = self._time(later, pair.time)
            return self._pair(self._first + pair.state, pair.order + index % 2, time, True)

        return copied(self._model.lowered.graph, self._graph, nodes, leaf)

    def _right_hand_side(self) -> tuple[int, ...]:
        model, g, n = self._model, Algebra(self._graph), self._n
        base, pairs = model.lowered, model.delays.pairs
        adjoints = [self._graph.input("u", i) for i in range(n)]
        slopes = [g.zero] * n

        def add(
            totals: list[int], columns: list[int], entries: SparseJacobian, at: tuple[int, ...], by: list[int]
        ):
            for row in range(len(entries.indptr) - 1):
                for k in range(entries.indptr[row], entries.indptr[row + 1]):
                    place = columns[entries.indices[k]]
                    totals[place] = g.add(totals[place], g.mul(at[k], by[row]))

        by_states = jacobian(base.graph, base.rhs, base.states)
        add(slopes, list(range(n)), by_states, self._at(by_states.nodes, None), adjoints)
        delayed = [base.graph.input(DELAYED, 2 * j) for j in range(len(pairs))]
        graph = self._graph
        for time in range(len(model.delays.times)):
            own = [j for j in range(len(pairs)) if pairs[j].time == time]
            entries = jacobian(base.graph, base.rhs, [delayed[j] for j in own])
            late = graph.apply("sub", graph.time(), self._lags[time])
            before = [self._pair(i, 0, late, False) for i in range(n)]
            add(slopes, [pairs[j].state for j in own], entries, self._at(entries.nodes, time), before)
        parameters = model.parameter_jacobian
        sums = [g.zero] * self._m
        add(sums, list(range(self._m)), parameters, self._at(parameters.nodes, None), adjoints)
        return (*slopes, *self._with_history(g, sums, delayed, adjoints))

    def _with_history(
        self, g: Algebra, sums: list[int], delayed: list[int], adjoints: list[int]
    ) -> tuple[int, ...]:
        """The sums by the parameters with those through the history, and the sums by initial values that are
        history."""
        base, pairs, delays = self._model.lowered, self._model.delays.pairs, self._model.delays
        shared = [g.zero] * len(self.shared)
        half = g.constant(0.5)
        entries = jacobian(base.graph, base.rhs, delayed)
        values = self._at(entries.nodes, None)
        totals = [g.zero] * len(pairs)
        for row in range(self._n):
            for k in range(entries.indptr[row], entries.indptr[row + 1]):
                j = entries.indices[k]
                totals[j] = g.add(totals[j], g.mul(values[k], adjoints[row]))
        seeds = {node: {j: base.graph.constant(1.0)} for j, node in enumerate(base.parameters)}
        for j, pair in enumerate(pairs):
            time = self._time(None, pair.time)
            before = g.apply("lt", half, self._pair(self._first + self._n, 0, time, True))
            if pair.state in self.shared:
                place = self.shared.index(pair.state)
                shared[place] = g.add(shared[place], g.select(before, totals[j], g.zero))
                continue
            (row,) = tangents(base.graph, [delays.history[pair.state]], seeds)
            changes = copied(base.graph, self._graph, tuple(row.values()), lambda op, value, at=time: (
                at if value is None else self._parameters[value[1]]
            ))  # fmt: skip
            for column, change in zip(row, changes, strict=True):
                sums[column] = g.add(sums[column], g.select(before, g.mul(totals[j], change), g.zero))
        return (*sums, *shared)

    def _histories_of(self) -> tuple[int, ...]:
        """Before the adjoint equations begin all is 0; the model's own past; 1 before t0."""
        graph, base = self._graph, self._model
        zero, m = graph.constant(0.0), self._m

        def leaf(op: str, value: tuple[str, int] | None) -> int:
            if value is None:
                return graph.time()
            vector, index = value
            return self._parameters[index if vector == "p" else m + 1 + index]

        past = copied(base.lowered.graph, graph, base.delays.history, leaf)
        return (*[zero] * self._first, *past, graph.constant(1.0))


def shared_states(model: DelayGraph) -> tuple[int, ...]:
    """States that are read at other times and whose history is their initial value."""
    read = sorted({pair.state for pair in model.delays.pairs})
    return tuple(i for i in read if model.delays.history[i] == model.lowered.states[i])


def adjoint_definition(definition: Definition, shared: int) -> Definition:
    """Names for the adjoint states, the sums, and what is read beside the parameters."""
    n = len(definition.states)
    count = n + len(definition.parameters) + shared
    states = tuple(State(f"adjoint {i}", definition.states[0].derivative) for i in range(count))
    extra = tuple(Parameter(f"start {i}") for i in range(n + 1))
    return replace(
        definition, states=states, parameters=(*definition.parameters, *extra), observables=(), events=()
    )


class DelayAdjointKernels(ModelKernels):
    """The kernels of a model's adjoint equations.

    Attributes:
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
        base_n: Adjoint states.
    """

    def __init__(self, model: ModelKernels) -> None:
        graph = model.model_graph
        assert isinstance(graph, DelayGraph)
        self._base = graph
        super().__init__(adjoint_definition(model.definition, len(shared_states(graph))))
        self.base_n = model.n
        sums = self.n - model.n  # none without parameters and initial values that are history
        self.blocks = ((0, model.n, 1), (model.n, sums, 1)) if sums else ((0, model.n, 1),)

    @property
    def model_graph(self) -> ModelGraph:
        """The graph of the adjoint equations."""
        return self._once("graph", lambda: DelayAdjointGraph(self._base))
