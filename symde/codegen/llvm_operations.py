"""Operations as lines of LLVM IR, the same for single numbers and for the lanes of a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symde.codegen.llvm_special import constant
from symde.codegen.powers import multiplication_chain

# `contract` allows a fused multiply-add and nothing else: NaN and infinity keep their meaning.
ARITHMETIC = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract", "div": "fdiv contract"}
INTRINSICS = {
    "sqrt": "sqrt",
    "abs": "fabs",
    "floor": "floor",
    "ceil": "ceil",
    "min": "minimum",
    "max": "maximum",
}
COMPARISONS = {"lt": "olt", "le": "ole", "eq": "oeq"}
SIMPLE = frozenset({*ARITHMETIC, *INTRINSICS, *COMPARISONS, "neg", "and", "or", "not", "select", "sign"})
"""Operations that are instructions or intrinsics of LLVM, whatever the width."""


@dataclass(frozen=True, slots=True)
class Width:
    """Numbers side by side.

    Attributes:
        lanes: How many; 1 for single numbers.
        number, truth: Their types.
        suffix: What names an intrinsic of this type.
    """

    lanes: int
    number: str
    truth: str
    suffix: str

    def constant(self, value: float) -> str:
        """One number in all lanes."""
        if self.lanes == 1:
            return constant(value)
        return f"<{', '.join([f'double {constant(value)}'] * self.lanes)}>"

    @property
    def true(self) -> str:
        """True in all lanes."""
        return "true" if self.lanes == 1 else f"<{', '.join(['i1 true'] * self.lanes)}>"


SINGLE = Width(1, "double", "i1", "f64")


def vector(lanes: int) -> Width:
    """Several lanes."""
    return Width(lanes, f"<{lanes} x double>", f"<{lanes} x i1>", f"v{lanes}f64")


class Operations:
    """Writes operations of one width.

    Args:
        width: Of the values.
        declarations: Takes the functions that are called.
        fresh: Gives a new name.
    """

    def __init__(self, width: Width, declarations: dict[str, str], fresh: Callable[[], str]) -> None:
        self.width, self.declarations, self.fresh = width, declarations, fresh

    def simple(self, op: str, result: str, args: Sequence[str]) -> list[str]:
        """An operation of `SIMPLE`."""
        number, truth = self.width.number, self.width.truth
        if op in ARITHMETIC:
            return [f"{result} = {ARITHMETIC[op]} {number} {args[0]}, {args[1]}"]
        if op in INTRINSICS:
            return [self.intrinsic(result, INTRINSICS[op], args)]
        if op in COMPARISONS:
            return [f"{result} = fcmp {COMPARISONS[op]} {number} {args[0]}, {args[1]}"]
        if op in ("and", "or"):
            return [f"{result} = {op} {truth} {args[0]}, {args[1]}"]
        if op == "select":
            return [f"{result} = select {truth} {args[0]}, {number} {args[1]}, {number} {args[2]}"]
        if op == "neg":
            return [f"{result} = fneg {number} {args[0]}"]
        if op == "not":
            return [f"{result} = xor {truth} {args[0]}, {self.width.true}"]
        return self._sign(result, args[0])

    def intrinsic(self, result: str, function: str, args: Sequence[str]) -> str:
        """A call of an intrinsic."""
        return self.call(result, f"llvm.{function}.{self.width.suffix}", args)

    def call(self, result: str, function: str, args: Sequence[str]) -> str:
        """A call of a function of numbers of this width."""
        number = self.width.number
        types = ", ".join([number] * len(args))
        self.declarations.setdefault(
            function, f"declare {number} @{function}({types}) nounwind willreturn memory(none)"
        )
        return f"{result} = call {number} @{function}({', '.join(f'{number} {one}' for one in args)})"

    def power(self, x: str, exponent: int) -> tuple[str, list[str]]:
        """A whole power by multiplications; its name and the lines."""
        number, chain = self.width.number, [x]
        lines: list[str] = []
        for a, b in multiplication_chain(abs(exponent)) if exponent else ():
            name = self.fresh()
            lines.append(f"{name} = fmul {number} {chain[a]}, {chain[b]}")
            chain.append(name)
        if exponent < 0:
            name = self.fresh()
            lines.append(f"{name} = fdiv {number} {self.width.constant(1.0)}, {chain[-1]}")
            chain.append(name)
        return chain[-1] if exponent else self.width.constant(1.0), lines

    def half_power(self, result: str, x: str, exponent: float) -> list[str]:
        """A power by an odd multiple of one half: a whole one times the square root."""
        number, root, product = self.width.number, self.fresh(), self.fresh()
        whole, lines = self.power(x, int(abs(exponent) - 0.5))
        positive = result if exponent > 0 else self.fresh()
        lines += [
            self.intrinsic(root, "sqrt", [x]),
            f"{product} = fmul {number} {whole}, {root}",
            # of -0 the C library's power is +0
            f"{positive} = fadd {number} {product}, {self.width.constant(0.0)}",
        ]
        if exponent < 0:
            lines.append(f"{result} = fdiv {number} {self.width.constant(1.0)}, {positive}")
        return lines

    def _sign(self, result: str, x: str) -> list[str]:
        number, truth, of = self.width.number, self.width.truth, self.width.constant
        above, below, rest = self.fresh(), self.fresh(), self.fresh()
        return [
            f"{above} = fcmp ogt {number} {x}, {of(0.0)}",
            f"{below} = fcmp olt {number} {x}, {of(0.0)}",
            f"{rest} = select {truth} {below}, {number} {of(-1.0)}, {number} {x}",
            f"{result} = select {truth} {above}, {number} {of(1.0)}, {number} {rest}",
        ]
