"""Events of a model as kernels: what changes sign when something happens, when that is, and what happens.

A condition is a boolean function of comparisons. Of each comparison a < b the difference b - a is a root
function, and the condition is evaluated from the sides of zero on which its functions are: at a root the sign
of a value is rounding. Comparisons of what only events change are evaluated as they stand.

    roots        (t, u, p)          -> values and total time derivatives
    doubts       (t, u, p, w)       -> what errors w of the states make of the values
    conditions   (t, u, p, sides)   -> 1 or 0 of each `when cond`
    effect_j     (t, u, p)          -> the new values of what event j sets, then its delay where it has one
    priorities   (t, u, p)          -> of each event
    times        (t0, p)            -> all times and periods of `at` and `every`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symde.codegen.derivatives import directional, jacobian
from symde.codegen.event_scope import lower_times, lowering_of
from symde.codegen.graph import Graph
from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import ir_module
from symde.codegen.lower import Lowering
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.modes import Locked
from symde.codegen.past import reads_past
from symde.codegen.root_set import EVENT, KEEP, SIDES, RootSet
from symde.diagnostics import Diagnostic, ModelError
from symde.language.syntax import Expr
from symde.model.events import BOTH, At, Crossing, Every, ModelEvent, When, map_expressions
from symde.model.walk import calls
from symde.native import load_ir
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
            raise ModelError([_jump(self.graph.span[node])])
        return self.roots.root(value, KEEP, EVENT)

    def condition(self, node: int) -> int:
        """A truth value with its comparisons read from the sides."""
        graph = self.graph
        for one in graph.reachable([node]):
            if one in self._known:
                continue
            op, args = graph.op[one], graph.args[one]
            moves = op in ("lt", "le", "eq") and any(self.roots.moves(argument) for argument in args)
            if moves and op == "eq":
                raise ModelError([_instant(graph.span[one])])
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
        together: Whether solutions may slide along several at once: no exit depends on another switch.
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
        events, graph = definition.events, model.lowered.graph
        roots = RootSet(model.lowered, definition) if locked is None else locked.roots
        builder = _Conditions(roots, Locked(model, roots).locked)
        scope = lowering_of(model.lowered, definition)
        times, lower_time = lower_times(definition)
        self._time_nodes: list[int] = []
        self._condition_nodes: list[int] = []
        names = definition.state_names
        if model.lowered.delays is not None:
            for event in events:
                _refuse_past(event, names)
        self.plans: tuple[EventPlan, ...] = tuple(
            self._plan(event, builder, scope, lower_time, names) for event in events
        )
        roots.check_number()
        roots.watch([*self._condition_nodes, *(root.node for root in roots.roots if root.purpose & EVENT)])
        self.count, self.conditions, self.times = (
            len(roots.roots), len(self._condition_nodes), len(self._time_nodes),
        )  # fmt: skip
        self.root_nodes = tuple(root.node for root in roots.roots)
        self.floors = roots.floors
        self.ties = tuple(root.tie for root in roots.roots)
        self.purposes = tuple(root.purpose for root in roots.roots)
        self.integers = tuple(root.integer for root in roots.roots)
        self.exits, self.together = roots.exits(), roots.exits_are_apart()
        self.root_spans = tuple(root.span for root in roots.roots)
        self.timed = roots.timed()
        self.along = model.lowered.mass is not None or model.lowered.delays is not None
        inputs = model.inputs()
        inputs = tuple(Vector(SIDES, self.count) if one.name == SIDES else one for one in inputs)
        kernels = [
            Kernel(f"event_effect_{j}", graph, inputs, (Output("values", _effect(event, scope)),))
            for j, event in enumerate(events)
            if event.effects or event.after is not None
        ]
        if self.count:
            along = model if locked is None else locked.model
            kernels.append(Kernel("event_roots", graph, inputs, _roots(along, roots)))
            inner = any(purpose & ~EVENT for purpose in self.purposes)
            if inner or model.lowered.mass is not None:
                kernels.append(Kernel("event_doubts", graph, inputs, _doubts(model, roots)))
        if self.conditions:
            kernels.append(_truths(graph, inputs, self._condition_nodes))
        if any(event.priority is not None for event in events):
            zero = graph.constant(0.0)
            nodes = [zero if event.priority is None else scope.lower(event.priority) for event in events]
            kernels.append(Kernel("event_priorities", graph, inputs, (Output("values", tuple(nodes)),)))
        if self.times:
            vectors = tuple(Vector(name, definition_length(definition, name)) for name in INPUTS)
            kernels.append(Kernel("event_times", times, vectors, (Output("times", tuple(self._time_nodes)),)))
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

    def _plan(
        self, event: ModelEvent, builder: _Conditions, scope: Lowering, lower_time: Any, names: Sequence[str]
    ) -> EventPlan:
        trigger = event.trigger
        times: tuple[int | None, ...] = ()
        place, direction = -1, BOTH
        match trigger:
            case When(condition=condition):
                place = len(self._condition_nodes)
                self._condition_nodes.append(builder.condition(scope.lower(condition)))
            case Crossing(value=value, direction=direction):
                place = builder.crossing(scope.lower(value))
            case At(times=expressions):
                times = tuple(self._time(lower_time(one)) for one in expressions)
            case Every(period=period, start=start, end=end):
                times = tuple(
                    None if one is None else self._time(lower_time(one)) for one in (period, start, end)
                )
        return EventPlan(
            event.name,
            _KINDS[type(trigger)],
            place,
            direction,
            times,
            tuple(names.index(effect.target) for effect in event.effects),
            event.stop,
            event.after is not None,
            event.persistent,
        )

    def _time(self, node: int) -> int:
        self._time_nodes.append(node)
        return len(self._time_nodes) - 1


_KINDS = {When: "when", Crossing: "crossing", At: "at", Every: "every"}


def definition_length(definition: Any, name: str) -> int:
    """Length of an input of kernels that read parameters alone."""
    return len(definition.parameters) if name == "p" else 0


def _effect(event: ModelEvent, scope: Lowering) -> tuple[int, ...]:
    expressions = [effect.value for effect in event.effects]
    if event.after is not None:
        expressions.append(event.after)
    return tuple(scope.lower(one) for one in expressions)


def _roots(model: ModelGraph, roots: RootSet) -> tuple[Output, ...]:
    """Values and total time derivatives along the right-hand side; with a mass matrix or delays along the
    input `direction`, which u' is given in."""
    lowered, nodes = model.lowered, [root.node for root in roots.roots]
    graph, rhs = lowered.graph, lowered.rhs
    if lowered.mass is not None or lowered.delays is not None:
        rhs = tuple(graph.input("direction", i) for i in range(len(lowered.states)))
    along = {graph.time(): graph.constant(1.0), **dict(zip(lowered.states, rhs, strict=True))}
    return Output("g", tuple(nodes)), Output("slope", tuple(directional(graph, nodes, along)))


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


def _jump(span: Any) -> Diagnostic:
    return Diagnostic(
        code="E344",
        message="this reaches its line by jumps only, and what jumps crosses nothing",
        span=span,
        label="no sign changes between jumps",
        help="write a condition, `when floor(x) >= 2: ...`, the place of the jump, `when x == 2: ...`, or "
        "for times `every 24: ...`",
    )


def _instant(span: Any) -> Diagnostic:
    return Diagnostic(
        code="E344",
        message="two quantities that change are equal for an instant only",
        span=span,
        label="part of a condition",
        help="compare with `<=` or `>=`, or write the equality alone: `when a == b: ...`",
    )
