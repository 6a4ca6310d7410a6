"""Lines of LLVM IR for arithmetic of lanes, a name for each value."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Protocol

from symde.codegen.llvm_operations import Width

ROUNDER = 1.5 * 2.0**52
"""Added to a number below 2^51 it leaves the nearest whole number in the low bits."""

SQRT_HALF = struct.unpack("<Q", struct.pack("<d", math.sqrt(0.5)))[0]
"""The bits of 1/sqrt(2)."""


class Lines(Protocol):
    """What writes the function that the lines stand in."""

    @property
    def width(self) -> Width: ...

    @property
    def declarations(self) -> dict[str, str]: ...

    def fresh(self) -> str: ...

    def intrinsic(self, result: str, function: str, args: Sequence[str]) -> str: ...


class Block:
    """Lines as they are written, a name for each value."""

    def __init__(self, writer: Lines) -> None:
        self.writer = writer
        self.lines: list[str] = []
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

    def word(self, x: str) -> str:
        """The bits of numbers."""
        return self._put(f"bitcast {self.doubles} {x} to {self.words}")

    def integer(self, word: str, a: str, value: int) -> str:
        """An operation with one whole number for all lanes."""
        return self._put(f"{word} {self.words} {a}, {self.integers(value)}")

    def integer_is(self, a: str, value: int) -> str:
        """Whether whole numbers are this one."""
        return self._put(f"icmp eq {self.words} {a}, {self.integers(value)}")

    def negative(self, x: str) -> str:
        """-x."""
        return self._put(f"fneg {self.doubles} {x}")

    def polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        """Eight coefficients, the lowest first, in pairs so that its parts do not wait for each other."""
        square = self.op("fmul", x, x)
        pairs = [
            self.fused(x, self.number(coefficients[k + 1]), self.number(coefficients[k]))
            for k in range(0, len(coefficients), 2)
        ]
        low, high = (self.fused(square, pairs[k + 1], pairs[k]) for k in (0, 2))
        return self.fused(self.op("fmul", square, square), high, low)
