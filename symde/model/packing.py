"""Definitions as flat data for pickling: no recursion, however deep or shared the expressions are."""

from __future__ import annotations

import dataclasses
from typing import Any

from symde.diagnostics import Source, Span
from symde.language import syntax
from symde.language.syntax import Expr, Number
from symde.model.definition import Constant, Definition, Extern, Function, Layer, Observable, Parameter, State
from symde.model.delays import Delays, History
from symde.model.events import At, Crossing, Effect, Every, ModelEvent, When
from symde.model.implicit import Invariant, MassEntry
from symde.model.noise import Noise, NoiseTerm
from symde.model.reactions import Jump, JumpEffect, Reaction
from symde.model.walk import children, postorder, with_children

_PARTS = (State, Parameter, Observable, Constant, Function, Extern, Layer, MassEntry, Invariant)
_PARTS += (ModelEvent, When, Crossing, At, Every, Effect, Delays, History, Reaction, Jump, JumpEffect)
_PARTS += (Noise, NoiseTerm)


@dataclasses.dataclass(slots=True)
class Packed:
    """A definition with its expressions in a list: each node before those that use it, operands by index.

    Attributes:
        sources: the texts that spans point into.
        nodes: (node with placeholder operands, indices of operands, span).
        definition: the definition with indices in place of expressions and triples in place of spans.
    """

    sources: list[Source]
    nodes: list[tuple[Expr, tuple[int, ...], Any]]
    definition: Any


class _Index(int):
    """The place of an expression in `Packed.nodes`."""


class _Where(tuple):
    """A span as (index of its source, start, end)."""


_PLACEHOLDER = Number(0, "0", span=None)


def pack(definition: Definition) -> Packed:
    """Flat data from which :func:`unpack` makes an equal definition, spans and texts included."""
    sources: dict[int, tuple[int, Source]] = {}
    nodes: list[tuple[Expr, tuple[int, ...], Any]] = []
    index: dict[int, int] = {}

    def where(span: Span | None) -> _Where | None:
        if span is None:
            return None
        place, _ = sources.setdefault(id(span.source), (len(sources), span.source))
        return _Where((place, span.start, span.end))

    def add(root: Expr) -> _Index:
        for node in postorder(root):
            if id(node) not in index:
                operands = children(node)
                bare = with_children(node, (_PLACEHOLDER,) * len(operands))
                index[id(node)] = len(nodes)
                places = tuple(index[id(operand)] for operand in operands)
                nodes.append((dataclasses.replace(bare, span=None), places, where(node.span)))
        return _Index(index[id(root)])

    def flat(value: Any) -> Any:
        if isinstance(value, Span):
            return where(value)
        if isinstance(value, Source):
            return where(Span(value, 0, 0))
        if isinstance(value, tuple):
            return tuple(flat(one) for one in value)
        if isinstance(value, (Definition, *_PARTS)):
            return (type(value), {f.name: flat(getattr(value, f.name)) for f in dataclasses.fields(value)})
        return add(value) if isinstance(value, syntax.Expr) else value

    shape = flat(definition)
    return Packed([source for _, source in sources.values()], nodes, shape)


def unpack(packed: Packed) -> Definition:
    """The definition that was packed."""
    expressions: list[Expr] = []

    def span(where: _Where | None) -> Span | None:
        return None if where is None else Span(packed.sources[where[0]], where[1], where[2])

    for bare, places, where in packed.nodes:
        node = with_children(bare, tuple(expressions[place] for place in places))
        expressions.append(dataclasses.replace(node, span=span(where)))

    def full(value: Any) -> Any:
        if isinstance(value, _Where):
            return span(value)
        if isinstance(value, _Index):
            return expressions[value]
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict):
            kind, fields = value
            return kind(**{name: full(one) for name, one in fields.items()})
        return tuple(full(one) for one in value) if isinstance(value, tuple) else value

    definition = full(packed.definition)
    source = definition.source
    return dataclasses.replace(definition, source=source.source if isinstance(source, Span) else source)
