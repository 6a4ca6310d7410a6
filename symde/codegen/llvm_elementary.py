"""exp, tanh and log of vectors in LLVM IR, without branches and tables.

exp and tanh rest on expm1 of a small argument: x = k log 2 + r with a whole number k and |r| <= log(2)/2,
where the Taylor series of degree 13 is left after 1.3e-17 of its value; log on a series in the square of
(x - 1)/(x + 1) for x between 1/sqrt(2) and sqrt(2). All are within one unit in the last place: the most seen
against mpmath is 0.93 for exp and 0.78 for tanh and log (tests/codegen/test_elementary.py), on processors
with fused multiply-add. NaN, infinities and signs of zero are those of the C library.

Source: J.-M. Muller, Elementary Functions (2016), chapter 11, range reduction after Cody and Waite, and for
log section 11.4.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Protocol

from symde.codegen.llvm_operations import Width

ROUNDER = 1.5 * 2.0**52
"""Added to a number below 2^51 it leaves the nearest whole number in the low bits."""

LOG2_HIGH, LOG2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
"""log 2 in two parts; the first has 20 zeros at its end, so that its multiples by k are exact."""

LARGEST, SMALLEST = 710.0, -746.0
"""exp overflows from the first on, and is zero from the second on."""

FLAT = -44.0
"""-2|x| from which tanh is 1 in float64."""

SERIES = tuple(1.0 / math.factorial(k) for k in range(2, 14))
"""expm1(r) = r + r^2 (SERIES[0] + SERIES[1] r + ...)."""


LOG_SERIES = tuple(2.0 / k for k in range(3, 23, 2))
"""log((1 + s)/(1 - s)) = 2 s + s^3 (LOG_SERIES[0] + LOG_SERIES[1] s^2 + ...): |s| < 0.1716, so that less than
1e-17 of the value is left."""

SQRT_HALF = struct.unpack("<Q", struct.pack("<d", math.sqrt(0.5)))[0]
"""The bits of 1/sqrt(2)."""

NORMAL, UP = 2.0**-1022, 2.0**54
"""The smallest number with a full mantissa; smaller ones are multiplied by the second."""


class Lines(Protocol):
    """What writes the function that the lines stand in."""

    @property
    def width(self) -> Width: ...

    def fresh(self) -> str: ...

    def intrinsic(self, result: str, function: str, args: Sequence[str]) -> str: ...


class _Block:
    """Lines as they are written, a name for each value."""

    def __init__(self, writer: Lines) -> None:
        self.writer, self.lines = writer, []
        self.doubles, self.number = writer.width.number, writer.width.constant
        self.truths, self.words = writer.width.truth, f"<{writer.width.lanes} x i64>"

    def _put(self, text: str, name: str | None = None) -> str:
        name = self.writer.fresh() if name is None else name
        self.lines.append(f"{name} = {text}")
        return name

    def integers(self, value: int) -> str:
        """A whole number in all lanes."""
        return f"<{', '.join([f'i64 {value}'] * self.writer.width.lanes)}>"

    def op(self, word: str, a: str, b: str, name: str | None = None) -> str:
        return self._put(f"{word} contract {self.doubles} {a}, {b}", name)

    def fused(self, a: str, b: str, c: str, name: str | None = None) -> str:
        """a*b + c, fused where the processor can."""
        return self.op("fadd", self.op("fmul", a, b), c, name)

    def select(self, comparison: str, x: str, bound: str) -> str:
        """`bound` where x compares so with it, else x; NaN stays."""
        condition = self._put(f"fcmp {comparison} {self.doubles} {x}, {bound}")
        return self._put(f"select {self.truths} {condition}, {self.doubles} {bound}, {self.doubles} {x}")

    def call(self, function: str, *args: str, name: str | None = None) -> str:
        name = self.writer.fresh() if name is None else name
        self.lines.append(self.writer.intrinsic(name, function, args))
        return name

    def compare(self, comparison: str, a: str, b: str) -> str:
        """A truth value for each lane."""
        return self._put(f"fcmp {comparison} {self.doubles} {a}, {b}")

    def choose(self, condition: str, a: str, b: str, name: str | None = None) -> str:
        """a where the condition holds, else b."""
        return self._put(f"select {self.truths} {condition}, {self.doubles} {a}, {self.doubles} {b}", name)

    def split(self, x: str) -> tuple[str, str]:
        """k and m of x = 2^k m, x normal and m between 1/sqrt(2) and sqrt(2)."""
        word = self._put(f"bitcast {self.doubles} {x} to {self.words}")
        # what is added makes the exponent go up where the mantissa is that of sqrt(2) or more
        moved = self._put(f"add {self.words} {word}, {self.integers((1023 << 52) - SQRT_HALF)}")
        exponent = self._put(f"lshr {self.words} {moved}, {self.integers(52)}")
        whole = self._put(f"or {self.words} {exponent}, {self.integers(0x4330 << 48)}")  # 2^52 + exponent
        k = self.op(
            "fsub",
            self._put(f"bitcast {self.words} {whole} to {self.doubles}"),
            self.number(2.0**52 + 1023.0),
        )
        kept = self._put(f"and {self.words} {moved}, {self.integers((1 << 52) - 1)}")
        back = self._put(f"add {self.words} {kept}, {self.integers(SQRT_HALF)}")
        return k, self._put(f"bitcast {self.words} {back} to {self.doubles}")

    def rounded(self, x: str, factor: float) -> tuple[str, str]:
        """The whole number nearest to factor*x, and the sum that holds it in its low bits."""
        shifted = self.fused(x, self.number(factor), self.number(ROUNDER))
        return self.op("fsub", shifted, self.number(ROUNDER)), shifted

    def power_of_two(self, shifted: str) -> str:
        """2^k of the sum that holds k in its low bits."""
        word = self._put(f"bitcast {self.doubles} {shifted} to {self.words}")
        high = self._put(f"shl {self.words} {word}, {self.integers(52)}")
        whole = self._put(f"add {self.words} {high}, {self.integers(1023 << 52)}")
        return self._put(f"bitcast {self.words} {whole} to {self.doubles}")

    def reduced(self, x: str) -> tuple[str, str, str, str]:
        """k, the sum that holds it, and expm1(x - k log 2) as a sum of two."""
        k, shifted = self.rounded(x, 1.0 / math.log(2.0))
        high = self.fused(k, self.number(-LOG2_HIGH), x)
        r = self.fused(k, self.number(-LOG2_LOW), high)
        r_low = self.fused(k, self.number(-LOG2_LOW), self.op("fsub", high, r))
        square = self.op("fmul", r, r)
        series = self.series(r, square)
        small = self.fused(square, series, r)
        low = self.op("fadd", self.fused(square, series, self.op("fsub", r, small)), r_low)
        return k, shifted, small, low

    def series(self, r: str, square: str) -> str:
        """The polynomial of SERIES, in pairs so that its parts do not wait for each other."""
        fourth = self.op("fmul", square, square)
        pairs = [
            self.fused(r, self.number(SERIES[k + 1]), self.number(SERIES[k]))
            for k in range(0, len(SERIES), 2)
        ]
        quads = [self.fused(square, pairs[k + 1], pairs[k]) for k in range(0, len(pairs), 2)]
        eighth = self.op("fmul", fourth, fourth)
        return self.fused(eighth, quads[2], self.fused(fourth, quads[1], quads[0]))


def exp_lines(writer: Lines, result: str, x: str) -> list[str]:
    """The lines that compute exp of the lanes."""
    block = _Block(writer)
    x = block.select("ogt", x, block.number(LARGEST))
    x = block.select("olt", x, block.number(SMALLEST))
    k, _, small, _ = block.reduced(x)
    # 2^k in two factors: k goes beyond the exponents of float64, and what underflows rounds once
    half, half_shifted = block.rounded(k, 0.5)
    rest = block.op("fadd", block.op("fsub", k, half), block.number(ROUNDER))
    scaled = block.fused(block.power_of_two(half_shifted), small, block.power_of_two(half_shifted))
    block.op("fmul", scaled, block.power_of_two(rest), result)
    return block.lines


def tanh_lines(writer: Lines, result: str, x: str) -> list[str]:
    """The lines that compute tanh of the lanes: -e/(e + 2) with e = expm1(-2|x|), and the sign of x.

    What the roundings of e, of e + 2 and of the quotient have lost is added at the end.
    """
    block = _Block(writer)
    double = block.op("fmul", block.call("fabs", x), block.number(-2.0))
    double = block.select("olt", double, block.number(FLAT))
    _, shifted, small, small_low = block.reduced(double)
    power = block.power_of_two(shifted)
    below = block.op("fadd", power, block.number(-1.0))
    e = block.fused(power, small, below)
    e_low = block.fused(power, small, block.op("fsub", below, e))
    e_low = block.fused(power, small_low, e_low)
    lost = block.op("fsub", power, block.op("fadd", below, block.number(1.0)))
    e_low = block.op("fadd", e_low, lost)
    d = block.op("fadd", e, block.number(2.0))
    d_low = block.op("fadd", e, block.op("fsub", block.number(2.0), d))
    inverse = block.op("fdiv", block.number(1.0), d)
    quotient = block.op("fmul", e, inverse)
    minus = block.op("fsub", block.number(-0.0), quotient)
    left = block.fused(minus, d, e)
    left = block.op("fadd", left, block.fused(minus, block.op("fadd", d_low, e_low), e_low))
    size = block.fused(left, inverse, quotient)
    block.call("copysign", size, x, name=result)
    return block.lines


def log_lines(writer: Lines, result: str, x: str) -> list[str]:
    """The lines that compute the natural logarithm of the lanes.

    With x = 2^k (1 + f): log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), R the series after 2 s, in which only f is
    rounded large.
    """
    block = _Block(writer)
    small = block.compare("olt", x, block.number(NORMAL))
    normal = block.choose(small, block.op("fmul", x, block.number(UP)), x)
    k, mantissa = block.split(normal)
    k = block.op("fadd", k, block.choose(small, block.number(-54.0), block.number(0.0)))
    f = block.op("fadd", mantissa, block.number(-1.0))
    s = block.op("fdiv", f, block.op("fadd", f, block.number(2.0)))
    square = block.op("fmul", s, s)
    series = block.number(LOG_SERIES[-1])
    for coefficient in reversed(LOG_SERIES[:-1]):
        series = block.fused(square, series, block.number(coefficient))
    rest = block.op("fmul", square, series)
    half = block.op("fmul", block.op("fmul", f, f), block.number(0.5))
    low = block.fused(s, block.op("fadd", half, rest), block.op("fmul", k, block.number(LOG2_LOW)))
    inner = block.op("fsub", f, block.op("fsub", half, low))
    value = block.fused(k, block.number(LOG2_HIGH), inner)
    # the ends of the line
    value = block.choose(block.compare("oeq", x, block.number(0.0)), block.number(-math.inf), value)
    value = block.choose(block.compare("olt", x, block.number(0.0)), block.number(math.nan), value)
    unordered = block.compare("ult", x, block.number(math.inf))  # below infinity, or NaN
    value = block.choose(unordered, value, x)
    nan = block.compare("uno", x, x)
    block.choose(nan, x, value, result)
    return block.lines


ELEMENTARY_LINES = {"exp": exp_lines, "tanh": tanh_lines, "log": log_lines}
"""Functions that are written out for vectors: the C library has none, and one call takes longer than four
here."""
