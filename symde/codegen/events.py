"""Kernels of a model's events (`symde.codegen.event_nodes`).

roots        (t, u, p)          -> values and total time derivatives
doubts       (t, u, p, w)       -> what errors w of the states make of the values
conditions   (t, u, p, sides)   -> 1 or 0 of each `when cond`
effect_j     (t, u, p)          -> the new values of what event j sets, then its delay where it has one
priorities   (t, u, p)          -> of each event
times        (t0, p)            -> all times and periods of `at` and `every`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symde.codegen.derivatives import jacobian
from symde.codegen.event_nodes import READS_PAST, EventNodes
from symde.codegen.graph import Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import Locked
from symde.codegen.past import reads_past
from symde.codegen.root_set import EVENT, SIDES, RootSet
from symde.native import load_ir
from symde.problem.event_plan import EventPlan


class EventKernels:
    """The kernels of a model's events and switches, and what each event is.

    Args:
        model: The model's graph.
        locked: The same with its switches as modes; None: there are none that are locked.

    Attributes:
        count: Number of root functions.
        root_nodes: Node of each in the model's graph.
        floors: Number of floors among what switches.
        ties: Of each, the side on which it counts where it is zero and stays so, 1 or -1; 0: where it was.
        purposes, integers: What each is for, and of a floor the place of its value (`codegen.root_set`).
        exits: Of each the place of the first of its two exits from sliding, 0: it has none.
        groups: Of each the number of the switches that decide together how solutions slide, 0: it is alone.
        rides: Of an event's function that is one of a switch along which solutions slide the place of its
            first exit, negative where the signs differ; 0: it is none.
        root_spans: Where what switches by it stands in the text, None: it switches nothing, or is in no text.
        timed: Of each whether it follows time alone.
        along: Whether `roots` reads u' as the input `direction`, since the right-hand side alone does not
            tell it.
        conditions: Number of conditions.
        times: Number of times and periods.
        plans: What each event is, in the order of the text.
    """

    def __init__(self, model: ModelGraph, locked: Locked | None = None) -> None:
        definition = model.definition
        nodes = EventNodes(model, locked)
        events, graph, roots = definition.events, nodes.graph, nodes.roots
        self.plans: tuple[EventPlan, ...] = nodes.plans
        self.count, self.conditions, self.times = len(roots.roots), len(nodes.conditions), len(nodes.times)
        self.root_nodes = tuple(root.node for root in roots.roots)
        self.floors = roots.floors
        self.ties = tuple(root.tie for root in roots.roots)
        self.purposes = tuple(root.purpose for root in roots.roots)
        self.integers = tuple(root.integer for root in roots.roots)
        self.exits = roots.exits()
        self.groups = tuple(root.group for root in roots.roots)
        self.rides = tuple(root.rides for root in roots.roots)
        self.root_spans = tuple(root.span for root in roots.roots)
        self.timed = roots.timed()
        self.along = model.lowered.mass is not None or model.lowered.delays is not None
        inputs = model.inputs()
        inputs = tuple(Vector(SIDES, self.count) if one.name == SIDES else one for one in inputs)
        kernels = [
            Kernel(f"event_effect_{j}", graph, inputs, (Output("values", nodes.effects[j]),))
            for j, event in enumerate(events)
            if event.effects or event.after is not None
        ]
        if self.count:
            along = model if locked is None else locked.model
            values = Output("g", tuple(root.node for root in roots.roots))
            slopes = Output("slope", nodes.slopes(along))
            kernels.append(Kernel("event_roots", graph, inputs, (values, slopes)))
            inner = any(purpose & ~EVENT for purpose in self.purposes)
            if inner or model.lowered.mass is not None:
                kernels.append(Kernel("event_doubts", graph, inputs, _doubts(model, roots)))
        if self.conditions:
            kernels.append(_truths(graph, inputs, nodes.conditions))
        if nodes.priorities is not None:
            kernels.append(Kernel("event_priorities", graph, inputs, (Output("values", nodes.priorities),)))
        if self.times:
            vectors = tuple(Vector(name, definition_length(definition, name)) for name in INPUTS)
            kernels.append(
                Kernel("event_times", nodes.times_graph, vectors, (Output("times", tuple(nodes.times)),))
            )
        if model.lowered.delays is not None:
            found = [node for kernel in kernels if kernel.graph is graph for node in kernel.roots()]
            if any(reads_past(model.lowered, node) for node in found):
                raise ValueError(READS_PAST)
        self._names = {kernel.name for kernel in kernels}
        self._library = load_ir(ir_module(kernels)) if kernels else None

    def address(self, name: str) -> int:
        """The address of a kernel by name, 0 where there is none."""
        if self._library is None or f"event_{name}" not in self._names:
            return 0
        return self._library.address(f"event_{name}")


def definition_length(definition: Any, name: str) -> int:
    """Length of an input of kernels that read parameters alone."""
    return len(definition.parameters) if name == "p" else 0


def _doubts(model: ModelGraph, roots: RootSet) -> tuple[Output, ...]:
    """How far from zero each function may be for what the states are uncertain by, the input `adjoint`:
    sum_j |dg/du_j| w_j."""
    graph = model.lowered.graph
    entries = jacobian(graph, [root.node for root in roots.roots], model.lowered.states)
    zero, doubts = graph.constant(0.0), []
    for row in range(len(roots.roots)):
        total = zero
        for k in range(entries.indptr[row], entries.indptr[row + 1]):
            weight = graph.input("adjoint", entries.indices[k])
            term = graph.apply("mul", graph.apply("abs", entries.nodes[k]), weight)
            total = term if total == zero else graph.apply("add", total, term)
        doubts.append(total)
    return (Output("doubts", tuple(doubts)),)


def _truths(graph: Graph, inputs: tuple[Vector, ...], nodes: Sequence[int]) -> Kernel:
    one, zero = graph.constant(1.0), graph.constant(0.0)
    values = tuple(graph.apply("select", node, one, zero) for node in nodes)
    return Kernel("event_conditions", graph, inputs, (Output("values", values),))
