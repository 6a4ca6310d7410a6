"""Small models as data, without the parser."""

from __future__ import annotations

from symde.language.syntax import Call, Expr, Name, Negate, Number, Power, Product, Sum
from symde.model.definition import Constant, Definition, Function, Observable, Parameter, State


def n(value: float) -> Number:
    """A number."""
    return Number(value, str(value))


def v(name: str) -> Name:
    """A name."""
    return Name(name)


def add(*terms: Expr) -> Sum:
    """terms[0] + terms[1] + ..."""
    return Sum(tuple(("+", term) for term in terms))


def sub(a: Expr, b: Expr) -> Sum:
    """a - b."""
    return Sum((("+", a), ("-", b)))


def mul(*factors: Expr) -> Product:
    """factors[0] * factors[1] * ..."""
    return Product(tuple(("*", factor) for factor in factors))


def div(a: Expr, b: Expr) -> Product:
    """a / b."""
    return Product((("*", a), ("/", b)))


def definition(
    states: dict[str, Expr],
    parameters: dict[str, Expr | None] | None = None,
    observables: dict[str, Expr] | None = None,
    constants: dict[str, float] | None = None,
    functions: tuple[Function, ...] = (),
    initial: dict[str, Expr] | None = None,
    tspan: tuple[Expr, Expr] | None = None,
) -> Definition:
    """A model of these parts."""
    return Definition(
        name="test",
        doc=None,
        states=tuple(State(name, e, (initial or {}).get(name)) for name, e in states.items()),
        parameters=tuple(Parameter(name, default) for name, default in (parameters or {}).items()),
        observables=tuple(Observable(name, e) for name, e in (observables or {}).items()),
        constants=tuple(Constant(name, value) for name, value in (constants or {}).items()),
        functions=functions,
        tspan=tspan,
    )


def robertson() -> Definition:
    """Robertson (1966): three states, three parameters."""
    k1, k2, k3, y1, y2, y3 = map(v, ["k1", "k2", "k3", "y1", "y2", "y3"])
    first, second, third = mul(k1, y1), mul(k2, Power(y2, n(2))), mul(k3, y2, y3)
    return definition(
        {
            "y1": add(Negate(first), third),
            "y2": Sum((("+", first), ("-", second), ("-", third))),
            "y3": second,
        },
        {"k1": n(0.04), "k2": n(3e7), "k3": n(1e4)},
        {"total": add(y1, y2, y3), "flux": mul(k1, y1)},
        initial={"y1": n(1.0), "y2": n(0.0), "y3": n(0.0)},
        tspan=(n(0.0), n(1e5)),
    )


__all__ = ["Call", "Function", "add", "definition", "div", "mul", "n", "robertson", "sub", "v"]
