"""Functions from outside the text: what calls of them mean, and what they are bound to.

A function of one value is called like any other. One of several values stands alone, `(f, g) = net(x, y)`,
and each value is a call of a function of its own, `net[0](x, y)` and `net[1](x, y)`, which no text can name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symde.language.equations import without_primes
from symde.language.syntax import Assignment, Call, Expr, Name, Outputs
from symde.model.definition import Definition, Extern
from symde.model.derivative_names import differentiated
from symde.model.draft import DERIVED, Draft, Equation, check_arguments, line_of


def output_names(name: str, outputs: int) -> tuple[str, ...]:
    """The functions that stand for the values of one from outside."""
    return (name,) if outputs == 1 else tuple(f"{name}[{k}]" for k in range(outputs))


def by_output(externs: Iterable[Extern]) -> dict[str, tuple[Extern, int]]:
    """Each function that stands for a value: whose it is, and which value."""
    return {
        function: (one, k)
        for one in externs
        for k, function in enumerate(output_names(one.name, one.outputs))
    }


def arities(draft: Draft) -> dict[str, int]:
    """Number of arguments of every function that stands for a value."""
    return {
        function: len(one.parameters)
        for name, one in draft.externs.items()
        for function in output_names(name, one.outputs)
    }


def gather_externs(draft: Draft, statements: Iterable[Outputs]) -> None:
    """The values of functions from outside as assignments and equations; errors where they do not fit."""
    for name, one in draft.externs.items():
        check_arguments(draft, name, one.parameters)
    for statement in statements:
        values = _values(draft, statement)
        for target, value in zip(statement.targets, values, strict=True):
            base, order = without_primes(target)
            if order:
                draft.equations.append(Equation(base.id, order, value, base.span, statement.span))
            else:
                draft.assignments.append(Assignment(target, value, span=statement.span))


def _values(draft: Draft, statement: Outputs) -> list[Expr]:
    """One call for each name; zeros where there is an error, so that the names mean something."""
    call, names = statement.value, statement.targets
    failed: list[Expr] = [DERIVED] * len(names)
    extern = draft.externs.get(call.function)
    if extern is None:
        if not draft.incomplete:
            _not_from_outside(draft, call, len(names))
        return failed
    count, expected = len(call.arguments), len(extern.parameters)
    if count != expected:
        arguments = f"{expected} argument{'s' * (expected != 1)}"
        message = f"`{call.function}` takes {arguments}, and {count} {'is' if count == 1 else 'are'} given"
        label = f"{count} argument{'s' * (count != 1)} given"
        draft.found.error("E206", message, call.span, label, _declared(extern.name))
        return failed
    if len(names) != extern.outputs:
        gives = f"{extern.outputs} value{'s' * (extern.outputs != 1)}"
        message = f"`{call.function}` gives {gives}, and {len(names)} names stand for them"
        span = names[0].span
        if span is not None and names[-1].span is not None:
            span = span.to(names[-1].span)
        draft.found.error("E326", message, span, f"{len(names)} names", _declared(extern.name))
        return failed
    functions = output_names(extern.name.id, extern.outputs)
    return [Call(function, call.arguments, span=call.span) for function in functions]


def _declared(name: Name) -> str | None:
    return None if name.span is None else f"`{name.id}` is declared in line {line_of(name.span)}"


def _not_from_outside(draft: Draft, call: Call, count: int) -> None:
    name, kind = call.function, draft.kind_of(call.function)
    if kind is not None:
        message, label = f"`{name}` is a {kind} and gives no several values", f"a {kind}"
        help_text = "write one equation for each name"
    else:
        message, label = f"unknown function `{name}`", "no function of that name"
        arguments = ", ".join(f"a{k}" for k in range(1, len(call.arguments) + 1))
        help_text = f"declare it: `extern {name}({arguments}) -> {count}`"
    draft.found.error("E202", message, call.span, label, help_text)


def unbound(definition: Definition) -> tuple[Extern, ...]:
    """The functions from outside that nothing is bound to."""
    return tuple(one for one in definition.externs if one.layers is None and one.module is None)


def unbound_message(extern: Extern) -> str:
    """What is missing, and what to do."""
    inputs, outputs = len(extern.parameters), extern.outputs
    network = f'symde.Network([symde.Dense({inputs}, 16, "tanh"), symde.Dense(16, {outputs})])'
    return (
        f"nothing is bound to the function from outside `{extern.name}`: "
        f"write model = model.bind({extern.name}=network) with network = {network}, or a torch.nn.Module"
    )


def grouped(definition: Definition) -> Iterator[Outputs]:
    """The statements that give names to the values of functions of several values, for the text of a model.

    An observed quantity or a derivative that is such a value stands in one of them.
    """
    outputs = by_output(definition.externs)
    groups: list[tuple[Call, dict[int, Name]]] = []
    for target, value in _named_values(definition):
        if not isinstance(value, Call) or value.function not in outputs:
            continue
        extern, k = outputs[value.function]
        if extern.outputs == 1:
            continue
        call = Call(extern.name, value.arguments, span=value.span)
        targets = next((names for known, names in groups if known == call and k not in names), None)
        if targets is None:
            targets = {}
            groups.append((call, targets))
        targets[k] = target
    for call, targets in groups:
        yield Outputs(tuple(targets[k] for k in sorted(targets)), call, span=call.span)


def _named_values(definition: Definition) -> Iterator[tuple[Name, Expr]]:
    states = definition.state_names
    for one in definition.observables:
        state = one.name[:-1] if one.name.endswith("'") else differentiated(one.name)
        if state not in states:
            yield Name(one.name, span=None), one.value
    for state in definition.states:
        yield Name(state.name + "'", span=None), state.derivative
