"""Models with jumps beside differential equations: the `System` of their problems, and what is solved."""

from __future__ import annotations

import dataclasses
from typing import Any

from symde.codegen.effects import ChannelKernels
from symde.codegen.system import ModelKernels
from symde.counting_system import CountingSystem
from symde.derive.jump_network import JumpNetwork
from symde.derive.piecewise import piecewise
from symde.engine.cpu.hazard import HazardMemory
from symde.lowering import ModelSystem
from symde.model.definition import Definition
from symde.problem.system import System
from symde.problem.traits import Traits


class HazardKernels(ModelKernels):
    """The kernels of a model whose last state is the hazard of its jumps and whose last event are these.

    Args:
        definition: The extended model (`symde.derive.piecewise`).
        network: Its jumps.
        locked: As of `ModelKernels`.

    Attributes:
        loop: The compiled loop that carries out jumps.
    """

    loop = "hazard_loop"

    def __init__(self, definition: Definition, network: JumpNetwork, locked: bool = False) -> None:
        super().__init__(definition, locked=locked)
        self.network = network

    @property
    def channels(self) -> ChannelKernels:
        """The kernels of rates and effects."""
        return self._once("channels", lambda: ChannelKernels(self.definition, self.network))

    def lay_out(self, p: int) -> tuple[Any, HazardMemory]:
        """What a session keeps of the jumps: the structure that the loop reads, and its owner."""
        kernels = self.channels
        counted = (*self.network.counted, False)
        alone = len(self.definition.events) == 1
        names = self.network.names
        memory = HazardMemory(kernels.rates, len(names), kernels.effects, counted, alone, p, names)
        return memory.state, memory

    def _events(self) -> Any:
        events: Any = super()._events()
        *others, jump = events.plans
        targets = sorted({i for one in self.network.channels for i in one.targets} | {self.n - 1})
        events.plans = (*others, dataclasses.replace(jump, targets=tuple(targets)))
        events.jump = len(others)
        return events


class HazardSystem(ModelSystem):
    """What is solved: the states and their hazard. Arguments as of `HazardKernels`."""

    def __init__(self, definition: Definition, network: JumpNetwork, locked: bool = False) -> None:
        super().__init__(definition)
        self.kernels = HazardKernels(definition, network, locked)
        self.network = network

    @property
    def traits(self) -> Traits:
        """What the choice of methods must know: steps that end at jumps are too short for methods of many
        orders to be worth their stages."""
        return dataclasses.replace(self.kernels.traits, analytic=False, second_order=False)

    def modes(self) -> HazardSystem:
        """The same with its branches as modes, where it has such."""
        if self.solved is None:
            switches = self.kernels.switches
            self.solved = HazardSystem(self.definition, self.network, locked=True) if switches else self
            self.solved.solved = self.solved
        return self.solved  # type: ignore[return-value]


class PiecewiseSystem(CountingSystem):
    """Jumps beside differential equations: names and values as those of the model.

    Attributes:
        definition: The model.
        inner: What is solved, whose last state is the hazard of the jumps.
    """

    solver = "symde.piecewise"

    unread = (
        "this reads differential equations, and the problem has jumps beside them: follow its paths by "
        "symde.solve and symde.ensemble, and take derivatives of their means by differences between "
        "ensembles of one seed"
    )

    def __init__(self, base: System, definition: Definition) -> None:
        self.definition = definition
        extended, network = piecewise(definition)
        if definition.jumps:
            base = ModelSystem(dataclasses.replace(definition, jumps=(), events=()))
        super().__init__(base, network, network.counted)
        self.inner = HazardSystem(extended, network).modes()
