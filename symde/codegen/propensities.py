"""The propensities of a jump process: constants of mass action as numbers, all else as compiled kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symde.codegen.effects import Effects, effects_of
from symde.codegen.evaluate import evaluate
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.lower import lower_named
from symde.derive.jump_network import Channel, JumpNetwork
from symde.model.definition import Definition
from symde.native import load_ir


@dataclass(frozen=True, slots=True)
class Propensity:
    """How a propensity is computed.

    Attributes:
        node: of the rate constant, or of the whole propensity.
        divisor: n! of each reactant multiplied, by which the rate constant is divided.
        reactants: index and number of what mass action takes; None for a kernel.
        reads: indices of the states it depends on.
    """

    node: int
    divisor: float
    reactants: tuple[tuple[int, int], ...] | None
    reads: frozenset[int]


class TimedRateError(ValueError):
    """A rate changes between events."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(f"the rate of {channel.words} depends on the time")


class PropensityKernels:
    """The propensities of one network.

    Attributes:
        table: one for each channel of the network.

    Raises:
        TimedRateError: a propensity depends on the time.
        ValueError: one reads what a jump process lacks.
    """

    def __init__(self, definition: Definition, network: JumpNetwork) -> None:
        self.definition = definition
        self._model, self._lowering = lower_named(definition)
        self._channels = network.channels
        self.table = tuple(map(self._propensity, network.channels))

    def _propensity(self, channel: Channel) -> Propensity:
        graph = self._model.graph
        constant, whole = map(self._lowering.lower, (channel.rate, channel.propensity))
        states, timed = self._dependence(constant)
        others = {vector for vector, _ in graph.inputs_read([whole])} - {"u", "p"}
        if others:
            raise ValueError(f"the rate of {channel.words} reads what a jump process lacks: {min(others)}")
        if timed:
            raise TimedRateError(channel)
        if channel.reactants is not None and not states:
            divisor = math.prod(math.factorial(count) for _, count in channel.reactants)
            reads = frozenset(i for i, _ in channel.reactants)
            return Propensity(constant, float(divisor), channel.reactants, reads)
        reads = frozenset(i for vector, i in graph.inputs_read([whole]) if vector == "u")
        return Propensity(whole, 1.0, None, reads)

    def _dependence(self, node: int) -> tuple[bool, bool]:
        """Whether a node depends on states, and on the time."""
        graph = self._model.graph
        reads = any(vector == "u" for vector, _ in graph.inputs_read([node]))
        return reads, any(graph.op[one] == "time" for one in graph.reachable([node]))

    def rates(self, p: np.ndarray) -> np.ndarray:
        """The rate constants of mass action with n! divided out, shape (m,); 0 for kernels."""
        nodes = [one.node for one in self.table if one.reactants is not None]
        values = evaluate(self._model.graph, nodes, 0.0, {"p": p}) if nodes else {}
        numbers = (0.0 if one.reactants is None else values[one.node] / one.divisor for one in self.table)
        return np.array([float(one) for one in numbers])

    def value(self, j: int, u: np.ndarray, p: np.ndarray) -> float:
        """A propensity, by the graph's interpreter."""
        one = self.table[j]
        with np.errstate(all="ignore"):
            value = np.float64(evaluate(self._model.graph, [one.node], 0.0, {"u": u, "p": p})[one.node])
            for i, count in one.reactants or ():
                for k in range(count):
                    value *= (u[i] - k) / (k + 1.0)
        return float(value)

    @cached_property
    def effects(self) -> Effects | None:
        """What channels do by anything but whole numbers."""
        return effects_of(self.definition, self._model, self._lowering, self._channels)

    @cached_property
    def addresses(self) -> np.ndarray:
        """The address of each kernel, 0 for mass action: int64, shape (m,)."""
        graph, definition = self._model.graph, self.definition
        lengths = {"u": len(definition.states), "p": len(definition.parameters)}
        vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
        kernels = {
            j: Kernel(f"propensity_{j}", graph, vectors, (Output("propensity", (one.node,)),))
            for j, one in enumerate(self.table)
            if one.reactants is None
        }
        addresses = np.zeros(len(self.table), dtype=np.int64)
        if kernels:
            library = load_ir(ir_module(list(kernels.values())))
            for j, kernel in kernels.items():
                addresses[j] = library.address(kernel.name)
        return addresses
