"""Digamma and trigamma in LLVM IR, as `symde.codegen.special` has them: the C library has neither."""

from __future__ import annotations

import math
import struct

from symde.codegen.special import DIGAMMA_SERIES, SHIFT, TRIGAMMA_SERIES

USES: dict[str, tuple[str, ...]] = {
    "digamma": ("log", "tan", "llvm.floor.f64"),
    "trigamma": ("sin", "llvm.floor.f64"),
}
"""Functions that each definition calls, to be declared beside it."""


def constant(value: float) -> str:
    """A float64 constant as LLVM reads it back exactly."""
    return "0x" + struct.pack(">d", value).hex().upper()


def definition(op: str) -> str:
    """The internal function `symde_<op>(double) -> double`."""
    return _digamma() if op == "digamma" else _trigamma()


def _digamma() -> str:
    return f"""define internal double @symde_digamma(double %x) noinline nounwind {{
entry:
{_case_split(pole=math.nan)}
reflect:
  %r = fsub double {constant(1.0)}, %x
  %pr = call double @symde_digamma(double %r)
  %above = fadd double %x, {constant(0.5)}
  %nearest = call double @llvm.floor.f64(double %above)
  %part = fsub double %x, %nearest
  %angle = fmul double %part, {constant(math.pi)}
  %tan = call double @tan(double %angle)
  %cot = fdiv double {constant(math.pi)}, %tan
  %reflected = fsub double %pr, %cot
  ret double %reflected
{_shift("%inverse = fdiv double " + constant(1.0) + ", %y")}
series:
  %yy = fmul double %y, %y
  %square = fdiv double {constant(1.0)}, %yy
{_series(DIGAMMA_SERIES)}
  %log = call double @log(double %y)
  %half = fdiv double {constant(0.5)}, %y
  %s0 = fsub double %log, %half
  %s1 = fadd double %s0, %tail
  %value = fsub double %s1, %sum
  ret double %value
}}
"""


def _trigamma() -> str:
    return f"""define internal double @symde_trigamma(double %x) noinline nounwind {{
entry:
{_case_split(pole=math.inf)}
reflect:
  %r = fsub double {constant(1.0)}, %x
  %pr = call double @symde_trigamma(double %r)
  %above = fadd double %x, {constant(0.5)}
  %nearest = call double @llvm.floor.f64(double %above)
  %part = fsub double %x, %nearest
  %angle = fmul double %part, {constant(math.pi)}
  %sin = call double @sin(double %angle)
  %csc = fdiv double {constant(math.pi)}, %sin
  %csc2 = fmul double %csc, %csc
  %reflected = fsub double %csc2, %pr
  ret double %reflected
{_shift("%z = fdiv double " + constant(1.0) + ", %y", "%inverse = fdiv double %z, %y")}
series:
  %yy = fmul double %y, %y
  %square = fdiv double {constant(1.0)}, %yy
{_series(TRIGAMMA_SERIES)}
  %s0 = fadd double %tail, {constant(1.0)}
  %s1 = fdiv double %s0, %y
  %half = fmul double %square, {constant(0.5)}
  %s2 = fadd double %s1, %half
  %value = fadd double %s2, %sum
  ret double %value
}}
"""


def _case_split(pole: float) -> str:
    return f"""  %floor = call double @llvm.floor.f64(double %x)
  %low = fcmp ole double %x, {constant(0.0)}
  br i1 %low, label %below, label %shift
below:
  %whole = fcmp oeq double %x, %floor
  br i1 %whole, label %pole, label %reflect
pole:
  ret double {constant(pole)}"""


def _shift(*inverse: str) -> str:
    lines = "\n  ".join(inverse)
    return f"""shift:
  %y = phi double [ %x, %entry ], [ %up, %again ]
  %sum = phi double [ {constant(0.0)}, %entry ], [ %more, %again ]
  %small = fcmp olt double %y, {constant(SHIFT)}
  br i1 %small, label %again, label %series
again:
  {lines}
  %more = fadd double %sum, %inverse
  %up = fadd double %y, {constant(1.0)}
  br label %shift"""


def _series(coefficients: tuple[float, ...]) -> str:
    lines = []
    total = constant(0.0)
    for number, coefficient in enumerate(reversed(coefficients)):
        lines.append(f"  %c{number} = fadd double {total}, {constant(coefficient)}")
        total = "%tail" if number == len(coefficients) - 1 else f"%t{number}"
        lines.append(f"  {total} = fmul double %c{number}, %square")
    return "\n".join(lines)
