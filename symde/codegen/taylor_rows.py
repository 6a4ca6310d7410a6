"""Taylor coefficients of a larger model as a loop over the orders, whose code does not grow with the order.

    int32 kernel(double t, const double *const *in, double *const *out)

`in` is a model kernel's table with the vector `order` behind it, `out` is the tape alone: row k holds
coefficient k of everything that a sum reads. Row k begins with the states. Sums of one kind and level stand
side by side in the tape, and so do what they read, so that a vector of up to sixteen takes the place of as
many scalars; a value that is read in several orders is stored in several places. What is linear in row k is
straight-line code.
"""

from __future__ import annotations

from collections.abc import Sequence

from symde.codegen.kernel import INPUTS, Kernel, Output, Vector
from symde.codegen.llvm import define, ir_module
from symde.codegen.llvm_special import constant
from symde.codegen.taylor_jets import LINEAR, Recurrences, groups, levels
from symde.codegen.taylor_sums import WIDE, sum_function

NAME = "taylor_jet"

PIECE = 300
"""Linear jets of one function: instruction selection takes more than linear time in the length of a block."""


def in_rows(jets: Recurrences, vectors: tuple[Vector, ...], padded: int) -> tuple[str, int]:
    """The kernel as a module of LLVM IR, and the stride between rows of its tape.

    Args:
        jets: The model's jets.
        vectors: The model's input vectors.
        padded: Doubles that the states take at the beginning of a row.
    """
    tape = _Tape(jets, padded)
    pieces = _pieces(jets, tape)
    tape.close(pieces)
    row0 = Output("tape", tuple(tape.first_rows()))
    start = ir_module([Kernel("taylor_start", jets.graph, vectors, (row0,))])
    writer = _Writer(jets, tape)
    functions = [start.replace("define dso_local", "define internal"), *writer.functions(pieces)]
    return "\n".join([*functions, ""]), tape.stride


class _Tape:
    """Where everything stands in a row, and the order in which levels are computed."""

    def __init__(self, jets: Recurrences, padded: int) -> None:
        self.jets = jets.jets
        self.rhs, self.initial_rhs, self.graph = jets.rhs, jets.initial_rhs, jets.graph
        self.n = len(jets.rhs)
        self.zero = jets.graph.constant(0.0)
        self.initial: list[int] = [self.zero] * padded  # node of each place in row 0
        self.homes: dict[int, list[int]] = {}  # places of each jet
        self.scalars: dict[int, int] = {}  # a place of each scalar, valid in row 0
        for i in range(self.n):
            self.initial[i] = self.jets[i].initial
            self.homes[i] = [i]
        self.levels = levels(self.jets)
        self.sums: list[list[_Sum]] = [[] for _ in range(max(self.levels, default=0) + 1)]
        for level, op, members in groups(self.jets, self.levels):
            self.sums[level] += self._placed(op, members)

    def _placed(self, op: str, members: list[int]) -> list[_Sum]:
        """A group of sums in places side by side, cut into vectors."""
        args = {index: self._ordered(index) for index in members}
        far = len(self.jets) + 10 * len(self.initial)
        members.sort(key=lambda index: [self.homes.get(a, [far + a])[0] for a in args[index]])
        widths = _widths(len(members))
        room = sum(widths)
        result = self._allocate(members, room)
        for index in members:  # a place that a lagging argument has asked for before is a copy
            self.homes[index].insert(0, self.homes[index].pop())
        operands = [
            self._together([args[index][slot] for index in members], room)
            for slot in range(len(args[members[0]]))
        ]
        scalars = [
            self._scalars([self.jets[index].scalars[slot] for index in members], room)
            for slot in range(len(self.jets[members[0]].scalars))
        ]
        found, at = [], 0
        for width in widths:
            places = [place + at for place in (*operands, *scalars)]
            found.append(_Sum(op, width, result + at, tuple(places)))
            at += width
        return found

    def _ordered(self, index: int) -> tuple[int, ...]:
        jet = self.jets[index]
        if jet.op == "mul":  # what is placed already first, in the order of its places
            return tuple(sorted(jet.args, key=lambda a: self.homes.get(a, [len(self.initial) + a])[0]))
        return jet.args

    def _allocate(self, members: list[int], room: int) -> int:
        """New places side by side; what fills them up is the last member in row 0 and zero in others."""
        first = len(self.initial)
        self.initial += [self.jets[members[min(i, len(members) - 1)]].initial for i in range(room)]
        for offset, index in enumerate(members):
            self.homes.setdefault(index, []).append(first + offset)
        return first

    def _together(self, members: list[int], room: int) -> int:
        """Where these stand side by side: found, or new."""
        for start in self.homes.get(members[0], ()):
            if all(start + offset in self.homes.get(one, ()) for offset, one in enumerate(members)):
                return start
        return self._allocate(members, room)

    def _scalars(self, nodes: list[int], room: int) -> int:
        first = len(self.initial)
        self.initial += [*nodes, *[nodes[-1]] * (room - len(nodes))]
        for offset, node in enumerate(nodes):
            self.scalars.setdefault(node, first + offset)
        return first

    def scalar(self, node: int) -> int:
        """A place of a scalar."""
        if node not in self.scalars:
            self.scalars[node] = len(self.initial)
            self.initial.append(node)
        return self.scalars[node]

    def home(self, index: int) -> int:
        """A place of a jet."""
        if index not in self.homes:
            self._allocate([index], 1)
        return self.homes[index][0]

    def close(self, pieces: list[list[list[int]]]) -> None:
        """Give places to what several pieces read, and fix the stride."""
        inside = {
            index: (level, number)
            for level, cut in enumerate(pieces)
            for number, piece in enumerate(cut)
            for index in piece
        }
        for level, cut in enumerate(pieces):
            for number, piece in enumerate(cut):
                for index in piece:
                    for argument in self.jets[index].args:
                        if inside.get(argument) != (level, number):
                            self.home(argument)
                    for node in self.jets[index].scalars:
                        if self.graph.op[node] != "const":
                            self.scalar(node)
        for index in self.rhs:
            if index is not None and index not in inside:
                self.home(index)
        # room for the last vector to reach beyond
        self.stride = -(-(len(self.initial) + WIDE) // 8) * 8 + 8

    def first_rows(self) -> list[int]:
        """Nodes of row 0, and of the states in row 1."""
        return [*self.initial, *[self.zero] * (self.stride - len(self.initial)), *self.initial_rhs]


def _widths(count: int) -> list[int]:
    """Widths of the vectors that hold so many sums, the last one perhaps not full."""
    widths = [WIDE] * (count // WIDE)
    rest = count % WIDE
    while rest > 0:
        width = next(width for width in (16, 8, 4, 2) if 4 * rest > 2 * width or width == 2)
        widths.append(width)
        rest -= width
    return widths


class _Sum:
    """One vector of sums: operation, width, place of the result, places of jets and scalars read."""

    __slots__ = ("op", "width", "result", "places")

    def __init__(self, op: str, width: int, result: int, places: tuple[int, ...]) -> None:
        self.op, self.width, self.result, self.places = op, width, result, places


def _pieces(jets: Recurrences, tape: _Tape) -> list[list[list[int]]]:
    """Linear jets of each level, cut into pieces."""
    by_level: list[list[int]] = [[] for _ in tape.sums]
    for index, jet in enumerate(jets.jets):
        if index >= tape.n and jet.op in LINEAR:
            by_level[tape.levels[index]].append(index)
    return [[level[at : at + PIECE] for at in range(0, len(level), PIECE)] for level in by_level]


class _Writer:
    """Writes the functions of one kernel."""

    def __init__(self, jets: Recurrences, tape: _Tape) -> None:
        self.jets, self.tape = jets, tape
        self.feeds: dict[int, list[int]] = {}
        for state, index in enumerate(jets.rhs):
            if index is not None:
                self.feeds.setdefault(index, []).append(state)

    def functions(self, pieces: list[list[list[int]]]) -> list[str]:
        """Sums, pieces and the loop over the orders."""
        texts, calls = [], []
        used = sorted({(one.op, one.width) for level in self.tape.sums for one in level})
        texts += [sum_function(op, width, self.tape.stride) for op, width in used]
        for level, (sums, cut) in enumerate(zip(self.tape.sums, pieces, strict=True)):
            for one in sums:
                places = ", ".join(f"i64 {place}" for place in (one.result, *one.places))
                calls.append(f"call void @{one.op}_{one.width}(ptr %tape, i64 %k, double %inverse, {places})")
            given = range(self.tape.n) if level == 0 else self._members(level)
            parts = [(f"given_{level}", self._given(given))]
            parts += [(f"linear_{level}_{number}", self._linear(piece)) for number, piece in enumerate(cut)]
            for name, body in parts:
                if body:
                    texts.append(
                        define("internal void", name, _PARAMETERS, [*body, "ret void"], "noinline nounwind")
                    )
                    calls.append(f"call void @{name}({_PARAMETERS})")
        return [*texts, self._loop(calls)]

    def _members(self, level: int) -> list[int]:
        return [
            index
            for index, jet in enumerate(self.tape.jets)
            if jet.op not in LINEAR and self.tape.levels[index] == level
        ]

    def _given(self, members: Sequence[int]) -> list[str]:
        """Spreads what states and sums have computed to their other places, and to the states it feeds."""
        lines: list[str] = []
        for index in members:
            first, *others = self.tape.homes[index]
            if others or index in self.feeds:
                lines += _load(f"%v{index}", "%row", first)
                lines += self._stored(f"%v{index}", index, others)
        return lines

    def _linear(self, piece: list[int]) -> list[str]:
        """The coefficients k of linear jets."""
        names: dict[int, str] = {}
        lines: list[str] = []
        for index in piece:
            jet = self.tape.jets[index]
            args = []
            for argument in jet.args:
                if argument not in names:
                    names[argument] = f"%v{argument}"
                    lines += _load(names[argument], "%row", self.tape.homes[argument][0])
                args.append(names[argument])
            scalars = [self._scalar(node, f"%s{index}_{i}", lines) for i, node in enumerate(jet.scalars)]
            names[index] = f"%v{index}"
            lines += _operation(names[index], jet.op, args, scalars)
            lines += self._stored(names[index], index, self.tape.homes.get(index, []))
        return lines

    def _scalar(self, node: int, name: str, lines: list[str]) -> str:
        graph = self.tape.graph
        if graph.op[node] == "const":
            return constant(graph.value[node])
        lines += _load(name, "%tape", self.tape.scalar(node))
        return name

    def _stored(self, value: str, index: int, homes: Sequence[int]) -> list[str]:
        lines: list[str] = []
        for place in homes:
            lines += _store(value, place)
        for state in self.feeds.get(index, ()):
            lines.append(f"%f{state} = fmul double {value}, %next")
            lines += _store(f"%f{state}", self.tape.stride + state)
        return lines

    def _loop(self, calls: list[str]) -> str:
        one, place = constant(1.0), len(INPUTS)
        body = [
            "entry:",
            "%code = call i32 @taylor_start(double %t, ptr %in, ptr %out)",
            "%failed = icmp ne i32 %code, 0",
            f"%op = getelementptr ptr, ptr %in, i64 {place}",
            "%o = load ptr, ptr %op",
            "%wanted = load double, ptr %o",
            "%order = fptosi double %wanted to i64",
            "%tape = load ptr, ptr %out",
            "br i1 %failed, label %done, label %loop\nloop:",
            "%k = phi i64 [1, %entry], [%k1, %loop]",
            f"%offset = mul i64 %k, {self.tape.stride}",
            "%row = getelementptr double, ptr %tape, i64 %offset",
            "%number = uitofp i64 %k to double",
            f"%inverse = fdiv double {one}, %number",
            f"%above = fadd double {one}, %number",
            f"%next = fdiv double {one}, %above",
            *calls,
            "%k1 = add i64 %k, 1",
            "%go = icmp slt i64 %k1, %order",
            "br i1 %go, label %loop, label %done\ndone:",
            "ret i32 %code",
        ]
        return define("dso_local i32", NAME, "double %t, ptr %in, ptr %out", body)


_PARAMETERS = "ptr %tape, ptr %row, i64 %k, double %number, double %inverse, double %next"


def _load(name: str, base: str, place: int) -> list[str]:
    pointer = f"{name}p"
    return [
        f"{pointer} = getelementptr double, ptr {base}, i64 {place}",
        f"{name} = load double, ptr {pointer}",
    ]


def _store(value: str, place: int) -> list[str]:
    pointer = f"{value}_{place}"
    return [
        f"{pointer} = getelementptr double, ptr %row, i64 {place}",
        f"store double {value}, ptr {pointer}",
    ]


def _operation(name: str, op: str, args: list[str], scalars: list[str]) -> list[str]:
    zero = constant(0.0)
    match op:
        case "time":
            first = f"{name}f = icmp eq i64 %k, 1"
            return [first, f"{name} = select i1 {name}f, double {constant(1.0)}, double {zero}"]
        case "add" | "sub":
            return [f"{name} = f{op} contract double {args[0]}, {args[1]}"]
        case "neg":
            return [f"{name} = fneg double {args[0]}"]
        case "copy":
            return [f"{name} = fadd double {args[0]}, {constant(-0.0)}"]
        case "scale":
            return [f"{name} = fmul contract double {scalars[0]}, {args[0]}"]
        case "theta":
            return [f"{name} = fmul contract double %number, {args[0]}"]
        case "iota":
            return [f"{name} = fmul contract double %inverse, {args[0]}"]
        case _:
            holds = f"{name}c = fcmp one double {scalars[0]}, {zero}"
            branches = {"select": args, "gate": [*args, zero], "gate_not": [zero, *args]}[op]
            return [holds, f"{name} = select i1 {name}c, double {branches[0]}, double {branches[1]}"]
