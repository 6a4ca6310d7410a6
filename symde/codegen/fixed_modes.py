"""A model whose branches are modes (`symde.codegen.modes`) as one that is smooth: the modes are parameters.

They follow the model's own parameters, sides first, then the values of floors. Between two moments at which a
branch changes any strategy differentiates this model like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symde.codegen.graph import Graph
from symde.codegen.mass import reduce_mass
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import replaced_inputs
from symde.codegen.root_set import INTEGERS, SIDES
from symde.codegen.system import ModelKernels
from symde.model.definition import Definition, Parameter


def with_modes(definition: Definition, count: int) -> Definition:
    """The definition without events and with so many parameters more."""
    more = tuple(Parameter(f"mode {k}") for k in range(count))
    return replace(definition, events=(), parameters=(*definition.parameters, *more))


class FixedModes(ModelKernels):
    """The kernels of a model between two changes of its branches.

    Args:
        model: The kernels of the model with its branches as modes.
        divided: Whether M u' = f is solved for derivatives as far as M alone allows.

    Attributes:
        sides, floors: How many modes are sides of root functions, and how many values of floors.
    """

    def __init__(self, model: ModelKernels, divided: bool = False) -> None:
        events = model.events
        assert events is not None
        self.sides, self.floors = events.count, events.floors
        super().__init__(with_modes(model.definition, self.sides + self.floors), divided)
        self._model, self._own = model, len(model.definition.parameters)

    def _graph(self) -> ModelGraph:
        lowered = self._model.lowered
        graph = lowered.graph
        modes = tuple(graph.input("p", self._own + k) for k in range(self.sides + self.floors))
        rhs = tuple(self.fixed(graph, lowered.rhs))
        mass = lowered.mass
        if self._divided and mass is not None:
            entries = [(i, column, node) for i, row in enumerate(mass) for column, node in row]
            reduced = reduce_mass(graph, entries, rhs, self._own, divided=True)
            rhs, mass = reduced.rhs, reduced.rows
        own = replace(lowered, parameters=(*lowered.parameters, *modes), rhs=rhs, mass=mass, observables=())
        definition = replace(self.definition, observables=())
        return ModelGraph(definition, lowered=own)

    def _divided_kernels(self) -> ModelKernels:
        return FixedModes(self._model, divided=True)

    def fixed(self, graph: Graph, nodes: Sequence[int]) -> list[int]:
        """Nodes of the model that read its modes as ones that read parameters."""

        def of_parameter(vector: str, place: int) -> int | None:
            if vector != SIDES:
                return None
            return graph.input(
                "p", self._own + (place if place < INTEGERS else self.sides + place - INTEGERS)
            )

        return replaced_inputs(graph, nodes, of_parameter)
