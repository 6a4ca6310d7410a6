"""What declarations make: functions, constants, parameters, and functions from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping

from symde.language.syntax import ParameterDeclaration
from symde.model.checker import Checker
from symde.model.definition import Constant, Extern, Function, Parameter
from symde.model.draft import CONSTANT, PARAMETER, Draft
from symde.model.order import describe_cycle, order_by_dependence
from symde.model.scope import DEFAULT, EQUATION
from symde.model.walk import calls, identifiers


def functions_of(draft: Draft, checker: Checker) -> tuple[Function, ...]:
    """Functions with callees first; recursion is refused."""
    drafts = draft.functions
    reads = {name: [call.function for call in calls(one.body)] for name, one in drafts.items()}
    order, cycles = order_by_dependence(reads)
    for cycle in cycles:
        checker.found.error(
            "E307",
            f"function `{cycle[0]}` calls itself: {describe_cycle(cycle)}",
            drafts[cycle[0]].name.span,
            "functions are not recursive",
            "write the recursion out, or use an observed quantity",
        )
    functions = []
    for name in order:
        one = drafts[name]
        arguments = tuple(parameter.id for parameter in one.parameters)
        checker.check(one.body, EQUATION, arguments)
        own = sorted(identifiers([one.body]) - set(arguments))
        checker.scope.bodies[name] = (own, reads[name])
        functions.append(Function(name, arguments, one.body, one.name.span))
    return tuple(functions)


def externs_of(draft: Draft) -> tuple[Extern, ...]:
    """Functions that are supplied from outside."""
    return tuple(
        Extern(name, tuple(argument.id for argument in one.parameters), one.outputs, one.name.span)
        for name, one in draft.externs.items()
    )


def constants_of(draft: Draft, checker: Checker) -> tuple[Constant, ...]:
    """Constants with their values, which the checker knows from then on."""
    drafts = draft.constants
    for name in checker.ordered({name: one.value for name, one in drafts.items()}, CONSTANT):
        value = checker.values.constant(drafts[name].value)
        if value is not None:
            checker.known[name] = value
    return tuple(
        Constant(name, checker.known.get(name, math.nan), one.name.span, one.unit, one.doc)
        for name, one in drafts.items()
    )


def parameters_of(drafts: Mapping[str, ParameterDeclaration], checker: Checker) -> tuple[Parameter, ...]:
    """Parameters with what their declarations say of them."""
    defaults = {name: one.default for name, one in drafts.items() if one.default is not None}
    for default in defaults.values():
        checker.check(default, DEFAULT)
    checker.ordered(defaults, PARAMETER)
    parameters = []
    for name, one in drafts.items():
        bounds = checker.values.bounds(one.bounds)
        nominal = checker.values.nominal(one.nominal)
        parameters.append(Parameter(name, one.default, one.unit, bounds, nominal, one.doc, one.name.span))
    return tuple(parameters)
