"""A model's definition to graph nodes.

Constants are folded in, observables become named nodes that all their readers share, the modeller's
functions are put in place of their calls. Sums and products are evaluated left to right as written. Nothing
recurses, and shared syntax nodes are visited once.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from symde.codegen.delays import DelayedValues, LoweredDelays
from symde.codegen.evaluate import evaluate
from symde.codegen.graph import BOOLEAN, LEAVES, Graph
from symde.codegen.mass import reduce_mass
from symde.codegen.networks import dense_layers
from symde.diagnostics import Diagnostic, ModelError, Span
from symde.language import syntax
from symde.model.definition import INITIAL_TIME, PI, TIME, Definition, Extern, Function
from symde.model.externs import by_output
from symde.model.functions import BUILT_IN
from symde.model.implicit import mass_rows
from symde.model.walk import children, postorder

NODE_LIMIT = 5_000_000
"""Most nodes a model may have once its functions are put in place; about 1.5 GB of memory."""

Scope = Mapping[str, int]
"""Name -> node."""


@dataclass(slots=True)
class _Frame:
    """One expression on its way: of the model, or the body of a called function."""

    root: syntax.Expr
    nodes: Iterator[syntax.Expr]
    scope: Scope
    values: dict[int, int] = field(default_factory=dict)
    waiting: syntax.Call | None = None
    key: tuple[str, tuple[int, ...]] | None = None


class Lowering:
    """Puts expressions of one model into one graph.

    Attributes:
        graph: Where the nodes go.
        scope: Node of each name of the model; names may be added.
        delayed: Takes the delayed values that are met; None: there are none.
    """

    def __init__(
        self,
        graph: Graph,
        functions: tuple[Function, ...],
        scope: dict[str, int],
        externs: tuple[Extern, ...] = (),
        delayed: DelayedValues | None = None,
    ) -> None:
        self.graph = graph
        self.scope = scope
        self._functions = {function.name: function for function in functions}
        self._externs = by_output(externs)
        self.delayed = delayed
        self._outputs: dict[tuple[str, tuple[int, ...]], list[int]] = {}
        self._calls: dict[tuple[str, tuple[int, ...]], int] = {}

    def lower(self, expression: syntax.Expr) -> int:
        """The node of an expression in the model's scope.

        Raises:
            ModelError: With its functions in place the model is larger than `NODE_LIMIT`.
        """
        stack = [_Frame(expression, postorder(expression), self.scope)]
        while True:
            frame = stack[-1]
            called = self._advance(frame)
            if called is not None:
                stack.append(called)
                continue
            result = frame.values[id(frame.root)]
            stack.pop()
            if frame.key is not None:
                self._calls[frame.key] = result
            if not stack:
                return result
            caller = stack[-1]
            caller.values[id(caller.waiting)] = result

    def _advance(self, frame: _Frame) -> _Frame | None:
        """Lowers on to the end (None) or to a call not yet seen with these arguments (its frame)."""
        values = frame.values
        for node in frame.nodes:
            if isinstance(node, syntax.Call) and node.function in self._functions:
                key = (node.function, tuple(values[id(argument)] for argument in node.arguments))
                known = self._calls.get(key)
                if known is None:
                    frame.waiting = node
                    return self._call(node, key)
                values[id(node)] = known
            else:
                values[id(node)] = self._node(node, values, frame.scope)
        return None

    def _call(self, call: syntax.Call, key: tuple[str, tuple[int, ...]]) -> _Frame:
        if len(self.graph) > NODE_LIMIT:
            raise ModelError([_too_large(call.span)])
        function = self._functions[call.function]
        scope = {**self.scope, **dict(zip(function.parameters, key[1], strict=True))}
        return _Frame(function.body, postorder(function.body), scope, key=key)

    def _node(self, node: syntax.Expr, values: Mapping[int, int], scope: Scope) -> int:
        match node:
            case syntax.Number(value=value):
                return self.graph.constant(value, node.span)
            case syntax.Name(id=name):
                return scope[name]
            case syntax.Sum(terms=terms):
                return self._chain(terms, values, "add", "sub", "neg")
            case syntax.Product(factors=factors):
                return self._chain(factors, values, "mul", "div", "reciprocal")
            case syntax.Compare():
                return self._compare(node, values)
            case syntax.Logic(operator=operator, operands=operands):
                return self._fold_left(operator, [values[id(operand)] for operand in operands], node.span)
            case syntax.Call() if node.function in self._externs:
                return self._extern(node, tuple(values[id(argument)] for argument in node.arguments))
            case syntax.Call() if self.delayed is not None and node.function in self.delayed:
                return self.delayed.node(node, values[id(node.arguments[0])])
            case syntax.Call():
                return self._built_in(node, [values[id(argument)] for argument in node.arguments])
        op = _OPERATIONS[type(node)]
        return self._apply(op, [values[id(operand)] for operand in children(node)], node.span)

    def _extern(self, call: syntax.Call, args: tuple[int, ...]) -> int:
        """A value of a function from outside; the values of one call share all but the last layer."""
        extern, place = self._externs[call.function]
        if extern.module is not None:
            return self.graph.call(extern.name, place, extern.outputs, args, call.span)
        if extern.layers is None:
            raise ModelError([_unbound(extern, call.span)])
        key = (extern.name, args)
        if key not in self._outputs:
            self._outputs[key] = dense_layers(self.graph, extern, self.scope, args, call.span)
        return self._outputs[key][place]

    def _chain(
        self,
        parts: tuple[tuple[str, syntax.Expr], ...],
        values: Mapping[int, int],
        plus: str,
        minus: str,
        lone: str,
    ) -> int:
        (sign, first), *rest = parts
        total, start = values[id(first)], first.span
        if sign in "-/":
            total = self._alone(lone, total, start)
        for sign, part in rest:
            span = start.to(part.span) if start is not None and part.span is not None else None
            total = self._apply(minus if sign in "-/" else plus, [total, values[id(part)]], span)
        return total

    def _alone(self, op: str, node: int, span: Span | None) -> int:
        if op == "reciprocal":
            return self._apply("div", [self.graph.constant(1.0), node], span)
        return self._apply(op, [node], span)

    def _compare(self, node: syntax.Compare, values: Mapping[int, int]) -> int:
        nodes = [values[id(operand)] for operand in node.operands]
        pairs = zip(node.operators, nodes, nodes[1:], strict=False)
        return self._fold_left("and", [self._comparison(*pair, node.span) for pair in pairs], node.span)

    def _comparison(self, operator: str, a: int, b: int, span: Span | None) -> int:
        if operator in (">", ">="):
            a, b = b, a
        equal = self._apply(_COMPARISONS[operator], [a, b], span)
        return self._apply("not", [equal], span) if operator == "!=" else equal

    def _built_in(self, call: syntax.Call, args: list[int]) -> int:
        op, span = BUILT_IN[call.function].operation, call.span
        if op == "heaviside":  # floor(1 + sign(x)/2): 0 or 1 as x < 0 tells, but NaN stays NaN
            half, one = self.graph.constant(0.5), self.graph.constant(1.0)
            sign = self._apply("mul", [half, self._apply("sign", args, span)], span)
            return self._apply("floor", [self._apply("add", [one, sign], span)], span)
        if op in ("min", "max"):
            return self._fold_left(op, args, span)
        if call.function == "piecewise":
            *pairs, result = args
            for value, condition in zip(pairs[-2::-2], pairs[-1::-2], strict=True):
                result = self._apply("select", [condition, value, result], span)
            return result
        return self._apply(op, args, span)

    def _fold_left(self, op: str, nodes: list[int], span: Span | None) -> int:
        total, *rest = nodes
        for node in rest:
            total = self._apply(op, [total, node], span)
        return total

    def _apply(self, op: str, args: list[int], span: Span | None) -> int:
        graph = self.graph
        if op not in BOOLEAN and all(graph.op[argument] == "const" for argument in args):
            return self._folded(op, args, span)
        return graph.apply(op, *args, span=span)

    def _folded(self, op: str, args: list[int], span: Span | None) -> int:
        node = self.graph.apply(op, *args, span=span)
        value = evaluate(self.graph, [node])[node]
        # An infinity stays an operation, so that a failure can point at it.
        return self.graph.constant(float(value), span) if math.isfinite(value) else node


_OPERATIONS = {syntax.Negate: "neg", syntax.Power: "pow", syntax.Not: "not", syntax.Conditional: "select"}
_COMPARISONS = {"<": "lt", "<=": "le", ">": "lt", ">=": "le", "==": "eq", "!=": "eq"}


def _too_large(span: Span | None) -> Diagnostic:
    return Diagnostic(
        code="E602",
        message=f"the model has more than {NODE_LIMIT} operations once its functions are put in place",
        span=span,
        label="reached at this call",
        help="functions that call others several times multiply: give the shared part a name of its own",
    )


def _unbound(extern: Extern, span: Span | None) -> Diagnostic:
    return Diagnostic(
        code="E603",
        message=f"nothing is bound to the function from outside `{extern.name}`",
        span=span,
        label="called here",
        help=f"bind it: `model.bind({extern.name}=symde.Network([...]))`",
    )


@dataclass(frozen=True, slots=True)
class LoweredModel:
    """A model as graph nodes.

    Attributes:
        graph: Holds all nodes; derivatives are added to it.
        states: Node that reads each state, u[i].
        parameters: Node that reads each parameter, p[j].
        rhs: Node of each state's derivative.
        observables: Node of each observable.
        mass: Entries (column, node) of each row of M in M u' = rhs, independent rows and empty ones; None
            where M is the identity.
        invariants: Node of what solutions keep.
        delays: What is read at other times; None where nothing is.
    """

    graph: Graph
    states: tuple[int, ...]
    parameters: tuple[int, ...]
    rhs: tuple[int, ...]
    observables: tuple[int, ...]
    mass: tuple[tuple[tuple[int, int], ...], ...] | None = None
    invariants: tuple[int, ...] = ()
    delays: LoweredDelays | None = None


def lower(definition: Definition, divided: bool = False) -> LoweredModel:
    """The right-hand side and the observables of a model as graph nodes.

    Args:
        divided: Whether M u' = f is solved for derivatives as far as M alone allows (`reduce_mass`).

    Raises:
        ModelError: With its functions in place the model is larger than `NODE_LIMIT`.
    """
    model, lowering = lower_named(definition)
    rhs = tuple(lowering.lower(state.derivative) for state in definition.states)
    invariants = tuple(lowering.lower(invariant.value) for invariant in definition.invariants)
    delays = _lower_delays(definition, lowering, model.states)
    model = dataclasses.replace(model, rhs=rhs, invariants=invariants, delays=delays)
    if definition.mass is None:
        return model
    entries = [
        (row, column, lowering.lower(value))
        for row, columns in enumerate(mass_rows(definition))
        for column, value in columns.items()
    ]
    reduced = reduce_mass(model.graph, entries, rhs, len(model.parameters), divided)
    return dataclasses.replace(model, rhs=reduced.rhs, mass=reduced.rows)


def lower_named(definition: Definition) -> tuple[LoweredModel, Lowering]:
    """The states, parameters and observables of a model as graph nodes, without its right-hand side, and what
    lowers other expressions of the model into the same graph.

    Raises:
        ModelError: With its functions in place the model is larger than `NODE_LIMIT`.
    """
    graph = Graph()
    states = tuple(graph.input("u", i, state.span) for i, state in enumerate(definition.states))
    parameters = tuple(
        graph.input("p", j, parameter.span) for j, parameter in enumerate(definition.parameters)
    )
    scope = {TIME: graph.time(), **numbers(graph, definition)}
    scope.update(zip(definition.parameter_names, parameters, strict=True))
    # a discrete variable may have the name of the parameter that it starts at
    scope.update(zip(definition.state_names, states, strict=True))
    past = definition.delays
    delayed = None if past is None or not past.read else DelayedValues(graph, definition.state_names)
    lowering = Lowering(graph, definition.functions, scope, definition.externs, delayed)
    observables = []
    for observable in definition.observables:
        node = scope[observable.name] = lowering.lower(observable.value)
        if graph.op[node] not in LEAVES:
            graph.names.setdefault(node, observable.name)
        observables.append(node)
    return LoweredModel(graph, states, parameters, (), tuple(observables)), lowering


def _lower_delays(
    definition: Definition, lowering: Lowering, states: tuple[int, ...]
) -> LoweredDelays | None:
    """The delayed values that were found; a state without a history had its initial value before t0."""
    found = lowering.delayed
    if found is None:
        return None
    assert definition.delays is not None
    known = {one.state: lowering.lower(one.value) for one in definition.delays.histories}
    history = tuple(known.get(name, node) for name, node in zip(definition.state_names, states, strict=True))
    return LoweredDelays(tuple(found.times), tuple(found.pairs), history)


@dataclass(frozen=True, slots=True)
class LoweredStart:
    """What a model says about its start, as nodes that read parameters (input "p") and t0 (time).

    Attributes:
        graph: Holds all nodes.
        defaults: Node of each parameter's default, None where it has none.
        initial: Node of each state's initial value, None where it has none.
        tspan: Nodes of the default time span's ends, or None.
    """

    graph: Graph
    defaults: tuple[int | None, ...]
    initial: tuple[int | None, ...]
    tspan: tuple[int, int] | None


def lower_start(definition: Definition) -> LoweredStart:
    """Defaults, initial values and time span of a model as graph nodes.

    Raises:
        ModelError: With its functions in place the model is larger than `NODE_LIMIT`.
    """
    graph = Graph()
    scope = {INITIAL_TIME: graph.time(), TIME: graph.time(), **numbers(graph, definition)}
    for j, name in enumerate(definition.parameter_names):
        scope[name] = graph.input("p", j, definition.parameters[j].span)
    lowering = Lowering(graph, definition.functions, scope)

    def node(expression: syntax.Expr | None) -> int | None:
        return None if expression is None else lowering.lower(expression)

    defaults = tuple(node(parameter.default) for parameter in definition.parameters)
    initial = tuple(node(state.initial) for state in definition.states)
    tspan = definition.tspan and (lowering.lower(definition.tspan[0]), lowering.lower(definition.tspan[1]))
    return LoweredStart(graph, defaults, initial, tspan)


def numbers(graph: Graph, definition: Definition) -> dict[str, int]:
    """Nodes of pi and a model's constants by name."""
    known = {PI: graph.constant(math.pi)}
    known.update(
        (constant.name, graph.constant(constant.value, constant.span)) for constant in definition.constants
    )
    return known
