"""Values that must be known before any parameter: constants, bounds, nominal sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from symde.diagnostics import Diagnostics
from symde.language.syntax import Call, Expr, Name, Negate
from symde.model.evaluate import NotConstantError, evaluate
from symde.model.scope import BOUND, FIXED, INFINITY, Context

Check = Callable[[Expr, Context], None]


class FixedValues:
    """Evaluates expressions of numbers and constants, with an error where that gives no sensible value.

    Args:
        found: takes the errors.
        check: reports names and calls that mean nothing in an expression, and parts that are no number.
        functions: names of the model's functions, which a fixed value may not call.
        known: values of the constants.
    """

    def __init__(
        self, found: Diagnostics, check: Check, functions: Collection[str], known: Mapping[str, float]
    ):
        self.found = found
        self.check = check
        self.functions = functions
        self.known = known

    def constant(self, value: Expr) -> float | None:
        """The number after `const c =`; None, with an error, where it is none."""
        self.check(value, FIXED)
        return self._number(value, self.known, "a constant")

    def bounds(self, bounds: tuple[Expr, Expr] | None) -> tuple[float, float] | None:
        """The ends of `in (lo, hi)`; None where there are none."""
        if bounds is None:
            return None
        infinite = {**self.known, INFINITY: math.inf}
        ends = []
        for end in bounds:
            self.check(end, BOUND)
            ends.append(self._number(end, infinite, "a bound"))
        low, high = ends
        if low is None or high is None:
            return None
        if low >= high:
            first, last = bounds[0].span, bounds[1].span
            span = first.to(last) if first is not None and last is not None else None
            message = f"the bounds {low:g} and {high:g} hold nothing"
            help_text = "write the lower bound first" if low > high else "leave room between the bounds"
            self.found.error("E314", message, span, "empty", help_text)
        return (low, high)

    def domain(self, low: Expr | None, high: Expr | None) -> tuple[float | None, float | None]:
        """The ends of a domain, None where it is open (or its end is no number, which is reported)."""
        infinite = Name(INFINITY, span=None)
        ends = self.bounds((low or Negate(infinite), high or infinite))
        lowest, highest = ends if ends is not None else (math.inf, math.inf)
        return lowest if math.isfinite(lowest) else None, highest if math.isfinite(highest) else None

    def nominal(self, nominal: Expr | None) -> float | None:
        """The number after `nominal`; None where there is none."""
        if nominal is None:
            return None
        self.check(nominal, FIXED)
        value = self._number(nominal, self.known, "a nominal size")
        if value is not None and value <= 0:
            message = f"a nominal size is positive, and this is {value:g}"
            help_text = "give the usual magnitude, without sign"
            self.found.error("E315", message, nominal.span, "not positive", help_text)
        return value

    def _number(self, expression: Expr, values: Mapping[str, float], place: str) -> float | None:
        """The value of an expression; None where it has none, which is reported."""
        try:
            value = evaluate(expression, values)
        except NotConstantError as problem:
            # Names that are no constants were reported by the scope, unknown functions with their calls.
            if isinstance(problem.node, Call) and problem.node.function in self.functions:
                label = f"calls the function `{problem.node.function}`"
                self.found.error("E316", f"{place} must be a number", problem.node.span, label, FIXED.remedy)
            return None
        except (ArithmeticError, ValueError):
            # Reported where the part stands that has no value.
            return None
        return None if math.isnan(value) else value
