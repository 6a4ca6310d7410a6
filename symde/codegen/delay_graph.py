"""A model with delayed values: its derivatives follow them through their times, and what an engine must know.

The derivative of x(s) is x'(s) ds, so a Jacobian by the states has entries where a delay depends on them, and
a time gradient wherever something delayed is read. Delayed values themselves are held: they belong to the
past.

Source: A. Bellen, M. Zennaro, Numerical Methods for Delay Differential Equations (2003), chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symde.codegen.delays import (
    DELAYED,
    LoweredDelays,
    Pair,
    depth_of_times,
    is_constant_lag,
    with_delayed,
)
from symde.codegen.derivatives import SparseJacobian, compressed, directional, tangents, time_gradient
from symde.codegen.kernel import Kernel, Output
from symde.codegen.mass import united
from symde.codegen.model_kernels import ModelGraph

ALONG = 2
"""What `DelayPlan.constant` says of a time at which another solution is read."""


@dataclass(frozen=True, slots=True, eq=False)
class DelayPlan:
    """What an engine must know of delayed values, as numbers.

    Attributes:
        pair_first: Where the pairs of each time begin, and where the last ends, shape (times + 1,).
        place, state, order: For each pair in the order of the times its place in `delayed` (in pairs), its
            state, and how often that is differentiated.
        value, slope: For each such pair, where the outputs of the kernel `histories` have it and its
            derivative.
        constant: 1 where a time is t minus a constant, `ALONG` where it is a constant minus t and another
            solution is read there, else 0, shape (times,).
        levels: How often times are to be evaluated until all are known.
        histories: Number of outputs of `histories`.
        neutral: Whether derivatives are read.
        slopes: Whether the right-hand side reads derivatives of pairs.
    """

    pair_first: np.ndarray
    place: np.ndarray
    state: np.ndarray
    order: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    constant: np.ndarray
    levels: int
    histories: int
    neutral: bool
    slopes: bool


class DelayGraph(ModelGraph):
    """The graph of a model with delayed values."""

    @property
    def delays(self) -> LoweredDelays:
        """Its delayed values."""
        assert self.lowered.delays is not None
        return self.lowered.delays

    @cached_property
    def _jacobian_and_mass(self) -> tuple[SparseJacobian, tuple[int, ...] | None]:
        """The derivative of the right-hand side by the states, through the times of delayed values too."""
        lowered, one = self.lowered, self.lowered.graph.constant(1.0)
        seeds = {node: {column: one} for column, node in enumerate(lowered.states)}
        entries = compressed(
            tangents(lowered.graph, lowered.rhs, with_delayed(lowered.graph, self.delays, seeds))
        )
        if lowered.mass is None:
            return entries, None
        return united(entries, lowered.mass, lowered.graph.constant(0.0))

    @cached_property
    def parameter_jacobian(self) -> SparseJacobian:
        """The derivative of the right-hand side by the parameters, delayed values at fixed times held."""
        lowered, one = self.lowered, self.lowered.graph.constant(1.0)
        seeds = {node: {column: one} for column, node in enumerate(lowered.parameters)}
        return compressed(
            tangents(lowered.graph, lowered.rhs, with_delayed(lowered.graph, self.delays, seeds))
        )

    @cached_property
    def time_gradient(self) -> tuple[int, ...]:
        """The derivative of the right-hand side by t with the states held: delayed values move."""
        return self._along({self.lowered.graph.time(): self.lowered.graph.constant(1.0)}, self.lowered.rhs)

    @cached_property
    def jacobian_vector(self) -> tuple[int, ...]:
        """The Jacobian times the input `direction`."""
        graph = self.lowered.graph
        directions = {node: graph.input("direction", i) for i, node in enumerate(self.lowered.states)}
        return self._along(directions, self.lowered.rhs)

    def _along(self, directions: dict[int, int], roots: Sequence[int]) -> tuple[int, ...]:
        graph = self.lowered.graph
        seeds = with_delayed(graph, self.delays, {node: {0: one} for node, one in directions.items()})
        return tuple(directional(graph, roots, {node: tangent[0] for node, tangent in seeds.items()}))

    @cached_property
    def _histories(self) -> tuple[tuple[int, ...], dict[tuple[int, int], int]]:
        """Nodes of the states and their derivatives before t0, as far as pairs need them; where each is."""
        graph, delays = self.lowered.graph, self.delays
        orders = {pair.state: 1 + pair.order for pair in delays.pairs}
        for pair in delays.pairs:
            orders[pair.state] = max(orders[pair.state], 1 + pair.order)
        nodes: list[int] = []
        places: dict[tuple[int, int], int] = {}
        for state, highest in sorted(orders.items()):
            node = delays.history[state]
            for order in range(highest + 1):
                places[state, order] = len(nodes)
                nodes.append(node)
                (node,) = time_gradient(graph, [node])
        return tuple(nodes), places

    @cached_property
    def plan(self) -> DelayPlan:
        """What an engine must know."""
        graph, delays = self.lowered.graph, self.delays
        chosen = sorted(range(len(delays.pairs)), key=lambda j: delays.pairs[j].time)
        pairs: list[Pair] = [delays.pairs[j] for j in chosen]
        nodes, places = self._histories
        constant = [
            ALONG if time in delays.along else int(is_constant_lag(graph, node))
            for time, node in enumerate(delays.times)
        ]

        def integers(values: Sequence[int]) -> np.ndarray:
            return np.array(values, np.int64)

        return DelayPlan(
            np.searchsorted([pair.time for pair in pairs], np.arange(len(delays.times) + 1)).astype(np.int64),
            integers(chosen),
            integers([pair.state for pair in pairs]),
            integers([pair.order for pair in pairs]),
            integers([places[pair.state, pair.order] for pair in pairs]),
            integers([places[pair.state, pair.order + 1] for pair in pairs]),
            integers(constant),
            depth_of_times(graph, delays),
            len(nodes),
            self.definition.delays is not None and bool(self.definition.delays.slopes),
            self._reads_slopes(self.lowered.rhs),
        )

    @cached_property
    def slopes_of_linearised(self) -> bool:
        """Whether the Jacobian or the time gradient read derivatives of pairs."""
        return self._reads_slopes((*self.jacobian.nodes, *self.time_gradient))

    @cached_property
    def slopes_of_product(self) -> bool:
        """Whether the Jacobian times a direction reads derivatives of pairs."""
        return self._reads_slopes(self.jacobian_vector)

    def _reads_slopes(self, nodes: Sequence[int]) -> bool:
        read = self.lowered.graph.inputs_read(nodes)
        return any(vector == DELAYED and index % 2 for vector, index in read)

    def kernel(self, name: str) -> Kernel:
        """A kernel by name; also `delay_times`, the times s, and `histories`, what was before t0."""
        graph = self.lowered.graph
        if name == "delay_times":
            return Kernel(name, graph, self.inputs(), (Output("times", self.delays.times),))
        if name == "histories":
            return Kernel(name, graph, self.inputs(), (Output("histories", self._histories[0]),))
        return super().kernel(name)
