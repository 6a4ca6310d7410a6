"""What is legal in a model and still likely a mistake: the warnings of `symde check`."""

from __future__ import annotations

from collections.abc import Iterator

from symde.diagnostics import Diagnostic
from symde.language.syntax import Expr, Product
from symde.model.definition import Definition
from symde.model.evaluate import NotConstantError, evaluate
from symde.model.events import event_expressions
from symde.model.functions import BUILT_IN
from symde.model.model import Model
from symde.model.noise import coefficients
from symde.model.reactions import governed, read_by
from symde.model.walk import calls, identifiers, postorder


def check(model: Model | Definition) -> list[Diagnostic]:
    """Warnings about a model, in the order of its text; empty where nothing is odd.

    Codes: W101 unused parameter, W102 state that nothing reads, W103 derivative that is always zero, W104
    product without `*` behind `/`, W105 function that shadows a built-in one, W106 parameter without default,
    W107 state without initial value that is no `State.guess`, W108 unused function, W109 built-in function's
    name as a parameter, W110 default outside its bounds, W111 discrete variable that nothing sets.
    """
    definition = model.definition if isinstance(model, Model) else model
    found = [warning for rule in _RULES for warning in rule(definition)]
    return sorted(found, key=lambda one: one.span.start if one.span is not None else -1)


def _expressions(definition: Definition) -> Iterator[Expr]:
    """Every expression of the model."""
    yield from (one.derivative for one in definition.states)
    yield from (one.value for one in definition.observables)
    yield from (one.body for one in definition.functions)
    yield from (one.initial for one in definition.states if one.initial is not None)
    yield from (one.default for one in definition.parameters if one.default is not None)
    yield from (one.value for one in definition.mass or ())
    yield from (one.value for one in definition.invariants)
    yield from definition.tspan or ()
    for event in definition.events:
        yield from event_expressions(event)
    if definition.delays is not None:
        yield from (one.value for one in definition.delays.histories)
    yield from coefficients(definition.noise)
    yield from read_by(definition.reactions, definition.jumps)


def _unused_parameters(definition: Definition) -> Iterator[Diagnostic]:
    read = identifiers(_expressions(definition))
    for one in definition.parameters:
        if one.name not in read:
            message = f"parameter `{one.name}` is never read"
            yield Diagnostic(
                "W101", message, one.span, "unused", "remove it, or check the spelling where it is meant"
            )


def _unread_states(definition: Definition) -> Iterator[Diagnostic]:
    read = identifiers(_expressions(definition)) | _changed_by_reactions(definition)
    read |= {call.function.rstrip("'") for call in calls(*_expressions(definition))}
    for state in definition.states:
        if state.name not in read:
            message = f"nothing reads state `{state.name}`"
            help_text = "fine for an integral that is only looked at; else check the spelling"
            yield Diagnostic("W102", message, state.span, "in no equation", help_text)


def _changed_by_reactions(definition: Definition) -> set[str]:
    """What reactions make and jumps change: read or not, it is what the model is about."""
    values = {state.name: state.derivative for state in definition.states}
    return governed(definition.reactions, definition.jumps, values)


def _noisy(definition: Definition) -> set[str]:
    """What noise changes, though its drift may be zero."""
    return set() if definition.noise is None else {one.state for one in definition.noise.terms}


def _zero_derivatives(definition: Definition) -> Iterator[Diagnostic]:
    values = {one.name: one.value for one in definition.constants}
    elsewhere = _changed_by_reactions(definition) | _noisy(definition)
    for state in definition.states:
        if state.discrete or state.algebraic:
            continue
        if state.name in elsewhere:
            continue
        try:
            zero = evaluate(state.derivative, values) == 0
        except (ArithmeticError, ValueError):
            zero = False
        if zero:
            message = f"the derivative of `{state.name}` is always zero"
            help_text = f"make `{state.name}` a parameter, if it never changes"
            yield Diagnostic("W103", message, state.derivative.span, "constant", help_text)


def _implicit_divisors(definition: Definition) -> Iterator[Diagnostic]:
    for node in postorder(*_expressions(definition)):
        if isinstance(node, Product):
            for sign, factor in node.factors:
                if sign == "/" and isinstance(factor, Product) and factor.implicit:
                    text = factor.span.text if factor.span is not None else "..."
                    message = f"`/{text}` divides by the whole product"
                    help_text = f"write `/({text})` to say so, or put `*` between the factors"
                    yield Diagnostic("W104", message, factor.span, "binds tighter than `/`", help_text)


def _shadowing_functions(definition: Definition) -> Iterator[Diagnostic]:
    for one in (*definition.functions, *definition.externs):
        if one.name in BUILT_IN:
            message = f"function `{one.name}` replaces the built-in `{one.name}`"
            yield Diagnostic("W105", message, one.span, "everywhere in this model", "choose another name")


def _no_defaults(definition: Definition) -> Iterator[Diagnostic]:
    for one in definition.parameters:
        if one.default is None:
            message = f"parameter `{one.name}` has no default value"
            help_text = f"write `param {one.name} = value`, or give it to the problem"
            yield Diagnostic("W106", message, one.span, "no value", help_text)


def _no_initial_values(definition: Definition) -> Iterator[Diagnostic]:
    for state in definition.states:
        if state.initial is None and state.algebraic:
            message = f"algebraic variable `{state.name}` has no guess"
            help_text = f"write `state {state.name} = guess`: where its equation is solved from at the start"
            yield Diagnostic("W107", message, state.span, "no value", help_text)
        elif state.initial is None and not state.guess:
            message = f"state `{state.name}` has no initial value"
            help_text = f"write `{state.name}(t0) = value`, or give it to the problem"
            yield Diagnostic("W107", message, state.span, "no value", help_text)


def _unused_functions(definition: Definition) -> Iterator[Diagnostic]:
    called = {call.function.partition("[")[0] for call in calls(*_expressions(definition))}
    for one in (*definition.functions, *definition.externs):
        if one.name not in called:
            yield Diagnostic("W108", f"function `{one.name}` is never called", one.span, "unused", None)


def _built_in_names(definition: Definition) -> Iterator[Diagnostic]:
    """A parameter that nobody declared and that is called like a function: the brackets were forgotten."""
    if definition.form != "anonymous":
        return
    for one in definition.parameters:
        if one.name in BUILT_IN and one.default is None:
            message = f"`{one.name}` is read as a parameter"
            help_text = f"call the built-in function with its arguments: `{one.name}(...)`"
            yield Diagnostic("W109", message, one.span, "no arguments, so no function", help_text)


def _defaults_out_of_bounds(definition: Definition) -> Iterator[Diagnostic]:
    values = {one.name: one.value for one in definition.constants}
    for parameter in definition.parameters:
        if parameter.bounds is None or parameter.default is None:
            continue
        try:
            value = evaluate(parameter.default, values)
        except (NotConstantError, ArithmeticError, ValueError):
            continue  # it follows other parameters
        low, high = parameter.bounds
        if not low <= value <= high:
            message = f"the default of `{parameter.name}` is {value:g}, outside ({low:g}, {high:g})"
            yield Diagnostic("W110", message, parameter.span, "outside its bounds", "change one or the other")


def _constant_discretes(definition: Definition) -> Iterator[Diagnostic]:
    targets = {effect.target for event in definition.events for effect in event.effects}
    targets |= {effect.state for jump in definition.jumps for effect in jump.effects}
    for state in definition.states:
        if state.discrete and state.name not in targets:
            message = f"nothing sets the discrete variable `{state.name}`"
            yield Diagnostic("W111", message, state.span, "never changes", f"make `{state.name}` a parameter")


_RULES = (
    _unused_parameters,
    _unread_states,
    _zero_derivatives,
    _implicit_divisors,
    _shadowing_functions,
    _no_defaults,
    _no_initial_values,
    _unused_functions,
    _built_in_names,
    _defaults_out_of_bounds,
    _constant_discretes,
)
