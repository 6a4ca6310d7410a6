"""What printed source of a whole model contains, the same for every language: names, header, functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter

from symde.codegen.comments import one_line
from symde.codegen.derivatives import SparseJacobian
from symde.codegen.expressions import Scope
from symde.codegen.graph import CALL, Graph
from symde.codegen.lower import LoweredStart, lower_start
from symde.codegen.model_kernels import ModelGraph
from symde.codegen.naming import Names, ascii_identifier
from symde.diagnostics import Diagnostic, ModelError, Span
from symde.language import unparse
from symde.language.syntax import Expr
from symde.model.definition import Definition, Extern, Parameter, State
from symde.model.text import event_statements


@dataclass(frozen=True, slots=True)
class Quantity:
    """A state, a parameter or an observable.

    Attributes:
        name: The modeller's name.
        identifier: An ASCII name for it, its own.
        value: Its initial value, default or definition: a number or the modeller's words, "" for none.
        note: Unit and documentation.
    """

    name: str
    identifier: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Routine:
    """A function to print: its roots on one graph, with a label and a comment for some of them.

    Attributes:
        graph: Holds the roots.
        roots: One node for each element of the result.
        labels: What each element is (empty: not told).
        comments: The equation of each element in the modeller's words (empty: none).
        first: Place of the first root in the result.
    """

    graph: Graph
    roots: tuple[int, ...]
    labels: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    first: int = 0

    def pieces(self, limit: int) -> list[Routine]:
        """The function as several, each of about so many nodes: compilers take long over long functions.

        What two pieces share, each computes for itself.
        """
        args = self.graph.args
        starts, seen = [0], set[int]()
        for position, root in enumerate(self.roots):
            pending = [] if root in seen else [root]
            while pending:
                node = pending.pop()
                if node not in seen:
                    seen.add(node)
                    pending.extend(args[node])
            if len(seen) > limit and position + 1 < len(self.roots):
                starts.append(position + 1)
                seen.clear()
        ends = [*starts[1:], len(self.roots)]
        return [self._part(start, end) for start, end in zip(starts, ends, strict=True)]

    def _part(self, start: int, end: int) -> Routine:
        labels, comments = self.labels[start:end], self.comments[start:end]
        return Routine(self.graph, self.roots[start:end], labels, comments, self.first + start)


@dataclass(frozen=True, eq=False)
class ModelSource:
    """A model ready to be printed; its derivatives are found when they are asked for.

    Attributes:
        title: The modeller's name of the model.
        identifier: An ASCII name for it.
        doc: Its documentation, "" where there is none.
        definitions: Constants and functions of the modeller, in words.
        events: Events of the modeller, in words; no function carries them out.
        states: In order of `u`.
        parameters: In order of `p`.
        observables: In order of the result of `observables`.
        rhs: du/dt = f(t, u, p), with one comment for each equation.
        observed: The observables.
        start: Defaults, initial values and time span.
        externs: The functions from outside that no network is compiled for, in the order of the model.
        model: The graph with its derivatives.
        names: Gives out identifiers that none of the above has.
    """

    title: str
    identifier: str
    doc: str
    definitions: tuple[str, ...]
    events: tuple[str, ...]
    states: tuple[Quantity, ...]
    parameters: tuple[Quantity, ...]
    observables: tuple[Quantity, ...]
    rhs: Routine
    observed: Routine
    start: LoweredStart
    externs: tuple[Extern, ...]
    model: ModelGraph
    names: Names

    @property
    def jacobian_pattern(self) -> SparseJacobian:
        """Row pointers and columns of `jacobian`."""
        return self.model.jacobian

    @property
    def parameter_jacobian_pattern(self) -> SparseJacobian:
        """Row pointers and columns of `parameter_jacobian`."""
        return self.model.parameter_jacobian

    @cached_property
    def jacobian(self) -> Routine:
        """Entries of df/du in compressed rows."""
        entries = self.jacobian_pattern
        return Routine(self.rhs.graph, entries.nodes, self._entries(self.states, entries))

    @cached_property
    def parameter_jacobian(self) -> Routine:
        """Entries of df/dp in compressed rows."""
        entries = self.parameter_jacobian_pattern
        return Routine(self.rhs.graph, entries.nodes, self._entries(self.parameters, entries))

    @cached_property
    def time_gradient(self) -> Routine:
        """df/dt."""
        labels = tuple(f"{_slope(state)}/dt" for state in self.states)
        return Routine(self.rhs.graph, self.model.time_gradient, labels)

    def _entries(self, variables: Sequence[Quantity], entries: SparseJacobian) -> tuple[str, ...]:
        return tuple(
            f"{_slope(self.states[row])}/d{variables[column].identifier}" for row, column in places(entries)
        )

    def calls(self, routine: Routine) -> bool:
        """Whether a function calls one from outside."""
        graph = routine.graph
        return any(graph.op[node] == CALL for node in graph.reachable(routine.roots))

    def scope(self, routine: Routine, time: str = "t") -> Scope:
        """The names that a function's body uses."""
        inputs = {("u", i): state.identifier for i, state in enumerate(self.states)}
        inputs.update({("p", j): parameter.identifier for j, parameter in enumerate(self.parameters)})
        identifiers = {one.name: one.identifier for one in self.observables}
        named = {node: identifiers[name] for node, name in routine.graph.names.items()}
        return Scope(inputs, named, self.names.numbered("v"), time)

    def read(self, routine: Routine) -> list[tuple[str, int]]:
        """The elements of `u` and `p` that a function reads: the states first, each in order."""
        return sorted(routine.graph.inputs_read(routine.roots), key=lambda one: (one[0] != "u", one[1]))

    def reads_time(self, routine: Routine) -> bool:
        """Whether a function reads the independent variable."""
        graph = routine.graph
        return any(graph.op[node] == "time" for node in graph.reachable(routine.roots))


def model_source(definition: Definition, reserved: Collection[str]) -> ModelSource:
    """Everything a printer needs of a model.

    Args:
        definition: The model.
        reserved: Identifiers that mean something else in the printed source.
    """
    if definition.delays is not None and definition.delays.read:
        raise ModelError([_delayed(definition)])
    model = ModelGraph(definition)
    graph, lowered = model.lowered.graph, model.lowered
    names = Names(reserved)
    all_names = [*definition.state_names, *definition.parameter_names, *definition.observable_names]
    identifiers = iter(names.identifiers(all_names))
    start = lower_start(definition)
    states = tuple(
        Quantity(one.name, next(identifiers), _value(start.graph, node, one.initial), _note(one))
        for one, node in zip(definition.states, start.initial, strict=True)
    )
    parameters = tuple(
        Quantity(one.name, next(identifiers), _value(start.graph, node, one.default), _note(one))
        for one, node in zip(definition.parameters, start.defaults, strict=True)
    )
    observables = tuple(
        Quantity(one.name, next(identifiers), _words(one.value.span)) for one in definition.observables
    )
    return ModelSource(
        title=definition.name,
        identifier=ascii_identifier(definition.name),
        doc=definition.doc or "",
        definitions=_definitions(definition),
        events=tuple(map(unparse, event_statements(definition))),
        states=states,
        parameters=parameters,
        observables=observables,
        rhs=Routine(graph, lowered.rhs, comments=tuple(_equation(state) for state in definition.states)),
        observed=Routine(
            graph,
            lowered.observables,
            comments=tuple(f"{one.name} = {one.value or '...'}" for one in observables),
        ),
        start=start,
        externs=tuple(one for one in definition.externs if one.layers is None),
        model=model,
        names=names,
    )


def _slope(state: Quantity) -> str:
    return f"d(d{state.identifier}/dt)"


def places(entries: SparseJacobian) -> Iterator[tuple[int, int]]:
    """Row and column of each entry of a Jacobian."""
    for row in range(len(entries.indptr) - 1):
        for k in range(entries.indptr[row], entries.indptr[row + 1]):
            yield row, entries.indices[k]


def _equation(state: State) -> str:
    if state.discrete:
        return f"{state.name} changes at events only"
    return _words(state.equation) or f"{state.name}' = ..."


def _words(span: Span | None) -> str:
    return "" if span is None else span.text


def _value(graph: Graph, node: int | None, expression: Expr | None) -> str:
    if node is None or expression is None:
        return ""
    return repr(graph.value[node]) if graph.op[node] == "const" else _words(expression.span) or "..."


def _delayed(definition: Definition) -> Diagnostic:
    """A function of (t, u, p) cannot look back."""
    assert definition.delays is not None
    name = (*definition.delays.states, *(f"{one}'" for one in definition.delays.slopes))[0]
    message = f"`{name}` is read at other times, and printed source knows the present alone"
    help_text = "solve the model with symde.solve; target='latex' shows its equations"
    return Diagnostic("E606", message, help=help_text)


def _definitions(definition: Definition) -> tuple[str, ...]:
    constants = [f"{one.name} = {one.value!r}" for one in definition.constants]
    functions = [
        f"{one.name}({', '.join(one.parameters)}) = {_words(one.body.span) or '...'}"
        for one in definition.functions
    ]
    return (*constants, *functions)


def _note(one: State | Parameter) -> str:
    """Unit and documentation."""
    return "  ".join(part for part in (one.unit and f"[{one.unit}]", one.doc) if part)


def header(source: ModelSource, target: str, functions: Sequence[tuple[str, str]]) -> list[str]:
    """The lines of the comment that opens a file; the modeller's words in them are on one line each.

    Args:
        source: The model.
        target: What language this is, in a word or two.
        functions: How each function is called, and what it gives.
    """
    from symde import __version__

    lines = [one_line(f"Model {source.title}{': ' if source.doc else ''}{source.doc}")]
    lines.append(f"Written by symde {__version__} as {target}.")
    lines += _listed("States u", "u", source.states, "(to be given)")
    lines += _listed("Parameters p", "p", source.parameters, "(to be given)")
    lines += _listed("Observables", "observables", source.observables, "...")
    if source.events:
        lines += ["", "Events of the model, which no function here carries out", *_indented(source.events)]
    if source.definitions:
        lines += ["", "Names that the equations in the comments use", *_indented(source.definitions)]
    width = max(len(call) for call, _ in functions) + 2
    return [*lines, "", "Functions", *(f"  {call:{width}}{meaning}" for call, meaning in functions)]


def _listed(heading: str, vector: str, quantities: Sequence[Quantity], lacking: str) -> list[str]:
    lines = ["", heading if quantities else f"{heading}: none"]
    for index, quantity in enumerate(quantities):
        own = "" if quantity.name == quantity.identifier else f"  ({one_line(quantity.name)})"
        note = f"  {one_line(quantity.note)}" if quantity.note else ""
        value = one_line(quantity.value) or lacking
        lines.append(f"  {vector}[{index}]  {quantity.identifier} = {value}{own}{note}")
    return lines


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {one_line(line)}" for line in lines]


def default_order(start: LoweredStart) -> list[int]:
    """The parameters that have a default, each after those its default reads."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for j, node in enumerate(start.defaults):
        if node is not None:
            read = {index for _, index in start.graph.inputs_read([node])}
            sorter.add(j, *sorted(other for other in read if start.defaults[other] is not None))
    return list(sorter.static_order())


def independent_defaults(start: LoweredStart) -> list[int | None]:
    """The defaults as nodes that read no parameter: each default in place of the parameter it is of.

    A default that reads a parameter without one gets NaN in its place.
    """
    graph = start.graph
    resolved: list[int | None] = [None] * len(start.defaults)
    for j in default_order(start):
        node = start.defaults[j]
        assert node is not None
        copies: dict[int, int] = {}
        for one in graph.reachable([node]):
            if graph.op[one] == "input":
                known = resolved[graph.value[one][1]]
                copies[one] = graph.constant(float("nan")) if known is None else known
            elif graph.args[one]:
                copies[one] = graph.apply(graph.op[one], *(copies[argument] for argument in graph.args[one]))
            else:
                copies[one] = one
        resolved[j] = copies[node]
    return resolved
