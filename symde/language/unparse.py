"""From the syntax tree to text, with the fewest brackets that give the same tree again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symde.language.equations import quotient
from symde.language.strings import quote
from symde.language.syntax import (
    Assignment,
    Call,
    Compare,
    Conditional,
    ConstantDeclaration,
    Derivative,
    Expr,
    FunctionDefinition,
    Implicit,
    InitialValue,
    Later,
    Logic,
    ModelBlock,
    Name,
    Negate,
    Not,
    Number,
    ParameterDeclaration,
    Power,
    Product,
    StateDeclaration,
    Statement,
    Sum,
    TimeSpan,
)

# How tightly a node holds together, and what a place asks for; the names are the grammar's rules.
EXPRESSION, DISJUNCTION, CONJUNCTION, INVERSION, COMPARISON, SUM, PRODUCT, FACTOR, EXPONENT, POWER, ATOM = (
    range(11)
)

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# A number that touches such a name would be read as another number.
_LOOKS_LIKE_A_NUMBER = re.compile(r"[eExXbBoO_]")
_OPENS_A_STATEMENT = re.compile(
    r"(?:model|param(?:eter)?|state|const|time|end|when|at|every|jump|extern|dom|hamiltonian|conserved|import|use"
    r"|history|discrete|stratonovich)(?![\w'])"
)
_INDENT = "  "


def unparse(node: ModelBlock | Statement | Expr) -> str:
    """The text of a model, a statement or an expression; parsing it gives an equal tree.

    Raises:
        TypeError: `node` is no part of a syntax tree.
    """
    if isinstance(node, ModelBlock):
        return _block(node)
    if isinstance(node, Expr):
        return _expression(node)
    return _statement(node)


def _block(block: ModelBlock) -> str:
    lines = [_statement(one) for one in block.statements]
    if block.form == "anonymous":
        return "\n".join(lines)
    name = block.name.id if block.name is not None else ""
    if block.form == "short":
        head = f"@ode_def {name} begin" if name else "@ode_def begin"
        tail = " ".join(["end", *(one.id for one in block.parameters or ())])
    else:
        head = f"model {name or 'Model'}" + (f" {quote(block.doc)}" if block.doc is not None else "")
        tail = "end"
    return "\n".join([head, *(_INDENT + line for line in lines), tail])


def _statement(node: Statement) -> str:
    match node:
        case Assignment(target=target, value=value):
            return f"{target.id} = {_expression(value)}"
        case Derivative(target=target, order=order, value=value):
            return f"{target.id}{_primes(order)} = {_expression(value)}"
        case Implicit(left=left, right=right):
            return f"{_left_side(left)} = {_expression(right)}"
        case ParameterDeclaration() | StateDeclaration() | ConstantDeclaration():
            return " ".join(_declaration(node))
        case InitialValue(target=target, order=order, at=at, value=value):
            return f"{target.id}{_primes(order)}({_expression(at)}) = {_expression(value)}"
        case TimeSpan(start=start, end=end):
            return f"time {_expression(start)} .. {_expression(end)}"
        case FunctionDefinition(name=name, parameters=parameters, body=body):
            return f"{name.id}({', '.join(one.id for one in parameters)}) = {_expression(body)}"
        case Later(span=span):
            return span.text if span is not None else ""
    raise TypeError(f"not a part of a syntax tree: {type(node).__name__}")


def _primes(order: int) -> str:
    return "'" * order


def _declaration(node: ParameterDeclaration | StateDeclaration | ConstantDeclaration) -> Iterator[str]:
    match node:
        case ParameterDeclaration():
            word, value, bounds, nominal = "param", node.default, node.bounds, node.nominal
        case StateDeclaration():
            word, value, bounds, nominal = "state", node.initial, None, node.nominal
        case ConstantDeclaration():
            word, value, bounds, nominal = "const", node.value, None, None
    yield f"{word} {node.name.id}"
    if value is not None:
        yield f"= {_expression(value)}"
    if node.unit is not None:
        yield f"[{node.unit}]"
    if bounds is not None:
        yield f"in ({_expression(bounds[0])}, {_expression(bounds[1])})"
    if nominal is not None:
        yield f"nominal {_expression(nominal)}"
    if node.doc is not None:
        yield quote(node.doc)


def _left_side(left: Expr) -> str:
    """A left side of an implicit equation: in brackets where it would mean something else without."""
    text = _expression(left)
    if isinstance(left, (Name, Call)) or quotient(left) is not None or _OPENS_A_STATEMENT.match(text):
        return f"({text})"
    return text


def _expression(root: Expr) -> str:
    """Text of an expression, by a stack of what is still to be written, so that depth does not matter."""
    written: list[str] = []
    waiting: list[str | tuple[Expr, int]] = [(root, EXPRESSION)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            written.append(part)
            continue
        node, place = part
        level, parts = _written(node, place)
        if level < place:
            _, parts = _written(node, EXPRESSION)
            parts = ["(", *parts, ")"]
        waiting.extend(reversed(parts))
    return "".join(written)


def _written(node: Expr, place: int) -> tuple[int, list[Any]]:
    """How tightly a node holds together, and its text as strings and operands with their places."""
    match node:
        case Number(value=value, text=text):
            return _number(value, text)
        case Name(id=name):
            return (ATOM if name != "not" else -1, [name]) if place != EXPRESSION else (ATOM, [name])
        case Call(function=function, arguments=arguments):
            operands = _joined([(one, EXPRESSION) for one in arguments], [", "] * len(arguments))
            return ATOM, [function, "(", *operands, ")"]
        case Sum(terms=terms):
            signs = [f" {sign} " for sign, _ in terms]
            return SUM, _joined([(one, PRODUCT) for _, one in terms], signs)
        case Product(factors=((_, Number() as number), (_, other)), implicit=True):
            inner = [(other, POWER)] if _may_touch(other) else ["(", (other, EXPRESSION), ")"]
            return FACTOR, [_number(number.value, number.text)[1][0], *inner]
        case Product(factors=factors):
            return PRODUCT, _joined([(one, FACTOR) for _, one in factors], [sign for sign, _ in factors])
        case Negate(operand=operand):
            return (
                (EXPONENT, ["-", (operand, EXPONENT)])
                if place == EXPONENT
                else (FACTOR, ["-", (operand, FACTOR)])
            )
        case Power(base=base, exponent=exponent):
            return POWER, [(base, ATOM), "^", (exponent, EXPONENT)]
        case Compare(operands=operands, operators=operators):
            signs = ["", *(f" {one} " for one in operators)]
            return COMPARISON, _joined([(one, SUM) for one in operands], signs)
        case Logic(operator="or", operands=operands):
            return DISJUNCTION, _joined([(one, CONJUNCTION) for one in operands], [" or "] * len(operands))
        case Logic(operands=operands):
            return CONJUNCTION, _joined([(one, INVERSION) for one in operands], [" and "] * len(operands))
        case Not(operand=operand):
            return INVERSION, ["not ", (operand, INVERSION)]
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return EXPRESSION, [
                (then, DISJUNCTION), " if ", (condition, DISJUNCTION), " else ", (otherwise, EXPRESSION)
            ]  # fmt: skip
    raise TypeError(f"not a part of a syntax tree: {type(node).__name__}")


def _joined(operands: list[Any], signs: list[str]) -> list[Any]:
    """Operands with a sign before each but the first."""
    parts: list[Any] = []
    for sign, operand in zip(signs, operands, strict=True):
        parts += [sign, operand] if parts else [operand]
    return parts


def _number(value: int | float, text: str) -> tuple[int, list[Any]]:
    """A number as it was written; one that came from elsewhere as Python writes it."""
    if _NUMBER.fullmatch(text):
        return ATOM, [text]
    return (ATOM if value >= 0 else FACTOR), [repr(value)]


def _may_touch(operand: Expr) -> bool:
    """Whether a number may touch an operand without becoming another number."""
    while isinstance(operand, Power):
        operand = operand.base
    if isinstance(operand, Name):
        return not _LOOKS_LIKE_A_NUMBER.match(operand.id) and operand.id != "not"
    if isinstance(operand, Call):
        return not _LOOKS_LIKE_A_NUMBER.match(operand.function)
    return not isinstance(operand, Number)
