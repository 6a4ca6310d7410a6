"""The syntax tree: what the modeller wrote, with the place where it was written."""

from __future__ import annotations

from dataclasses import dataclass, field

from symde.diagnostics import Span
from symde.language.event_syntax import DiscreteDeclaration, DomainDeclaration, EventStatement
from symde.language.reaction_syntax import JumpStatement, ReactionStatement


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: int | float
    text: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A name; primes belong to it (`x'`)."""

    id: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of arguments; whose function it is, the builder decides."""

    function: str
    arguments: tuple[Expr, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms with their signs, left to right."""

    terms: tuple[tuple[str, Expr], ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Product:
    """Factors with `*` or `/`, left to right; `implicit` where a number touches what it multiplies (`2x`)."""

    factors: tuple[tuple[str, Expr], ...]
    implicit: bool = False
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """-operand."""

    operand: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Power:
    """base ^ exponent."""

    base: Expr
    exponent: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain of comparisons, a < b <= c."""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """Operands joined by `and` or by `or`."""

    operator: str
    operands: tuple[Expr, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """not operand."""

    operand: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if condition else otherwise`, `condition ? then : otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span | None = field(default=None, compare=False)


Expr = Number | Name | Call | Sum | Product | Negate | Power | Compare | Logic | Not | Conditional


@dataclass(frozen=True, slots=True)
class Assignment:
    """`x = e`, and `dx = e`, which the builder tells apart."""

    target: Name
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Derivative:
    """`x' = e`, `x'' = e`, `D(x) = e`."""

    target: Name
    order: int
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Implicit:
    """`0 = e`, `e1 = e2`."""

    left: Expr
    right: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conserved:
    """`conserved e`: what solutions keep at its value at the start."""

    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Stratonovich:
    """`stratonovich`: the noise of the model is read in the sense of Stratonovich."""

    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ParameterDeclaration:
    """`param k = e [unit] in (lo, hi) nominal s "doc"`."""

    name: Name
    default: Expr | None = None
    unit: str | None = None
    bounds: tuple[Expr, Expr] | None = None
    nominal: Expr | None = None
    doc: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StateDeclaration:
    """`state x = e [unit] nominal s "doc"`."""

    name: Name
    initial: Expr | None = None
    unit: str | None = None
    nominal: Expr | None = None
    doc: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class InitialValue:
    """`x(0) = e`, `x(t0) = e`, `x'(0) = e`."""

    target: Name
    order: int
    at: Expr
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """`time a .. b`."""

    start: Expr
    end: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ConstantDeclaration:
    """`const c = number [unit] "doc"`."""

    name: Name
    value: Expr
    unit: str | None = None
    doc: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """`f(a, b) = e`."""

    name: Name
    parameters: tuple[Name, ...]
    body: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ExternDeclaration:
    """`extern net(a, b) -> 2`: a function from outside the text, its arguments named for the reader."""

    name: Name
    parameters: tuple[Name, ...]
    outputs: int
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Outputs:
    """`(f, g) = net(x, y)`: names for the values of a function from outside; `x'` is a derivative."""

    targets: tuple[Name, ...]
    value: Call
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Hamiltonian:
    """`hamiltonian H = e for (q, p), ...`: q' = dH/dp, p' = -dH/dq for each pair; H is observed."""

    name: Name
    value: Expr
    pairs: tuple[tuple[Name, Name], ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class History:
    """`history x = e`: the values of x before the solve begins."""

    target: Name
    value: Expr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Later:
    """A statement of the language that this version recognises and does not yet carry out."""

    feature: str
    keyword: str
    span: Span | None = field(default=None, compare=False)


Statement = (
    Assignment | Derivative | Implicit | ParameterDeclaration | StateDeclaration | InitialValue | TimeSpan
    | ConstantDeclaration | FunctionDefinition | ExternDeclaration | Outputs | Hamiltonian | EventStatement
    | DiscreteDeclaration | DomainDeclaration | Conserved | History | ReactionStatement | JumpStatement
    | Stratonovich | Later
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelBlock:
    """A whole model as written: `form` is "short", "long", "anonymous" or "function".

    `parameters` are the names after `end` of `@ode_def`, None where the form has none.
    """

    name: Name | None
    doc: str | None
    form: str
    statements: tuple[Statement, ...]
    parameters: tuple[Name, ...] | None = None
    span: Span | None = field(default=None, compare=False)
