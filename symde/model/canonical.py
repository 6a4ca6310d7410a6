"""When two definitions are the same model: spelling aside, the same names, equations and values.

Spelling is: where a statement stands in its file, documentation, the form of the text, `^` or `**`, `1` or
`1.0`, `ifelse(c, a, b)` or `a if c else b`, implicit products, brackets around the first terms of a sum, and
where a sign stands in a product (`(-k)*x` and `-(k*x)` are the same number in floating point, and Python and
the language group them differently), and which unknown's row an implicit equation stands in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from symde.language.syntax import (
    Call,
    Compare,
    Conditional,
    Expr,
    Logic,
    Name,
    Negate,
    Not,
    Number,
    Power,
    Product,
    Sum,
)
from symde.model.definition import Definition, Extern
from symde.model.events import At, Crossing, Every, ModelEvent, When
from symde.model.implicit import explicit_rows, mass_rows
from symde.model.walk import fold

# The key of a node is a shape (a tuple with the keys of its operands in it) turned into something small.
Shorten = Callable[[tuple[Any, ...]], Hashable]


def same(first: Definition, second: Definition) -> bool:
    """Whether two definitions are the same model."""
    numbers: dict[tuple[Any, ...], int] = {}

    def number(shape: tuple[Any, ...]) -> int:
        return numbers.setdefault(shape, len(numbers))

    return first is second or _shape(first, number) == _shape(second, number)


def fingerprint(definition: Definition) -> int:
    """A hash that equal definitions share (within one process)."""
    return hash(_shape(definition, hash))


def _shape(definition: Definition, shorten: Shorten) -> Hashable:
    def key(expression: Expr | None) -> Hashable:
        return None if expression is None else expression_key(expression, shorten)

    explicit = explicit_rows(definition)
    # what reactions say of a species is told with them, and large networks say it many times over
    species = {name for one in definition.reactions for name in one.species}
    derivatives = (None if s.name in species else key(s.split or s.derivative) for s in definition.states)
    states = tuple(
        (s.name, derivative if own else None, key(s.initial), s.unit, s.nominal)
        + (s.domain, s.discrete, s.algebraic)
        for s, derivative, own in zip(definition.states, derivatives, explicit, strict=True)
    )
    parameters = tuple((p.name, key(p.default), p.unit, p.bounds, p.nominal) for p in definition.parameters)
    observables = tuple((one.name, key(one.value)) for one in definition.observables)
    constants = frozenset((one.name, one.value, one.unit) for one in definition.constants)
    functions = frozenset((one.name, one.parameters, key(one.body)) for one in definition.functions)
    tspan = None if definition.tspan is None else (key(definition.tspan[0]), key(definition.tspan[1]))
    externs = frozenset(_extern_key(one) for one in definition.externs)
    events = tuple(_event_key(one, key) for one in definition.events)
    invariants = tuple((key(one.value), one.at_zero, one.projected) for one in definition.invariants)
    delays = definition.delays
    past = (
        frozenset() if delays is None else frozenset((one.state, key(one.value)) for one in delays.histories)
    )
    reactions = tuple(
        (key(one.rate), frozenset(one.reactants), frozenset(one.products), one.mass_action)
        for one in definition.reactions
    )
    jumps = tuple(
        (
            key(one.rate),
            frozenset((effect.state, effect.operator, key(effect.value)) for effect in one.effects),
        )
        for one in definition.jumps
    )
    return (
        *(definition.name, states, parameters, observables, constants, functions, tspan, externs),
        *(events, _implicit_key(definition, explicit, key), invariants, past, reactions, jumps),
        _noise_key(definition, key),
    )


def _noise_key(definition: Definition, key: Callable[[Expr | None], Hashable]) -> Hashable:
    noise = definition.noise
    if noise is None:
        return None
    return frozenset((one.state, one.motion, key(one.coefficient)) for one in noise.terms), noise.stratonovich


def _event_key(event: ModelEvent, key: Callable[[Expr | None], Hashable]) -> Hashable:
    match event.trigger:
        case When(condition=condition):
            trigger: Hashable = ("when", key(condition))
        case Crossing(value=value, direction=direction):
            trigger = ("crossing", key(value), direction)
        case At(times=times):
            trigger = ("at", tuple(map(key, times)))
        case Every(period=period, start=start, end=end):
            trigger = ("every", key(period), key(start), key(end))
    effects = frozenset((one.target, key(one.value)) for one in event.effects)
    properties = (event.stop, key(event.after), key(event.priority), event.persistent)
    return (event.name, trigger, effects, properties)


def _implicit_key(
    definition: Definition, explicit: list[bool], key: Callable[[Expr | None], Hashable]
) -> Hashable:
    """The implicit equations in any order."""
    if definition.mass is None:
        return None
    rows = mass_rows(definition)
    shapes = [
        (tuple(sorted((column, key(value)) for column, value in row.items())), key(state.derivative))
        for state, row, own in zip(definition.states, rows, explicit, strict=True)
        if not own
    ]
    return frozenset(Counter(shapes).items())


def _extern_key(extern: Extern) -> Hashable:
    # modules have no equality of their own: the same object is the same function
    module = None if extern.module is None else id(extern.module)
    return (extern.name, extern.parameters, extern.outputs, extern.layers, module)


def expression_key(expression: Expr, shorten: Shorten) -> Hashable:
    """A key that two expressions share exactly when they mean the same operations."""

    # Each node gives (negative, key): the sign is pulled out of products and negations.
    def combine(node: Expr, operands: tuple[tuple[bool, Hashable], ...]) -> tuple[bool, Hashable]:
        return _combine(node, operands, shorten)

    return _signed(fold(expression, combine), shorten)


def _signed(operand: tuple[bool, Hashable], shorten: Shorten) -> Hashable:
    negative, key = operand
    return shorten(("negate", key)) if negative else key


def _combine(
    node: Expr, operands: tuple[tuple[bool, Hashable], ...], shorten: Shorten
) -> tuple[bool, Hashable]:
    if isinstance(node, Negate):
        negative, key = operands[0]
        return (not negative, key)
    if isinstance(node, Product):
        return _product_key(node, operands, shorten)
    if isinstance(node, Sum):
        return (False, _sum_key(node, operands, shorten))
    return (False, shorten(_other(node, tuple(_signed(operand, shorten) for operand in operands))))


# Sums and products become pairs from the left, which is how they are computed: `(a + b) + c` is `a + b + c`.


def _product_key(
    node: Product, operands: tuple[tuple[bool, Hashable], ...], shorten: Shorten
) -> tuple[bool, Hashable]:
    (first, *symbols), (total, *keys) = (symbol for symbol, _ in node.factors), (key for _, key in operands)
    if first == "/":
        total = shorten(("reciprocal", total))
    for symbol, key in zip(symbols, keys, strict=True):
        total = shorten(("product", symbol, total, key))
    return (sum(negative for negative, _ in operands) % 2 == 1, total)


def _sum_key(node: Sum, operands: tuple[tuple[bool, Hashable], ...], shorten: Shorten) -> Hashable:
    signed = [
        (negative != (symbol == "-"), key)
        for (symbol, _), (negative, key) in zip(node.terms, operands, strict=True)
    ]
    total = _signed(signed[0], shorten)
    for negative, key in signed[1:]:
        total = shorten(("sum", negative, total, key))
    return total


def _other(node: Expr, operands: tuple[Hashable, ...]) -> tuple[Any, ...]:
    match node:
        case Number(value=value):
            return ("number", float(value) if abs(value) <= 2**53 else value)
        case Name(id=name):
            return ("name", name)
        case Power():
            return ("power", operands)
        case Compare(operators=operators):
            return ("compare", operators, operands)
        case Logic(operator=operator):
            return ("logic", operator, operands)
        case Not():
            return ("not", operands)
        case Conditional():
            return ("call", "ifelse", operands)
        case Call(function=function):
            return ("call", "ifelse" if function == "where" else function, operands)
    raise TypeError(f"not an expression: {type(node).__name__}")
