"""What jumps do as kernels: the new values of the states a jump changes, from the state before it and from
the numbers that are drawn for it.

    effect_j  (t, u, p, noise) -> new values;  1 where the parameters of a distribution are none
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.lower import LoweredModel, Lowering, lower_named
from symde.derive.jump_network import Channel, JumpNetwork
from symde.model.definition import Definition
from symde.model.marks import WrittenOut
from symde.native import load_ir

DRAWS = "noise"
"""The input that holds the numbers drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """The effects of all channels, lists with their starts; int64.

    Attributes:
        kernels: Address of each channel's kernel, 0 where it changes by whole numbers elsewhere.
        target_starts, targets: States that it sets.
        draw_starts, draws: Distributions of its numbers (`symde.model.marks.Draw`).
    """

    kernels: np.ndarray
    target_starts: np.ndarray
    targets: np.ndarray
    draw_starts: np.ndarray
    draws: np.ndarray

    @property
    def most_draws(self) -> int:
        """Numbers of the jump that draws most."""
        return int(np.diff(self.draw_starts).max(initial=0))

    @property
    def most_targets(self) -> int:
        """States of the jump that sets most."""
        return int(np.diff(self.target_starts).max(initial=0))


@dataclass(frozen=True, slots=True)
class Effect:
    """What one channel does, as nodes of a graph.

    Attributes:
        targets: States that it sets.
        values: Their new values.
        draws: Distributions of the numbers drawn, the input `noise`.
        code: The node of what the kernel gives: 1 where a distribution is none; None: always 0.
    """

    targets: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    draws: tuple[int, ...] = ()
    code: int | None = None


class ChannelKernels:
    """The rates of jumps, and what they do.

    Args:
        definition: A model that has what they read.
        network: The jumps.

    Attributes:
        model: The graph.
        rate_nodes: The rates there.
        rates: Address of a kernel (t, u, p) -> rates of all channels.
        constant: Whether no state and no time changes a rate.
        written: What they do, as nodes.
        effects: The same, all of them by kernels.
    """

    def __init__(self, definition: Definition, network: JumpNetwork) -> None:
        model, lowering = lower_named(definition)
        graph = model.graph
        self.model = model
        self.rate_nodes = nodes = tuple(lowering.lower(one.propensity) for one in network.channels)
        read = {vector for vector, _ in graph.inputs_read(nodes)}
        timed = any(graph.op[node] == "time" for node in graph.reachable(nodes))
        self.constant = not timed and read <= {"p"}
        lengths = {"u": len(model.states), "p": len(model.parameters)}
        vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
        kernel = Kernel("rates", graph, vectors, (Output("rates", nodes),))
        self.rates = load_ir(ir_module([kernel])).address(kernel.name)
        self.written = [written_of(definition, model, lowering, one) for one in network.channels]
        self.effects = _compiled(model, self.written)


def effects_of(
    definition: Definition,
    model: LoweredModel,
    lowering: Lowering,
    channels: Sequence[Channel],
) -> Effects | None:
    """The effects of channels, of those that do not change by whole numbers; None where there are none.

    Args:
        definition: The model.
        model, lowering: Its graph, and what lowers expressions into it.
        channels: The channels.
    """
    if not any(one.effects for one in channels):
        return None
    written = [written_of(definition, model, lowering, one) if one.effects else Effect() for one in channels]
    return _compiled(model, written)


def written_of(definition: Definition, model: LoweredModel, lowering: Lowering, channel: Channel) -> Effect:
    """What a channel does, lowered; arguments as of `effects_of`."""
    graph, written = model.graph, WrittenOut()
    functions = {one.name for one in definition.functions} | {one.name for one in definition.externs}
    values = channel.new_values(definition.state_names)
    values = [(i, written.expand(value, functions)) for i, value in values]
    for place, name in enumerate(written.names):
        lowering.scope[name] = graph.input(DRAWS, place)
    nodes = tuple(lowering.lower(value) for _, value in values)
    code = None
    for condition in written.conditions:
        broken = graph.apply("not", lowering.lower(condition))
        code = broken if code is None else graph.apply("or", code, broken)
    return Effect(tuple(i for i, _ in values), nodes, tuple(int(one) for one in written.draws), code)


def _compiled(model: LoweredModel, effects: Sequence[Effect]) -> Effects:
    """Effects as kernels, where they set something."""
    kernels = {}
    for j, one in enumerate(effects):
        if one.targets:
            lengths = {"u": len(model.states), "p": len(model.parameters), DRAWS: len(one.draws)}
            vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
            values = Output("values", one.values)
            kernels[j] = Kernel(f"effect_{j}", model.graph, vectors, (values,), code=one.code)
    addresses = np.zeros(len(effects), dtype=np.int64)
    if kernels:
        library = load_ir(ir_module(list(kernels.values())))
        for j, kernel in kernels.items():
            addresses[j] = library.address(kernel.name)
    return Effects(
        addresses, *_lists([one.targets for one in effects]), *_lists([one.draws for one in effects])
    )


def _lists(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.zeros(len(lists) + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(one) for one in lists])
    return starts, np.array([entry for one in lists for entry in one], dtype=np.int64)
