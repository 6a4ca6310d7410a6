"""The built-in functions of the language as a table: name -> operation of the graph, arity, kinds.

The builder checks calls against it, lowering reads the operation, the sympy view reads the names.
Plain data: no sympy, no numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

NUMBER = "number"
BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One built-in function.

    Attributes:
        name: as written in a model.
        operation: the graph's operation of the same meaning. Four need more than one node when lowered:
            ``min`` and ``max`` (n-ary: folded from the left), ``select`` (nested for `piecewise`) and
            ``heaviside`` (`floor(1 + sign(x)/2)`).
        minimum: fewest arguments.
        maximum: most arguments, None for any number.
        meaning: one line for messages and documentation.
    """

    name: str
    operation: str
    minimum: int
    maximum: int | None
    meaning: str

    def accepts(self, count: int) -> bool:
        """Whether a call may have `count` arguments."""
        if self.name == "piecewise" and count % 2 == 0:
            return False
        return count >= self.minimum and (self.maximum is None or count <= self.maximum)

    def kind(self, position: int, count: int) -> str:
        """The kind (``"number"`` or ``"boolean"``) of argument `position` (from 0) in a call with `count`."""
        if self.name == "piecewise":
            return BOOLEAN if position % 2 == 1 else NUMBER
        if self.operation == "select":
            return BOOLEAN if position == 0 else NUMBER
        return NUMBER

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words: ``"1 argument"``, ``"at least 2 arguments"``."""
        if self.name == "piecewise":
            return "an odd number of arguments, at least 3 (value, condition, ..., value otherwise)"
        if self.maximum is None:
            return f"at least {self.minimum} arguments"
        return "1 argument" if self.minimum == 1 else f"{self.minimum} arguments"


def _unary(name: str, meaning: str) -> BuiltIn:
    return BuiltIn(name, name, 1, 1, meaning)


_TABLE = (
    _unary("abs", "absolute value"),
    _unary("sign", "-1, 0 or 1"),
    _unary("exp", "exponential"),
    _unary("log", "natural logarithm"),
    _unary("log10", "logarithm to base 10"),
    _unary("log2", "logarithm to base 2"),
    _unary("sqrt", "square root"),
    _unary("sin", "sine"),
    _unary("cos", "cosine"),
    _unary("tan", "tangent"),
    _unary("asin", "inverse sine"),
    _unary("acos", "inverse cosine"),
    _unary("atan", "inverse tangent"),
    BuiltIn("atan2", "atan2", 2, 2, "angle of the point (x, y) in atan2(y, x)"),
    _unary("sinh", "hyperbolic sine"),
    _unary("cosh", "hyperbolic cosine"),
    _unary("tanh", "hyperbolic tangent"),
    _unary("erf", "error function"),
    _unary("floor", "largest integer not above"),
    _unary("ceil", "smallest integer not below"),
    BuiltIn("mod", "mod", 2, 2, "remainder with the sign of the divisor: a - b*floor(a/b)"),
    BuiltIn("heaviside", "heaviside", 1, 1, "0 below zero, 1 from zero on"),
    _unary("gamma", "gamma function"),
    BuiltIn("min", "min", 2, None, "smallest argument"),
    BuiltIn("max", "max", 2, None, "largest argument"),
    BuiltIn("ifelse", "select", 3, 3, "ifelse(condition, value if true, value if false)"),
    BuiltIn("where", "select", 3, 3, "where(condition, value if true, value if false)"),
    BuiltIn(
        "piecewise", "select", 3, None, "piecewise(value, condition, value, condition, ..., value otherwise)"
    ),
)

BUILT_IN: dict[str, BuiltIn] = {function.name: function for function in _TABLE}

# What other languages call these functions: the help of "unknown function".
FOREIGN: dict[str, str] = {
    "ln": "log",
    "lg": "log10",
    "fabs": "abs",
    "sgn": "sign",
    "signum": "sign",
    "tg": "tan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctg": "atan",
    "ceiling": "ceil",
    "fmod": "mod",
    "rem": "mod",
    "step": "heaviside",
    "fmin": "min",
    "fmax": "max",
    "minimum": "min",
    "maximum": "max",
    "iif": "ifelse",
    "select": "ifelse",
}
