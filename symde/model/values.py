"""Values that must be known before any parameter: constants, bounds, nominal sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from symde.diagnostics import Diagnostics
from symde.language.syntax import Call, Expr
from symde.model.evaluate import NotConstantError, evaluate
from symde.model.scope import BOUND, FIXED, INFINITY, Context
from symde.model.walk import names

Check = Callable[[Expr, Context], None]


class FixedValues:
    """Evaluates expressions of numbers and constants, with an error where that gives no sensible value.

    Args:
        found: takes the errors.
        check: reports names and calls that mean nothing in an expression.
        functions: names of the model's functions, which a fixed value may not call.
    """

    def __init__(self, found: Diagnostics, check: Check, functions: Collection[str]):
        self.found = found
        self.check = check
        self.functions = functions

    def number(self, expression: Expr, values: Mapping[str, float], place: str) -> float | None:
        """The value of an expression of numbers and constants; None where it has none (reported)."""
        try:
            value = evaluate(expression, values)
        except NotConstantError as problem:
            # Names that are no constants were reported by the scope, unknown functions with their calls.
            if isinstance(problem.node, Call) and problem.node.function in self.functions:
                label = f"calls the function `{problem.node.function}`"
                self.found.error("E316", f"{place} must be a number", problem.node.span, label, FIXED.remedy)
            return None
        except OverflowError:
            value = math.inf
        except (ArithmeticError, ValueError):
            value = math.nan
        # Parts made of literals alone were reported where they stand, wrong constants where they are defined.
        known = all(math.isfinite(one) for name, one in values.items() if name != INFINITY)
        wrong = math.isnan(value) or (math.isinf(value) and INFINITY not in values)
        if wrong and known and any(names(expression)):
            label = "undefined" if math.isnan(value) else "beyond 1.8e308"
            self.found.error("E316", f"{place} must be a number", expression.span, label, None)
        return value

    def bounds(
        self, bounds: tuple[Expr, Expr] | None, values: Mapping[str, float]
    ) -> tuple[float, float] | None:
        """The ends of `in (lo, hi)`; None where there are none."""
        if bounds is None:
            return None
        infinite = dict(values) | {INFINITY: math.inf}
        ends = []
        for end in bounds:
            self.check(end, BOUND)
            ends.append(self.number(end, infinite, "a bound"))
        low, high = ends
        if low is None or high is None or math.isnan(low) or math.isnan(high):
            return None
        if low >= high:
            first, last = bounds[0].span, bounds[1].span
            span = first.to(last) if first is not None and last is not None else None
            help_text = "write the lower bound first" if low > high else "leave room between the bounds"
            self.found.error(
                "E314", f"the bounds {low:g} and {high:g} hold nothing", span, "empty", help_text
            )
        return (low, high)

    def nominal(self, nominal: Expr | None, values: Mapping[str, float]) -> float | None:
        """The number after `nominal`; None where there is none."""
        if nominal is None:
            return None
        self.check(nominal, FIXED)
        value = self.number(nominal, values, "a nominal size")
        if value is not None and value <= 0:
            message = f"a nominal size is positive, and this is {value:g}"
            help_text = "give the usual magnitude, without sign"
            self.found.error("E315", message, nominal.span, "not positive", help_text)
        return value
