"""Products of row vectors with the derivatives of a model with delayed values, for its discrete adjoint.

A product gives what a number changes by with the states, the parameters and every delayed value, each at a
fixed time: how these times follow states, parameters and other delayed values is taken along, so that what is
left of a delayed value belongs to the past alone. Products of second derivatives read the derivatives of
delayed values, and give what the number changes by with these too.

Source: A. Griewank, A. Walther, Evaluating Derivatives (2008), chapter 3, for the reverse sweep; A. Bellen,
M. Zennaro, Numerical Methods for Delay Differential Equations (2003), chapter 3, for derivatives of x(s).
"""

from __future__ import annotations

from functools import cached_property

from symde.codegen.adjoints import AdjointGraph, AdjointKernels
from symde.codegen.algebra import Algebra
from symde.codegen.delay_graph import DelayGraph
from symde.codegen.delays import DELAYED, LoweredDelays, slope_of, with_delayed
from symde.codegen.derivatives import adjoint, tangents, time_gradient
from symde.codegen.kernel import Kernel, Output


class DelayProductsGraph(AdjointGraph):
    """A model's graph with products; outputs `by_values` and `by_slopes` have an element for each pair in the
    order of `delayed`. The second derivative of pair j is the input 2P + j of `delayed`, P their number."""

    @property
    def _delayed_model(self) -> DelayGraph:
        assert isinstance(self.model, DelayGraph)
        return self.model

    @property
    def _delays(self) -> LoweredDelays:
        return self._delayed_model.delays

    @property
    def _values(self) -> list[int]:
        graph = self.model.lowered.graph
        return [graph.input(DELAYED, 2 * j) for j in range(len(self._delays.pairs))]

    @property
    def _slopes(self) -> list[int]:
        graph = self.model.lowered.graph
        return [slope_of(graph, j) for j in range(len(self._delays.pairs))]

    def _by_states_and_parameters(self, roots: tuple[int, ...]) -> tuple[Output, ...]:
        lowered = self.model.lowered
        variables = (*lowered.states, *lowered.parameters, *self._values, *self._slopes)
        nodes = adjoint(lowered.graph, roots, self._weights, variables)
        n, m, pairs = len(lowered.states), len(lowered.parameters), len(self._delays.pairs)
        held, slopes = nodes[: n + m + pairs], nodes[n + m + pairs :]
        return (
            *self._with_times(held, self._of_times(held[n + m :], slopes)),
            Output("by_slopes", tuple(slopes)),
        )

    def _of_times(self, values: list[int], slopes: list[int]) -> list[int]:
        """What pairs give to their times."""
        graph = self.model.lowered.graph
        g, pairs = Algebra(graph), self._delays.pairs
        totals = [g.zero] * len(self._delays.times)
        for j, pair in enumerate(pairs):
            curvature = graph.input(DELAYED, 2 * len(pairs) + j)
            for weight, rate in ((values[j], self._slopes[j]), (slopes[j], curvature)):
                if not g.is_zero(weight):
                    totals[pair.time] = g.add(totals[pair.time], g.mul(weight, rate))
        return totals

    def _with_times(self, held: list[int], of_times: list[int]) -> tuple[Output, ...]:
        """Totals by states, parameters and values, from those with times held and those by the times: the
        last ones first, since a time may read values at earlier ones."""
        lowered, delays = self.model.lowered, self._delays
        g, totals, weights = Algebra(lowered.graph), list(held), list(of_times)
        n, m = len(lowered.states), len(lowered.parameters)
        variables = (*lowered.states, *lowered.parameters, *self._values)
        for time in reversed(range(len(delays.times))):
            if g.is_zero(weights[time]):
                continue
            found = adjoint(lowered.graph, [delays.times[time]], [weights[time]], variables)
            totals = [g.add(total, more) for total, more in zip(totals, found, strict=True)]
            for j, pair in enumerate(delays.pairs):
                if not g.is_zero(found[n + m + j]):
                    more = g.mul(found[n + m + j], self._slopes[j])
                    weights[pair.time] = g.add(weights[pair.time], more)
        return (
            Output("by_states", tuple(totals[:n])),
            Output("by_parameters", tuple(totals[n : n + m])),
            Output("by_values", tuple(totals[n + m :])),
        )

    def kernel(self, name: str) -> Kernel:
        """As `AdjointGraph`, with delayed values. `adjoint_times`: w'(times), w having an element for each of
        them. `adjoint_histories`: derivatives of w'(outputs of `histories`) by the initial state and the
        parameters. `history_curvatures`: for each pair the second derivative of what was before t0.
        `rates`: ds/dt of each time along the solution, whose slope is the input `direction`."""
        return super().kernel(name)

    def _outputs(self, name: str) -> tuple[Output, ...]:
        if name == "adjoint_curvature":
            return self._by_states_and_parameters(self.model.jacobian_vector)
        if name == "adjoint_times":
            return self._product_of_times()
        if name == "adjoint_histories":
            return self._product_of_histories()
        if name == "history_curvatures":
            return (Output(name, self._curvatures),)
        if name == "rates":
            return (Output(name, self._rates),)
        return super()._outputs(name)

    def _product_of_times(self) -> tuple[Output, ...]:
        lowered = self.model.lowered
        count = len(lowered.states) + len(lowered.parameters) + len(self._delays.pairs)
        weights = [lowered.graph.input("adjoint", k) for k in range(len(self._delays.times))]
        zero = lowered.graph.constant(0.0)
        slopes = Output("by_slopes", (zero,) * len(self._delays.pairs))
        return (*self._with_times([zero] * count, weights), slopes)

    def _product_of_histories(self) -> tuple[Output, ...]:
        lowered = self.model.lowered
        roots = self._delayed_model.history_nodes
        weights = [lowered.graph.input("adjoint", i) for i in range(len(roots))]
        nodes = adjoint(lowered.graph, roots, weights, (*lowered.states, *lowered.parameters))
        n = len(lowered.states)
        return Output("by_states", tuple(nodes[:n])), Output("by_parameters", tuple(nodes[n:]))

    @cached_property
    def _curvatures(self) -> tuple[int, ...]:
        graph, found = self.model.lowered.graph, []
        for pair in self._delays.pairs:
            node = self._delays.history[pair.state]
            for _ in range(pair.order + 2):
                (node,) = time_gradient(graph, [node])
            found.append(node)
        return tuple(found)

    @cached_property
    def _rates(self) -> tuple[int, ...]:
        lowered, graph = self.model.lowered, self.model.lowered.graph
        along = {node: {0: graph.input("direction", i)} for i, node in enumerate(lowered.states)}
        along[graph.time()] = {0: graph.constant(1.0)}
        zero = graph.constant(0.0)
        rows = tangents(graph, self._delays.times, with_delayed(graph, self._delays, along))
        return tuple(row.get(0, zero) for row in rows)

    def reads(self, name: str, count: int) -> bool:
        """Whether a kernel reads derivatives of pairs (count 1) or second ones (count 2)."""
        kernel, pairs = self.kernel(name), len(self._delays.pairs)
        read = [i for vector, i in kernel.graph.inputs_read(kernel.roots()) if vector == DELAYED]
        if count == 2:
            return any(i >= 2 * pairs for i in read)
        return any(i < 2 * pairs and i % 2 for i in read)


class DelayProductKernels(AdjointKernels):
    """The compiled products of a model with delayed values."""

    def __init__(self, model: DelayGraph) -> None:
        super().__init__(model)
        self._graph = DelayProductsGraph(model)

    def reads_slopes(self, name: str) -> bool:
        """Whether a kernel reads derivatives of delayed values."""
        return self._graph.reads(name, 1)

    def reads_curvatures(self, name: str) -> bool:
        """Whether a kernel reads second derivatives of delayed values."""
        return self._graph.reads(name, 2)
