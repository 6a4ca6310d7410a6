"""Events of a model as nodes of its graph: what changes sign when something happens, and what happens.

A condition is a boolean function of comparisons. Of each comparison a < b the difference b - a is a root
function, and the condition is evaluated from the sides of zero on which its functions are: at a root the sign
of a value is rounding. Comparisons of what only events change are evaluated as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symde.codegen.derivatives import directional
from symde.codegen.event_scope import lower_times, lowering_of
from symde.codegen.graph import Graph
from symde.codegen.lower import Lowering
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import Locked
from symde.codegen.root_set import EVENT, SIDES, RootSet
from symde.diagnostics import Diagnostic, ModelError
from symde.language.syntax import Expr
from symde.model.events import BOTH, At, Crossing, Every, ModelEvent, When, map_expressions
from symde.model.walk import calls
from symde.problem.event_plan import EventPlan

READS_PAST = (
    "events that read delayed values are not solved by this version: let them read states, or a state that "
    "follows the delayed value closely, `y' = (x(t - tau) - y)/short`"
)


class _Conditions:
    """Conditions of events, whose comparisons are read from the sides of root functions."""

    def __init__(self, roots: RootSet, locked: Callable[[int], int]) -> None:
        self.roots, self.graph, self._locked = roots, roots.graph, locked
        self._known: dict[int, int] = {}

    def crossing(self, node: int) -> int:
        """The place of the root function of a crossing."""
        value = self._locked(node)
        if not self.roots.moves(value) or self.graph.op[node] == "mod":
            raise ModelError([jumps_only(self.graph.span[node])])
        return self.roots.crossing(value)

    def condition(self, node: int) -> int:
        """A truth value with its comparisons read from the sides."""
        graph = self.graph
        for one in graph.reachable([node]):
            if one in self._known:
                continue
            op, args = graph.op[one], graph.args[one]
            moves = op in ("lt", "le", "eq") and any(self.roots.moves(argument) for argument in args)
            if moves and op == "eq":
                raise ModelError([instant(graph.span[one])])
            if moves:
                self._known[one] = self._compared(op, *args)
            elif op in ("and", "or", "not"):
                self._known[one] = graph.apply(op, *(self._known[argument] for argument in args))
            else:
                self._known[one] = one
        return self._known[node]

    def _compared(self, op: str, a: int, b: int) -> int:
        graph = self.graph
        a, b = self._locked(a), self._locked(b)
        if not (self.roots.moves(a) or self.roots.moves(b)):
            return graph.apply(op, a, b)
        place, positive = self.roots.compared(op, a, b, EVENT)
        side = graph.apply("lt", graph.constant(0.0), graph.input(SIDES, place))
        return side if positive else graph.apply("not", side)


class EventNodes:
    """A model's events on its graph.

    Args:
        model: The model's graph.
        locked: The same with its switches as modes; None: there are none that are locked.

    Attributes:
        graph: Holds all nodes but those of times.
        roots: The root functions.
        plans: What each event is, in the order of the text.
        conditions: Node of the condition of each `when`.
        times_graph, times: Of parameters and t0 (its time), and its nodes: times and periods.
        effects: Nodes of what each event sets, then its delay where it has one.
        priorities: Node of the priority of each event; None: all are 0.
    """

    def __init__(self, model: ModelGraph, locked: Locked | None = None) -> None:
        definition = model.definition
        self.graph: Graph = model.lowered.graph
        self.roots = RootSet(model.lowered, definition) if locked is None else locked.roots
        builder = _Conditions(self.roots, Locked(model, self.roots).locked)
        scope = lowering_of(model.lowered, definition)
        self.times_graph, lower_time = lower_times(definition)
        self.times: list[int] = []
        self.conditions: list[int] = []
        names, events = definition.state_names, definition.events
        if model.lowered.delays is not None:
            for event in events:
                _refuse_past(event, names)

        def condition(expression: Expr) -> int:
            self.conditions.append(builder.condition(scope.lower(expression)))
            return len(self.conditions) - 1

        self.plans: tuple[EventPlan, ...] = tuple(
            planned(
                event, names, condition, lambda one: builder.crossing(scope.lower(one)),
                lambda one: self._time(lower_time(one)),
            )
            for event in events
        )  # fmt: skip
        self.roots.check_number()
        self.roots.watch(
            [*self.conditions, *(root.node for root in self.roots.roots if root.purpose & EVENT)]
        )
        self.roots.ride()
        self.effects = tuple(effect_nodes(event, scope) for event in events)
        self.priorities: tuple[int, ...] | None = priority_nodes(events, scope)

    def _time(self, node: int) -> int:
        self.times.append(node)
        return len(self.times) - 1

    def slopes(self, model: ModelGraph) -> tuple[int, ...]:
        """Total time derivatives of the root functions along the right-hand side of `model`; with a mass
        matrix or delays along the input `direction`, which u' is given in."""
        lowered, nodes = model.lowered, [root.node for root in self.roots.roots]
        graph, rhs = lowered.graph, lowered.rhs
        if lowered.mass is not None or lowered.delays is not None:
            rhs = tuple(graph.input("direction", i) for i in range(len(lowered.states)))
        along = {graph.time(): graph.constant(1.0), **dict(zip(lowered.states, rhs, strict=True))}
        return tuple(directional(graph, nodes, along))


_KINDS = {When: "when", Crossing: "crossing", At: "at", Every: "every"}


def planned(
    event: ModelEvent,
    names: Sequence[str],
    condition: Callable[[Expr], int],
    crossing: Callable[[Expr], int],
    time: Callable[[Expr], int],
) -> EventPlan:
    """What the engine knows of an event.

    Args:
        names: Of the states.
        condition, crossing, time: Give the place of what is written there among others of their kind.
    """
    times: tuple[int | None, ...] = ()
    place, direction = -1, BOTH
    match event.trigger:
        case When(condition=written):
            place = condition(written)
        case Crossing(value=value, direction=direction):
            place = crossing(value)
        case At(times=expressions):
            times = tuple(time(one) for one in expressions)
        case Every(period=period, start=start, end=end):
            times = tuple(None if one is None else time(one) for one in (period, start, end))
    return EventPlan(
        event.name,
        _KINDS[type(event.trigger)],
        place,
        direction,
        times,
        tuple(names.index(effect.target) for effect in event.effects),
        event.stop,
        event.after is not None,
        event.persistent,
    )


def priority_nodes(events: Sequence[ModelEvent], scope: Lowering) -> tuple[int, ...] | None:
    """Node of the priority of each event; None: all are 0."""
    if all(event.priority is None for event in events):
        return None
    zero = scope.graph.constant(0.0)
    return tuple(zero if event.priority is None else scope.lower(event.priority) for event in events)


def effect_nodes(event: ModelEvent, scope: Lowering) -> tuple[int, ...]:
    """Nodes of what an event sets, then its delay where it has one."""
    expressions = [effect.value for effect in event.effects]
    if event.after is not None:
        expressions.append(event.after)
    return tuple(scope.lower(one) for one in expressions)


def _refuse_past(event: ModelEvent, states: Sequence[str]) -> None:
    """Refuse an event that reads delayed values where it is written.

    Raises:
        ValueError: it does.
    """
    read: list[Expr] = []

    def note(expression: Expr) -> Expr:
        read.append(expression)
        return expression

    map_expressions(event, note)
    if any(call.function in states for expression in read for call in calls(expression)):
        raise ValueError(READS_PAST)


def jumps_only(span: Any) -> Diagnostic:
    """A crossing of what only jumps."""
    return Diagnostic(
        code="E344",
        message="this reaches its line by jumps only, and what jumps crosses nothing",
        span=span,
        label="no sign changes between jumps",
        help="write a condition, `when floor(x) >= 2: ...`, the place of the jump, `when x == 2: ...`, or "
        "for times `every 24: ...`",
    )


def instant(span: Any) -> Diagnostic:
    """An equality within a condition."""
    return Diagnostic(
        code="E344",
        message="two quantities that change are equal for an instant only",
        span=span,
        label="part of a condition",
        help="compare with `<=` or `>=`, or write the equality alone: `when a == b: ...`",
    )
