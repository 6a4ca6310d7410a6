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


class ChannelKernels:
    """The rates of jumps, and what they do.

    Args:
        definition: A model that has what they read.
        network: The jumps.

    Attributes:
        rates: Address of a kernel (t, u, p) -> rates of all channels.
        constant: Whether no state and no time changes a rate.
        effects: What they do, all of them by kernels.
    """

    def __init__(self, definition: Definition, network: JumpNetwork) -> None:
        model, lowering = lower_named(definition)
        graph = model.graph
        nodes = tuple(lowering.lower(one.propensity) for one in network.channels)
        read = {vector for vector, _ in graph.inputs_read(nodes)}
        timed = any(graph.op[node] == "time" for node in graph.reachable(nodes))
        self.constant = not timed and read <= {"p"}
        lengths = {"u": len(model.states), "p": len(model.parameters)}
        vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
        kernel = Kernel("rates", graph, vectors, (Output("rates", nodes),))
        self.rates = load_ir(ir_module([kernel])).address(kernel.name)
        effects = effects_of(definition, model, lowering, network.channels, every=True)
        assert effects is not None
        self.effects = effects


def effects_of(
    definition: Definition,
    model: LoweredModel,
    lowering: Lowering,
    channels: Sequence[Channel],
    every: bool = False,
) -> Effects | None:
    """The effects of channels; None where none has a kernel.

    Args:
        definition: The model.
        model, lowering: Its graph, and what lowers expressions into it.
        channels: The channels.
        every: Whether those that change by whole numbers have kernels too.
    """
    graph = model.graph
    functions = {one.name for one in definition.functions} | {one.name for one in definition.externs}
    kernels: dict[int, Kernel] = {}
    targets: list[tuple[int, ...]] = []
    draws: list[list[int]] = []
    for j, channel in enumerate(channels):
        if not (channel.effects or every):
            targets.append(())
            draws.append([])
            continue
        written = WrittenOut()
        values = channel.new_values(definition.state_names)
        values = [(i, written.expand(value, functions)) for i, value in values]
        for place, name in enumerate(written.names):
            lowering.scope[name] = graph.input(DRAWS, place)
        nodes = tuple(lowering.lower(value) for _, value in values)
        code = None
        for condition in written.conditions:
            broken = graph.apply("not", lowering.lower(condition))
            code = broken if code is None else graph.apply("or", code, broken)
        lengths = {"u": len(model.states), "p": len(model.parameters), DRAWS: len(written.draws)}
        vectors = tuple(Vector(name, lengths.get(name, 0)) for name in INPUTS)
        kernels[j] = Kernel(f"effect_{j}", graph, vectors, (Output("values", nodes),), code=code)
        targets.append(tuple(i for i, _ in values))
        draws.append([int(one) for one in written.draws])
    if not kernels:
        return None
    library = load_ir(ir_module(list(kernels.values())))
    addresses = np.zeros(len(channels), dtype=np.int64)
    for j, kernel in kernels.items():
        addresses[j] = library.address(kernel.name)
    return Effects(addresses, *_lists(targets), *_lists(draws))


def _lists(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.zeros(len(lists) + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(one) for one in lists])
    return starts, np.array([entry for one in lists for entry in one], dtype=np.int64)
