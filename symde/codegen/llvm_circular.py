"""sin and cos of lanes in LLVM IR: functions of their own, which the C library stands in for beyond 2^19.

The argument is reduced by multiples of pi/2 in four parts (after Cody and Waite), of which three have 33
bits, so that their products with the multiple are exact; what is left is a sum of two, and Taylor series of
degrees 17 and 18 leave 1e-17 of the value. Within one unit in the last place: the most seen against mpmath is
0.76 (tests/codegen/test_elementary.py). In lanes beyond the bound, and in those alone, the C library's value
counts.

Source: J.-M. Muller, Elementary Functions (2016), chapter 11; the sums of two as in the C library of FreeBSD.
"""

from __future__ import annotations

import math
from fractions import Fraction

from symde.codegen.llvm_block import Block, Lines
from symde.codegen.llvm_operations import SINGLE, Operations, Width

HALF_PI = (
    Fraction("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899863") / 2
)


def _parts(value: Fraction, bits: int, count: int) -> tuple[float, ...]:
    """The value as numbers of so many bits, and a last one of what is left."""
    parts = []
    for _ in range(count):
        unit = Fraction(2) ** (math.frexp(float(value))[1] - bits)
        parts.append(float(value // unit * unit))
        value -= Fraction(parts[-1])
    return (*parts, float(value))


PARTS = _parts(HALF_PI, 33, 3)
"""pi/2 in parts."""

BOUND = 2.0**19
"""Up to here the multiple of pi/2 has 20 bits at most."""

SMALL = 2.0**-27
"""Up to here x is its sine."""

SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(1, 9))
COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(2, 10))
"""sin r = r + r^3 (SINE[0] + SINE[1] r^2 + ...), cos r = 1 - r^2/2 + r^4 (COSINE[0] + ...)."""


def sin_lines(writer: Lines, result: str, x: str) -> list[str]:
    """The lines that compute the sine of the lanes."""
    return _call(writer, "sin", result, x)


def cos_lines(writer: Lines, result: str, x: str) -> list[str]:
    """The lines that compute the cosine of the lanes."""
    return _call(writer, "cos", result, x)


def _call(writer: Lines, function: str, result: str, x: str) -> list[str]:
    name = f"symde_{function}_{writer.width.suffix}"
    if name not in writer.declarations:
        writer.declarations[name] = ""  # before what it declares itself
        writer.declarations[name] = _definition(function, name, writer.width, writer.declarations)
    return [f"{result} = call {writer.width.number} @{name}({writer.width.number} {x})"]


def _definition(function: str, name: str, width: Width, declarations: dict[str, str]) -> str:
    numbers = iter(range(10**6))
    operations = Operations(width, declarations, lambda: f"%x{next(numbers)}")
    block = Block(operations)
    fast = _reduced_value(block, function, "%x")
    far = block.compare("uge", block.call("fabs", "%x"), block.number(BOUND))
    suffix = width.suffix.replace("f64", "i1")
    reduce = f"llvm.vector.reduce.or.{suffix}"
    declarations.setdefault(reduce, f"declare i1 @{reduce}({width.truth})")
    lines = [*block.lines, f"%any = call i1 @{reduce}({width.truth} {far})"]
    lines += ["br i1 %any, label %library, label %end", "library:"]
    single, so_far = Operations(SINGLE, declarations, operations.fresh), "poison"
    for lane in range(width.lanes):
        one, value, more = (operations.fresh() for _ in range(3))
        lines.append(f"{one} = extractelement {width.number} %x, i32 {lane}")
        lines.append(single.call(value, function, [one]))
        lines.append(f"{more} = insertelement {width.number} {so_far}, double {value}, i32 {lane}")
        so_far = more
    lines.append(f"%chosen = select {width.truth} {far}, {width.number} {so_far}, {width.number} {fast}")
    lines += ["br label %end", "end:"]
    lines.append(f"%value = phi {width.number} [ {fast}, %entry ], [ %chosen, %library ]")
    body = "\n  ".join(["entry:", *lines, f"ret {width.number} %value"])
    return f"define internal {width.number} @{name}({width.number} %x) noinline nounwind {{\n  {body}\n}}\n"


def _reduced_value(block: Block, function: str, x: str) -> str:
    """The value within the bound."""
    n, shifted = block.rounded(x, float(1 / HALF_PI))
    r, low = _remainder(block, n, x)
    square = block.op("fmul", r, r)
    sine, cosine = _sine(block, r, low, square), _cosine(block, r, low, square)
    quadrant = block.word(shifted)
    if function == "cos":
        quadrant = block.integer("add", quadrant, 1)
    odd = block.integer_is(block.integer("and", quadrant, 1), 1)
    value = block.choose(odd, cosine, sine)
    negative = block.integer_is(block.integer("and", quadrant, 2), 2)
    value = block.choose(negative, block.negative(value), value)
    if function == "sin":  # keeps the sign of zero and what is below the normal numbers
        small = block.compare("olt", block.call("fabs", x), block.number(SMALL))
        value = block.choose(small, x, value)
    return value


def _remainder(block: Block, n: str, x: str) -> tuple[str, str]:
    """x - n pi/2 as a sum of two."""
    parts = [block.op("fmul", n, block.number(part)) for part in PARTS]
    first = block.op("fsub", x, parts[0])
    second = block.op("fsub", first, parts[1])
    second_low = block.op("fsub", block.op("fsub", first, second), parts[1])
    third = block.op("fsub", second, parts[2])
    third_low = block.op("fsub", block.op("fsub", second, third), parts[2])
    low = block.op("fsub", block.op("fadd", second_low, third_low), parts[3])
    r = block.op("fadd", third, low)
    return r, block.op("fadd", block.op("fsub", third, r), low)


def _sine(block: Block, r: str, low: str, square: str) -> str:
    cube = block.op("fmul", square, r)
    half = block.op("fmul", block.op("fmul", square, low), block.number(-0.5))
    rest = block.op("fadd", low, half)
    return block.op("fadd", r, block.fused(cube, block.polynomial(square, SINE), rest))


def _cosine(block: Block, r: str, low: str, square: str) -> str:
    half = block.op("fmul", square, block.number(0.5))
    one = block.number(1.0)
    large = block.op("fsub", one, half)
    lost = block.op("fsub", block.op("fsub", one, large), half)
    fourth = block.op("fmul", square, square)
    tail = block.op(
        "fsub", block.op("fmul", fourth, block.polynomial(square, COSINE)), block.op("fmul", r, low)
    )
    return block.op("fadd", large, block.op("fadd", lost, tail))
