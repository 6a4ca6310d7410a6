"""The sums of Taylor recurrences as LLVM functions on vectors of neighbouring places of a tape."""

from __future__ import annotations

from dataclasses import dataclass

from symde.codegen.llvm_special import constant

WIDE = 16
"""Doubles of the widest vector: four registers of four, whose sums do not wait for each other."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A sum over `count` products x_(j0 + i) * y_(k - j0 - i), and what becomes of it.

    `x`, `y` are "c" for the result's own place, else the number of an argument.
    """

    x: str
    y: str
    first: int
    count: str
    end: tuple[str, ...]


_COUNTS = {
    "all": "%count = add i64 %k, 1",
    "below": "%count = add i64 %k, 0",
    "half": "%above = add i64 %k, 1\n  %count = lshr i64 %above, 1",
    "inner half": "%under = sub i64 %k, 1\n  %count = lshr i64 %under, 1",
}
_DOUBLED = ("%twice = fadd contract {v} %sum, %sum",)
_SQUARED = (
    "%mid = lshr i64 %k, 1",
    "%half = mul i64 %mid, {stride}",
    "%mp = getelementptr double, ptr %px0, i64 %half",
    "%m = load {v}, ptr %mp, align 8",
    "%mm = fmul contract {v} %m, %m",
    "%odd = trunc i64 %k to i1",
    "%square = select i1 %odd, {v} {zero}, {v} %mm",
    "%total = fadd contract {v} %twice, %square",
)
_NEWEST = ("%ap = getelementptr double, ptr %p0, i64 %top", "%newest = load {v}, ptr %ap, align 8")
SHAPES = {
    "mul": Shape("0", "1", 0, "all", ("%result = fadd {v} %sum, {zero}",)),
    "square": Shape("0", "0", 0, "half", (*_DOUBLED, *_SQUARED, "%result = fadd {v} %total, {zero}")),
    "div": Shape(
        "1", "c", 1, "below",
        (*_NEWEST, "%rest = fsub contract {v} %newest, %sum", "%result = fmul contract {v} %s0, %rest"),
    ),
    "ratio": Shape("0", "c", 1, "below", ("%minus = fneg {v} %s0", "%result = fmul {v} %minus, %sum")),
    "root": Shape(
        "c", "c", 1, "inner half",
        (
            *_NEWEST, *_DOUBLED, *_SQUARED, "%rest = fsub contract {v} %newest, %total",
            "%result = fmul {v} %s0, %rest",
        ),
    ),
    "power": Shape("c", "0", 0, "below", ("%by = fmul {v} %s1, %inverses", "%result = fmul {v} %by, %sum")),
    "chain": Shape("0", "1", 1, "below", ("%result = fmul {v} %sum, %inverses",)),
}  # fmt: skip
ARGUMENTS = {"mul": 2, "square": 1, "div": 2, "ratio": 1, "root": 1, "power": 1, "chain": 2}
SCALARS = {"div": 1, "ratio": 1, "root": 1, "power": 2}


def sum_function(op: str, width: int, stride: int) -> str:
    """The function `op_width(tape, k, 1/k, result, places of arguments and scalars)`; k is at least 1.

    The middle products come first: they are of the oldest coefficients.
    """
    shape, v = SHAPES[op], f"<{width} x double>"
    arguments, scalars = ARGUMENTS[op], SCALARS.get(op, 0)
    names = ["%c", *(f"%a{i}" for i in range(arguments)), *(f"%b{i}" for i in range(scalars))]
    zero = "zeroinitializer"
    lines = [f"%top = mul i64 %k, {stride}", _COUNTS[shape.count]]
    lines += ["%pc = getelementptr double, ptr %tape, i64 %c"]
    lines += [f"%p{i} = getelementptr double, ptr %tape, i64 %a{i}" for i in range(arguments)]
    for i in range(scalars):
        lines += [
            f"%q{i} = getelementptr double, ptr %tape, i64 %b{i}",
            f"%s{i} = load {v}, ptr %q{i}, align 8",
        ]
    lines += [
        f"%i0 = insertelement {v} undef, double %inverse, i64 0",
        f"%inverses = shufflevector {v} %i0, {v} undef, <{width} x i32> {zero}",
        f"%px0 = getelementptr double, ptr %p{shape.x}, i64 0",
        f"%x0 = getelementptr double, ptr %px0, i64 {shape.first * stride}",
        f"%ya = getelementptr double, ptr %p{shape.y}, i64 %top",
        f"%y0 = getelementptr double, ptr %ya, i64 {-shape.first * stride}",
    ]
    carried = [("i64", "%left", "%count", "%left1"), ("ptr", "%x", "%x0", "%x1"), ("ptr", "%y", "%y0", "%y1")]
    carried.append((v, "%acc", zero, "%acc1"))
    product = [f"%product = fmul contract {v} %vx, %vy"]
    if op == "power":
        lines += _weights(v, width)
        carried.append((v, "%w", "%w0", "%w1"))
        product = [
            f"%weighted = fmul contract {v} %w, %vx",
            f"%product = fmul contract {v} %weighted, %vy",
            f"%w1 = fsub {v} %w, %down",
        ]
    lines += ["%none = icmp eq i64 %count, 0", "br i1 %none, label %done, label %loop\nloop:"]
    lines += [
        f"{name} = phi {kind} [{start}, %entry], [{later}, %loop]" for kind, name, start, later in carried
    ]
    lines += [f"%vx = load {v}, ptr %x, align 8", f"%vy = load {v}, ptr %y, align 8", *product]
    lines += [f"%acc1 = fadd contract {v} %acc, %product"]
    lines += [f"%x1 = getelementptr double, ptr %x, i64 {stride}"]
    lines += [f"%y1 = getelementptr double, ptr %y, i64 {-stride}"]
    lines += ["%left1 = sub i64 %left, 1", "%go = icmp ne i64 %left1, 0"]
    lines += ["br i1 %go, label %loop, label %done\ndone:"]
    lines += [f"%sum = phi {v} [{zero}, %entry], [%acc1, %loop]"]
    lines += [line.format(v=v, zero=zero, stride=stride) for line in shape.end]
    lines += [
        "%pr = getelementptr double, ptr %pc, i64 %top",
        f"store {v} %result, ptr %pr, align 8",
        "ret void",
    ]
    parameters = ", ".join(["ptr %tape", "i64 %k", "double %inverse", *(f"i64 {name}" for name in names)])
    body = "\n  ".join(["entry:", *lines])
    return f"define internal void @{op}_{width}({parameters}) noinline nounwind {{\n{body}\n}}\n"


def _weights(v: str, width: int) -> list[str]:
    """Start and fall of the weights r k - (r + 1) j of a power."""
    ones = "<" + ", ".join([f"double {constant(1.0)}"] * width) + ">"
    return [
        "%kd = uitofp i64 %k to double",
        f"%k0 = insertelement {v} undef, double %kd, i64 0",
        f"%ks = shufflevector {v} %k0, {v} undef, <{width} x i32> zeroinitializer",
        f"%w0 = fmul {v} %s0, %ks",
        f"%down = fadd {v} %s0, {ones}",
    ]
