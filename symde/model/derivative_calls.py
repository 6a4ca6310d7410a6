"""`D(x)` read inside an expression is the derivative `x'`; both spellings become the same name here."""

from __future__ import annotations

import dataclasses

from symde.language.event_syntax import EventStatement, WhenClause
from symde.language.syntax import Call, Expr, ExternDeclaration, FunctionDefinition, ModelBlock, Name
from symde.model.walk import calls, fold, with_children

OPERATOR = "D"


def derivative_calls_as_names(block: ModelBlock) -> ModelBlock:
    """`block` with every `D(x)` replaced by the name `x'`, unless the model has a function `D` of its own."""
    own = (FunctionDefinition, ExternDeclaration)
    if any(isinstance(one, own) and one.name.id == OPERATOR for one in block.statements):
        return block
    return dataclasses.replace(block, statements=tuple(_rewrite(one) for one in block.statements))


def _rewrite(statement):
    if isinstance(statement, EventStatement):
        trigger = statement.trigger
        trigger = _rewrite(trigger) if isinstance(trigger, WhenClause) else trigger
        resets = tuple(_rewrite(one) for one in statement.resets)
        statement = dataclasses.replace(statement, trigger=trigger, resets=resets)
    changed = {}
    for field in ("value", "initial", "body", "condition", "after", "priority", "left", "right"):
        expression = getattr(statement, field, None)
        if expression is not None and any(_is_derivative(call) for call in calls(expression)):
            changed[field] = fold(expression, _replace)
    return dataclasses.replace(statement, **changed) if changed else statement


def _is_derivative(node: Expr) -> bool:
    return (
        isinstance(node, Call)
        and node.function == OPERATOR
        and len(node.arguments) == 1
        and isinstance(node.arguments[0], Name)
    )


def _replace(node: Expr, operands: tuple[Expr, ...]) -> Expr:
    if _is_derivative(node):
        (operand,) = operands
        assert isinstance(operand, Name)
        return Name(operand.id + "'", span=node.span)
    return with_children(node, operands)
