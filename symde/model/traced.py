"""Values that write down the operations done to them as expressions."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from symde.language.syntax import Call, Expr, Negate, Number, Power, Product, Sum


class TraceError(Exception):
    """A Python function does something that no expression can say; it must be called back instead."""


def as_expression(value: Any) -> Expr:
    """The expression of a traced value or of a number; TraceError for anything else."""
    if isinstance(value, Traced):
        return value.expression
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return as_expression(value.item())
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TraceError(f"a {type(value).__name__} stands where a number is expected")
    short = int(value) if isinstance(value, numbers.Integral) else float(value)
    if not math.isfinite(short) or abs(short) > 1.7e308:
        raise TraceError(f"the constant {short!r} is not finite")
    literal = Number(abs(short), repr(abs(short)), span=None)
    return Negate(literal, span=None) if short < 0 else literal


def _refuse(self: Traced, *_: Any) -> NoReturn:
    raise TraceError(
        "a value is needed while the function is traced: it branches on or converts its arguments"
    )


def _call(function: str) -> Callable[..., Traced]:
    def method(*operands: Any) -> Traced:
        return Traced(Call(function, tuple(as_expression(one) for one in operands), span=None))

    return method


def _binary(make: Callable[[Expr, Expr], Expr]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The method for `self op other` and its reflection; arrays and foreign objects get their own turn."""

    def forward(self: Traced, other: Any) -> Any:
        if not _is_scalar(other):
            return NotImplemented
        return Traced(make(self.expression, as_expression(other)))

    def reflected(self: Traced, other: Any) -> Any:
        if not _is_scalar(other):
            return NotImplemented
        return Traced(make(as_expression(other), self.expression))

    return forward, reflected


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (Traced, numbers.Number, np.generic))


class Traced:
    """A real number that is not known yet: arithmetic on it makes a larger expression.

    Branches, comparisons and conversions raise :class:`TraceError`. numpy calls the methods `sin`, `exp`, ...
    on the elements of object arrays, so arrays of traced values work with its functions and with `@`.
    """

    __slots__ = ("expression",)

    def __init__(self, expression: Expr):
        self.expression = expression

    __add__, __radd__ = _binary(lambda a, b: Sum((("+", a), ("+", b)), span=None))
    __sub__, __rsub__ = _binary(lambda a, b: Sum((("+", a), ("-", b)), span=None))
    __mul__, __rmul__ = _binary(lambda a, b: Product((("*", a), ("*", b)), span=None))
    __truediv__, __rtruediv__ = _binary(lambda a, b: Product((("*", a), ("/", b)), span=None))
    __pow__, __rpow__ = _binary(lambda a, b: Power(a, b, span=None))
    __mod__, __rmod__ = _binary(lambda a, b: Call("mod", (a, b), span=None))
    __floordiv__, __rfloordiv__ = _binary(
        lambda a, b: Call("floor", (Product((("*", a), ("/", b)), span=None),), span=None)
    )

    def __neg__(self) -> Traced:
        return Traced(Negate(self.expression, span=None))

    def __pos__(self) -> Traced:
        return self

    __abs__ = _call("abs")
    __floor__ = floor = _call("floor")
    __ceil__ = ceil = _call("ceil")

    __bool__ = __int__ = __float__ = __index__ = __complex__ = __round__ = __trunc__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __eq__ = __ne__ = _refuse  # type: ignore[assignment]
    __hash__ = object.__hash__

    # The names under which numpy looks for functions on elements of object arrays.
    exp, log, log10, log2 = _call("exp"), _call("log"), _call("log10"), _call("log2")
    sqrt, sin, cos, tan = _call("sqrt"), _call("sin"), _call("cos"), _call("tan")
    sinh, cosh, tanh = _call("sinh"), _call("cosh"), _call("tanh")
    arcsin, arccos, arctan, arctan2 = _call("asin"), _call("acos"), _call("atan"), _call("atan2")
    fabs = _call("abs")

    def square(self) -> Traced:
        """The square, as numpy computes it: x*x."""
        return self * self

    def reciprocal(self) -> Traced:
        """1/x."""
        return 1 / self

    def conjugate(self) -> Traced:
        """Itself: the number is real."""
        return self

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise TraceError(f"numpy's {ufunc.__name__}.{method} with these options cannot be traced")
        if any(isinstance(one, np.ndarray) for one in inputs):
            return ufunc(*(_element(one) for one in inputs))
        make = _UFUNCS.get(ufunc.__name__)
        if make is None:
            raise TraceError(f"numpy's {ufunc.__name__} cannot be traced")
        return make(*inputs)


def _element(value: Any) -> Any:
    """A traced value as an object array without dimensions, so that numpy broadcasts it."""
    if not isinstance(value, Traced):
        return value
    array = np.empty((), dtype=object)
    array[()] = value
    return array


_UFUNCS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: _sides("__add__", "__radd__", a, b),
    "subtract": lambda a, b: _sides("__sub__", "__rsub__", a, b),
    "multiply": lambda a, b: _sides("__mul__", "__rmul__", a, b),
    "divide": lambda a, b: _sides("__truediv__", "__rtruediv__", a, b),
    "power": lambda a, b: _sides("__pow__", "__rpow__", a, b),
    "float_power": lambda a, b: _sides("__pow__", "__rpow__", a, b),
    "remainder": lambda a, b: _sides("__mod__", "__rmod__", a, b),
    "floor_divide": lambda a, b: _sides("__floordiv__", "__rfloordiv__", a, b),
    "negative": lambda a: -a,
    "positive": lambda a: a,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1 / a,
    "conjugate": lambda a: a,
    "absolute": _call("abs"),
    "fabs": _call("abs"),
    "sign": _call("sign"),
    "maximum": _call("max"),
    "minimum": _call("min"),
    "arcsin": _call("asin"),
    "arccos": _call("acos"),
    "arctan": _call("atan"),
    "arctan2": _call("atan2"),
    **{
        name: _call(name)
        for name in (
            *("exp", "log", "log10", "log2", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
            *("floor", "ceil"),
        )
    },
}


def _sides(forward: str, reflected: str, a: Any, b: Any) -> Any:
    """`a op b` where at least one of them is traced."""
    if isinstance(a, Traced):
        return getattr(a, forward)(b)
    return getattr(b, reflected)(a)
