"""The check of one expression: its names, where they may be read, and what it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from symde.diagnostics import Diagnostics
from symde.language.syntax import Expr, ParameterDeclaration
from symde.model import externs
from symde.model.definition import PI
from symde.model.draft import (
    CONSTANT,
    DISCRETE,
    EXTERN,
    FUNCTION,
    OBSERVABLE,
    PARAMETER,
    STATE,
    Draft,
)
from symde.model.equations import StateDraft
from symde.model.functions import NUMBER
from symde.model.kinds import check_expression
from symde.model.order import describe_cycle, order_by_dependence
from symde.model.scope import Context, Scope
from symde.model.values import FixedValues
from symde.model.walk import names


def scope_of(
    draft: Draft,
    states: Mapping[str, StateDraft],
    parameters: Mapping[str, ParameterDeclaration],
    found: Diagnostics,
) -> Scope:
    """What each name of a model is."""
    kinds: dict[str, str] = {name: STATE for name in states}
    kinds |= {name: PARAMETER for name in parameters}
    kinds |= {name: CONSTANT for name in draft.constants}
    kinds |= {name: OBSERVABLE for name in draft.observables if name not in kinds}
    kinds |= {name: FUNCTION for name in draft.functions}
    kinds |= {name: EXTERN for name in draft.externs}
    kinds |= dict.fromkeys(draft.discretes, DISCRETE)
    # A declared state without equation was reported once; reading it is no second mistake.
    kinds |= {name: STATE for name in draft.states if name not in kinds}
    hints = {
        "short": "list `{name}` after `end` to make it a parameter",
        "long": "declare it: `param {name} = value`",
        "function": "make `{name}` a keyword-only argument, to make it a parameter",
    }
    hint = hints.get(draft.block.form, "name it among the parameters")
    followed = frozenset(draft.discretes.keys() & parameters.keys())
    return Scope(found, kinds, unknown_help=hint, unknown_allowed=draft.incomplete, followed=followed)


class Checker:
    """Checks expressions of one draft.

    Args:
        draft, scope, found: The statements, what their names are, and where mistakes are reported.

    Attributes:
        arities: Number of arguments of the functions that the model names.
        known: Values of the constants, as far as they are known yet.
        values: Numbers that the text fixes.
    """

    def __init__(self, draft: Draft, scope: Scope, found: Diagnostics) -> None:
        self.draft, self.scope, self.found = draft, scope, found
        self.arities = {name: len(one.parameters) for name, one in draft.functions.items()}
        self.arities |= externs.arities(draft)
        self.known: dict[str, float] = {PI: math.pi}
        self.values = FixedValues(found, self.check, self.arities, self.known)

    def check(
        self,
        expression: Expr,
        context: Context,
        arguments: Iterable[str] = (),
        kind: str = NUMBER,
        drawn: bool = False,
    ) -> None:
        """Report what is wrong with an expression; `kind` says whether it is a number or a condition, `drawn`
        whether random numbers are drawn in it."""
        self.scope.check(expression, context, arguments)
        check_expression(
            expression,
            self.found,
            self.scope.kinds,
            self.arities,
            self.known,
            self.draft.incomplete,
            kind,
            tuple(arguments),
            drawn,
        )

    def ordered(self, expressions: Mapping[str, Expr], kind: str) -> list[str]:
        """The names of expressions that read each other, dependencies first; cycles are reported."""
        reads = {name: [one.id for one in names(value)] for name, value in expressions.items()}
        order, cycles = order_by_dependence(reads)
        for cycle in cycles:
            self.found.error(
                "E306",
                f"{kind} `{cycle[0]}` depends on itself: {describe_cycle(cycle)}",
                expressions[cycle[0]].span,
                "closes the circle",
                "give one of them a number",
            )
        return order
