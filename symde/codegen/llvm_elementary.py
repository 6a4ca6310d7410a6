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

from symde.codegen.llvm_block import ROUNDER, Block, Lines
from symde.codegen.llvm_circular import cos_lines, sin_lines

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


NORMAL, UP = 2.0**-1022, 2.0**54
"""The smallest number with a full mantissa; smaller ones are multiplied by the second."""


def _reduced(block: Block, x: str) -> tuple[str, str, str, str]:
    """k, the sum that holds it, and expm1(x - k log 2) as a sum of two."""
    k, shifted = block.rounded(x, 1.0 / math.log(2.0))
    high = block.fused(k, block.number(-LOG2_HIGH), x)
    r = block.fused(k, block.number(-LOG2_LOW), high)
    r_low = block.fused(k, block.number(-LOG2_LOW), block.op("fsub", high, r))
    square = block.op("fmul", r, r)
    series = _series(block, r, square)
    small = block.fused(square, series, r)
    low = block.op("fadd", block.fused(square, series, block.op("fsub", r, small)), r_low)
    return k, shifted, small, low


def _series(block: Block, r: str, square: str) -> str:
    """The polynomial of SERIES, in pairs so that its parts do not wait for each other."""
    fourth = block.op("fmul", square, square)
    pairs = [
        block.fused(r, block.number(SERIES[k + 1]), block.number(SERIES[k])) for k in range(0, len(SERIES), 2)
    ]
    quads = [block.fused(square, pairs[k + 1], pairs[k]) for k in range(0, len(pairs), 2)]
    eighth = block.op("fmul", fourth, fourth)
    return block.fused(eighth, quads[2], block.fused(fourth, quads[1], quads[0]))


def exp_lines(writer: Lines, result: str, x: str) -> list[str]:
    """The lines that compute exp of the lanes."""
    block = Block(writer)
    x = block.select("ogt", x, block.number(LARGEST))
    x = block.select("olt", x, block.number(SMALLEST))
    k, _, small, _ = _reduced(block, x)
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
    block = Block(writer)
    double = block.op("fmul", block.call("fabs", x), block.number(-2.0))
    double = block.select("olt", double, block.number(FLAT))
    _, shifted, small, small_low = _reduced(block, double)
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
    block = Block(writer)
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


ELEMENTARY_LINES = {
    "exp": exp_lines,
    "tanh": tanh_lines,
    "log": log_lines,
    "sin": sin_lines,
    "cos": cos_lines,
}
"""Functions that are written out for vectors: the C library has none, and one call takes longer than four
here."""
