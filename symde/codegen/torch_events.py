"""A model's events as a Python class for torch: functions of many points at once, the points last.

    roots(t, u, p, modes)        values of the root functions
    watched(t, u, p, modes)      those, then their total time derivatives
    conditions(t, u, p, modes)   1 or 0 of each `when cond`
    effects[j](t, u, p)          the new values of what event j sets, then its delay where it has one
    priorities(t, u, p)          of each event
    times(t0, p)                 all times and periods of `at` and `every`

`modes` are the sides of zero of the root functions, shape (number of roots, B), and behind them the values of
floors. What is read of states, parameters and time can be differentiated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symde.codegen.event_nodes import EventNodes
from symde.codegen.expressions import Dialect, Scope, Temporary, statements
from symde.codegen.graph import CALL, Graph
from symde.codegen.guarding import guarded
from symde.codegen.layout import folded, listed
from symde.codegen.root_set import INTEGERS, SIDES, Root
from symde.codegen.source import ModelSource, Routine, model_source
from symde.codegen.torch_printer import TORCH_RESERVED, TorchDialect, helpers_of, row_of
from symde.model.definition import Definition
from symde.problem.event_plan import EventPlan


@dataclass(frozen=True, slots=True)
class TorchEvents:
    """The printed events of a model, and what each is.

    Attributes:
        text: Source that defines a class `Events`, made from the module of the right-hand side.
        plans: What each event is, in the order of the text.
        roots: The root functions.
        floors: Number of floors whose values follow the sides in `modes`.
        times: Number of known times and periods.
        conditions: Number of conditions.
        ranked: Whether events have priorities.
        timed: Of each root function whether it follows time alone.
    """

    text: str
    plans: tuple[EventPlan, ...]
    roots: tuple[Root, ...]
    floors: int
    times: int
    conditions: int
    ranked: bool
    timed: tuple[bool, ...]


def torch_events(definition: Definition) -> TorchEvents:
    """The events of a model, printed for torch."""
    source = model_source(definition, TORCH_RESERVED | {"modes"})
    nodes = EventNodes(source.model)
    graph, roots = nodes.graph, tuple(nodes.roots.roots)
    dialect = TorchDialect([one.name for one in source.externs])
    printer = _Printer(source, dialect, len(roots))
    values = tuple(one.node for one in roots)
    lines: list[str] = []
    if roots:
        lines += printer.method("roots", _STATE, graph, values, "Values of the root functions")
        if not any(graph.op[one] == CALL for one in graph.reachable(values)):
            both = (*values, *nodes.slopes(source.model))
            lines += printer.method("watched", _STATE, graph, both, "Those, and their time derivatives")
    if nodes.conditions:
        one, zero = graph.constant(1.0), graph.constant(0.0)
        truths = tuple(graph.apply("select", node, one, zero) for node in nodes.conditions)
        lines += printer.method("conditions", _STATE, graph, truths, "1 or 0 of each condition")
    for j, effect in enumerate(nodes.effects):
        if effect:
            lines += printer.method(f"effect_{j}", _STATE[:3], graph, effect, f"What event {j + 1} sets")
    if nodes.priorities is not None:
        lines += printer.method("priorities", _STATE[:3], graph, nodes.priorities, "Priority of each event")
    if nodes.times:
        known = tuple(nodes.times)
        lines += printer.method("times", ("t", "p"), nodes.times_graph, known, "Times and periods, of t0")
    text = ["import torch", *helpers_of(dialect), "", "", *_opening(source), *lines, ""]
    return TorchEvents(
        "\n".join(text),
        nodes.plans,
        roots,
        nodes.roots.floors,
        len(nodes.times),
        len(nodes.conditions),
        nodes.priorities is not None,
        nodes.roots.timed(),
    )


_STATE = ("t", "u", "p", "modes")


def _opening(source: ModelSource) -> list[str]:
    lines = ["class Events:", '    """What the events of the model read and do."""', ""]
    lines += ["    def __init__(self, rhs):"]
    return [*lines, "        self.called = rhs.called" if source.externs else "        pass"]


class _Printer:
    """Prints functions of points as methods."""

    def __init__(self, source: ModelSource, dialect: Dialect, roots: int) -> None:
        self._source, self._dialect, self._roots = source, dialect, roots

    def method(
        self, name: str, arguments: Sequence[str], graph: Graph, nodes: Sequence[int], meaning: str
    ) -> list[str]:
        """A method that gives rows, one for each node."""
        source = self._source
        graph, roots = guarded(graph, tuple(nodes))
        routine = Routine(graph, roots)
        scope = self._scope(routine)
        names = [source.names.fresh(f"{name}{k}") for k in range(len(roots))]
        like = "u[0]" if "u" in arguments else "t"
        lines = ["", f"    def {name}(self, {', '.join(arguments)}):", f'        """{meaning}."""']
        lines += [f"        like = {like}"]
        for key in sorted(graph.inputs_read(roots)):
            lines.append(f"        {scope.inputs[key]} = {self._element(*key)}")
        for statement in statements(graph, roots, self._dialect, scope):
            target = statement.name if isinstance(statement, Temporary) else names[statement.position]
            lines += folded(f"        {target} = ", statement.text, "", ("(", ")"))
        parts = [row_of(routine, one, root) for one, root in zip(names, roots, strict=True)]
        return [*lines, *listed("        return torch.stack([", parts, "])")]

    def _scope(self, routine: Routine) -> Scope:
        scope = self._source.scope(routine)
        inputs = dict(scope.inputs)
        for vector, index in routine.graph.inputs_read(routine.roots):
            if vector == SIDES:
                inputs[vector, index] = f"modes_{self._place(index)}"
        return replace(scope, inputs=inputs)

    def _place(self, index: int) -> int:
        return index if index < INTEGERS else self._roots + index - INTEGERS

    def _element(self, vector: str, index: int) -> str:
        return f"modes[{self._place(index)}]" if vector == SIDES else f"{vector}[{index}]"
