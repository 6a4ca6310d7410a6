"""Syntax tree -> text: the inverse of the parser, with the fewest brackets that keep the tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from symde.language.event_syntax import (
    AtClause,
    DiscreteDeclaration,
    DomainDeclaration,
    EventStatement,
    EveryClause,
    WhenClause,
)
from symde.language.reaction_syntax import JumpStatement, ReactionStatement
from symde.language.reactions import statement_text
from symde.language.strings import quote
from symde.language.syntax import (
    Assignment,
    Call,
    Compare,
    Conditional,
    Conserved,
    ConstantDeclaration,
    Derivative,
    Expr,
    ExternDeclaration,
    FunctionDefinition,
    Hamiltonian,
    History,
    Implicit,
    InitialValue,
    Later,
    Logic,
    ModelBlock,
    Name,
    Negate,
    Not,
    Number,
    Outputs,
    ParameterDeclaration,
    Power,
    Product,
    StateDeclaration,
    Statement,
    Stratonovich,
    Sum,
    TimeSpan,
)

# How tightly a form binds, loosest first.
CONDITIONAL, OR, AND, NOT, COMPARE, SUM, PRODUCT, NEGATE, IMPLICIT, POWER, ATOM = range(11)

# An expression with the loosest form that may stand in its place without brackets, or text between such.
_Part = str | tuple[Expr, int]

# `2e3` is a number, and `2_000` looks like one: such a name after a number is put in brackets.
_CONTINUES_NUMBER = re.compile(r"[eE][0-9]|_")

# A condition that begins with one of these words is read as a direction, or ends at what is no option.
_DIRECTION = re.compile(r"(?:rising|falling|after|priority|persistent)(?![\w'])")
# An implicit equation that begins with one of these words would be read as the statement of that word.
_OPENS_STATEMENT = re.compile(
    r"(?:model|param|parameter|state|const|time|end|when|at|every|jump|extern|dom|hamiltonian|conserved|import"
    r"|use|history|discrete|stratonovich|stiff|nonstiff)(?![\w'])"
)


def unparse(node: Expr | Statement | ModelBlock) -> str:
    """The text of an expression, of a statement or of a whole model.

    Parsing it again gives an equal tree for every tree the parser makes, and one of the same meaning for
    others (negative numbers, a sum that begins with minus). A decorated function is written in the long form.
    """
    match node:
        case ModelBlock():
            return "".join(f"{line}\n" for line in _block(node))
        case (
            Number() | Name() | Call() | Sum() | Product() | Negate() | Power() | Compare() | Logic() | Not()
            | Conditional()
        ):  # fmt: skip
            return _text(node)
        case _:
            return _statement(node)


def _block(block: ModelBlock) -> Iterator[str]:
    name = block.name.id if block.name is not None else ""
    if block.form == "anonymous":
        yield from map(_statement, block.statements)
        return
    if block.form == "short":
        opening = f"@ode_def {name} begin" if name else "@ode_def begin"
    else:
        opening = f"model {name}".rstrip()
        opening += _doc(block.doc)
    yield opening
    statements = _primed(block.statements) if block.form == "function" else block.statements
    yield from (f"  {_statement(one)}" for one in statements)
    yield " ".join(["end", *(one.id for one in block.parameters or ())])


def _primed(statements: Iterable[Statement]) -> Iterator[Statement]:
    """`dx = e` as `x' = e` for declared states: a function always reads it so, the long form may not."""
    statements = tuple(statements)
    states = {one.name.id for one in statements if isinstance(one, StateDeclaration)}
    for one in statements:
        if isinstance(one, Assignment) and one.target.id[:1] == "d" and one.target.id[1:] in states:
            yield Derivative(Name(one.target.id[1:], one.target.span), 1, one.value, one.span)
        else:
            yield one


def _statement(node: Statement) -> str:
    match node:
        case Assignment(target=target, value=value):
            return f"{target.id} = {_text(value)}"
        case Derivative(target=target, order=order, value=value):
            return f"{target.id}{_primes(order)} = {_text(value)}"
        case Implicit(left=left, right=right):
            return f"{_left(left)} = {_text(right)}"
        case InitialValue(target=target, order=order, at=at, value=value):
            return f"{target.id}{_primes(order)}({_text(at)}) = {_text(value)}"
        case TimeSpan(start=start, end=end):
            return f"time {_text(start)} .. {_text(end)}"
        case ConstantDeclaration(name=name, value=value, unit=unit, doc=doc):
            return f"const {name.id}{_given(value, unit)}{_doc(doc)}"
        case FunctionDefinition(name=name, parameters=parameters, body=body):
            return f"{name.id}({', '.join(one.id for one in parameters)}) = {_text(body)}"
        case ExternDeclaration(name=name, parameters=parameters, outputs=count):
            return f"extern {name.id}({', '.join(one.id for one in parameters)}) -> {count}"
        case Outputs(targets=targets, value=value):
            return f"({', '.join(one.id for one in targets)}) = {_text(value)}"
        case ParameterDeclaration(name=name, default=default, unit=unit, nominal=nominal, doc=doc):
            rest = f"{_bounds(node.bounds)}{_nominal(nominal)}{_doc(doc)}"
            return f"param {name.id}{_given(default, unit)}{rest}"
        case StateDeclaration(name=name, initial=initial, unit=unit, nominal=nominal, doc=doc):
            return f"state {name.id}{_given(initial, unit)}{_nominal(nominal)}{_doc(doc)}"
        case Hamiltonian(name=name, value=value, pairs=pairs):
            conjugate = ", ".join(f"({q.id}, {p.id})" for q, p in pairs)
            return f"hamiltonian {name.id} = {_text(value)} for {conjugate}"
        case EventStatement():
            return _event(node)
        case DiscreteDeclaration(name=name, initial=initial, unit=unit, nominal=nominal, doc=doc):
            return f"discrete {name.id}{_given(initial, unit)}{_nominal(nominal)}{_doc(doc)}"
        case DomainDeclaration(name=name, low=low, high=high):
            lower, upper = (one and _within(one) for one in (low, high))
            if lower is None or upper is None:
                return f"dom {name.id} >= {lower}" if upper is None else f"dom {name.id} <= {upper}"
            return f"dom {lower} <= {name.id} <= {upper}"
        case Conserved(value=value):
            return f"conserved {_text(value)}"
        case Stratonovich():
            return "stratonovich"
        case History(target=target, value=value):
            return f"history {target.id} = {_text(value)}"
        case ReactionStatement() | JumpStatement():
            return statement_text(node, _text, _OPENS_STATEMENT.match)
        case Later(keyword=keyword, span=span):
            return span.text if span is not None else keyword
    raise TypeError(f"not a part of a model: {type(node).__name__}")


def _event(node: EventStatement) -> str:
    name = f"{node.name.id}: " if node.name is not None else ""
    options = "" if node.after is None else f" after {_text(node.after)}"
    options += " persistent" if node.persistent else ""
    options += "" if node.priority is None else f" priority {_text(node.priority)}"
    effects = [f"{one.target.id} = {_text(one.value)}" for one in node.resets]
    effects += ["stop"] if node.stop else []
    return f"{name}{_trigger(node.trigger)}{options}: {', '.join(effects)}"


def _trigger(trigger: WhenClause | AtClause | EveryClause) -> str:
    match trigger:
        case WhenClause(condition=condition, direction=direction):
            word = f"when {direction} " if direction is not None else "when "
            return word + _opening(condition)
        case AtClause(times=times):
            return f"at t = {', '.join(map(_text, times))}"
        case EveryClause(period=period, start=start, end=end):
            text = f"every {_opening(period)}"
            text += "" if start is None else f" from {_text(start)}"
            return text if end is None else f"{text} until {_text(end)}"


def _opening(expression: Expr) -> str:
    """An expression behind the first word of a statement: in brackets where that would be read otherwise."""
    text = _text(expression)
    plain = text[0].isalnum() or text[0] == "_"
    return text if plain and not _DIRECTION.match(text) else f"({text})"


def _within(bound: Expr) -> str:
    """A bound between comparisons."""
    text = _text(bound)
    return f"({text})" if binding(bound) <= COMPARE else text


def _primes(order: int) -> str:
    return "'" * order


def _given(value: Expr | None, unit: str | None) -> str:
    """Value and unit of a declaration, as far as it has them."""
    text = "" if value is None else f" = {_text(value)}"
    return text if unit is None else f"{text} [{unit}]"


def _left(left: Expr) -> str:
    """The left side of an implicit equation, in brackets where it would say something else without."""
    text = _text(left)
    quotient = isinstance(left, Product) and left.factors[-1][0] == "/"
    if isinstance(left, (Name, Call, Not)) or quotient or _OPENS_STATEMENT.match(text):
        return f"({text})"
    return text


def _bounds(bounds: tuple[Expr, Expr] | None) -> str:
    return "" if bounds is None else f" in ({_text(bounds[0])}, {_text(bounds[1])})"


def _nominal(value: Expr | None) -> str:
    return "" if value is None else f" nominal {_text(value)}"


def _doc(doc: str | None) -> str:
    return "" if doc is None else f" {quote(doc)}"


def _text(root: Expr) -> str:
    """The text of an expression, by a loop: a traced function may nest deeper than Python recurses."""
    pieces: list[str] = []
    stack: list[_Part] = [(root, CONDITIONAL)]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            pieces.append(part)
            continue
        node, loosest = part
        if binding(node) < loosest:
            stack.append(")")
            stack.extend(reversed(_parts(node)))
            stack.append("(")
        else:
            stack.extend(reversed(_parts(node)))
    return "".join(pieces)


def binding(node: Expr) -> int:
    """How tightly the outermost form of an expression binds."""
    match node:
        case Number(value=value):
            return NEGATE if value < 0 else ATOM
        case Sum():
            return SUM
        case Product():
            return IMPLICIT if _touches(node) else PRODUCT
        case Negate():
            return NEGATE
        case Power():
            return POWER
        case Compare():
            return COMPARE
        case Not():
            return NOT
        case Logic(operator=operator):
            return AND if operator == "and" else OR
        case Conditional():
            return CONDITIONAL
    return ATOM


def _parts(node: Expr) -> list[_Part]:
    """What an expression is written as, left to right."""
    match node:
        case Number(text=text, value=value):
            return [text or repr(value)]
        case Name(id=name):
            return [name]
        case Call(function=function, arguments=arguments):
            return [f"{function}(", *_joined(arguments, [", "] * len(arguments), CONDITIONAL), ")"]
        case Sum(terms=terms):
            return _sum(terms)
        case Product(factors=factors):
            return _implicit(factors) if _touches(node) else _product(factors)
        case Negate(operand=operand):
            return ["-", (operand, IMPLICIT)]
        case Power(base=base, exponent=exponent):
            return [(base, ATOM), "^", *_exponent(exponent)]
        case Compare(operands=operands, operators=operators):
            return _joined(operands, [f" {one} " for one in operators], SUM)
        case Logic(operator=operator, operands=operands):
            return _joined(operands, [f" {operator} "] * len(operands), NOT if operator == "and" else AND)
        case Not(operand=operand):
            return ["not ", (operand, COMPARE)]
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return [(then, OR), " if ", (condition, OR), " else ", (otherwise, CONDITIONAL)]
    raise TypeError(f"not an expression: {type(node).__name__}")


def _joined(operands: tuple[Expr, ...], between: list[str], loosest: int) -> list[_Part]:
    parts: list[_Part] = []
    for position, operand in enumerate(operands):
        if position:
            parts.append(between[position - 1])
        parts.append((operand, loosest))
    return parts


def _sum(terms: tuple[tuple[str, Expr], ...]) -> list[_Part]:
    (sign, first), *rest = terms
    parts: list[_Part] = [(first, PRODUCT)] if sign == "+" else ["-", (first, IMPLICIT)]
    for sign, term in rest:
        parts += [f" {sign} ", (term, ATOM if _begins_with_minus(term) else PRODUCT)]
    return parts


def _begins_with_minus(term: Expr) -> bool:
    """Whether a term's first character would be a minus: `a - -b` is written `a - (-b)`."""
    if isinstance(term, Product) and not _touches(term):
        term = term.factors[0][1]
    return binding(term) == NEGATE


def _product(factors: tuple[tuple[str, Expr], ...]) -> list[_Part]:
    (sign, first), *rest = factors
    parts: list[_Part] = [(first, NEGATE)] if sign == "*" else ["1/", (first, IMPLICIT)]
    for sign, factor in rest:
        parts += [sign, (factor, IMPLICIT)]
    return parts


def _touches(product: Product) -> bool:
    """Whether a product can be written as a number that touches what it multiplies."""
    match product:
        case Product(implicit=True, factors=(("*", Number() as number), ("*", _))):
            return number.value >= 0
    return False


def _implicit(factors: tuple[tuple[str, Expr], ...]) -> list[_Part]:
    number, factor = factors[0][1], factors[1][1]
    match factor.base if isinstance(factor, Power) else factor:
        case Number():
            mixes = True
        case Name(id=word) | Call(function=word):
            mixes = _CONTINUES_NUMBER.match(word) is not None
        case _:
            mixes = False
    return [(number, ATOM), "(", (factor, CONDITIONAL), ")"] if mixes else [(number, ATOM), (factor, POWER)]


def _exponent(exponent: Expr) -> list[_Part]:
    """`x^-1` and `x^y^z` need no brackets."""
    if isinstance(exponent, Negate) and binding(exponent.operand) >= POWER:
        return ["-", (exponent.operand, POWER)]
    if isinstance(exponent, Number):
        return [(exponent, NEGATE)]
    return [(exponent, POWER)]
