"""Jets of a model's quantities and the recurrences between them.

The jet of a quantity is the list of its normalised Taylor coefficients c_k = (d/dt)^k c / k! along the
solution. Every operation on quantities becomes a few recurrences between their jets, each of which makes
coefficient k from coefficients already there; u_(k+1) = f_k / (k+1) closes the circle. Quantities that
neither states nor t enter smoothly (parameters, signs, conditions) have one coefficient and cost nothing
beyond it. At a kink the jet is that of the branch in force at the expansion point.

Sources: R. E. Moore, Interval Analysis (1966), chapter 11; A. Griewank, A. Walther, Evaluating Derivatives
(2008), chapter 13, tables 13.1 and 13.2; A. Jorba, M. Zou, A software package for the numerical integration
of ODEs by means of high-order Taylor methods, Experimental Mathematics 14 (2005), proposition 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symde.codegen.graph import Graph

LINEAR = frozenset(
    {"state", "time", "add", "sub", "neg", "copy", "scale", "theta", "iota", "select", "gate", "gate_not"}
)
"""Recurrences whose coefficient k needs coefficients k alone: state and time are given; copy a_k; scale
s*a_k; theta k*a_k; iota a_k/k; select a_k where s holds, else b_k; gate a_k where s holds, else 0."""

SUMS = frozenset({"mul", "square", "div", "ratio", "root", "power", "chain"})
"""Recurrences that sum over all lower coefficients; s are scalars, c is the result, all for k >= 1:

    mul     c_k = sum_{j=0..k} a_j b_(k-j)                  square  the same with b = a
    div     c_k = s (a_k - sum_{j=1..k} b_j c_(k-j))        ratio   the same with a_k = 0;  s = 1/b_0
    root    c_k = s (a_k - sum_{j=1..k-1} c_j c_(k-j))      s = 1/(2 c_0)
    power   c_k = s/k sum_{j=0..k-1} (r k - (r+1) j) c_j a_(k-j)    scalars r and s = 1/a_0
    chain   c_k = 1/k sum_{j=1..k} a_j b_(k-j)              a is a theta: c' = b a'
"""

LAGGING = {"chain": 1}
"""Place of the argument of which coefficients below k suffice: it may be made later than the result."""


@dataclass(slots=True)
class Jet:
    """One jet: the node of its coefficient 0, and the recurrence of the others from jets and scalar nodes."""

    initial: int
    op: str
    args: tuple[int, ...] = ()
    scalars: tuple[int, ...] = ()

    def present(self) -> tuple[int, ...]:
        """The arguments whose coefficient k is needed for coefficient k."""
        lagging = LAGGING.get(self.op)
        return self.args if lagging is None else self.args[:lagging]


@dataclass(slots=True)
class Recurrences:
    """All jets of a model, those of its states first; jets come after those whose coefficient k they need.

    Attributes:
        graph: Holds the nodes of coefficients 0 and of scalars.
        jets: The jets.
        rhs: Jet of each state's derivative, None where it is constant.
        initial_rhs: Node of each state's derivative at the expansion point.
        kinks: Whether a branch is taken on something that changes.
    """

    graph: Graph
    jets: list[Jet] = field(default_factory=list)
    rhs: list[int | None] = field(default_factory=list)
    initial_rhs: list[int] = field(default_factory=list)
    kinks: bool = False


def levels(jets: Sequence[Jet]) -> list[int]:
    """How many sums stand one on another below each jet, its own with them."""
    result: list[int] = []
    for jet in jets:
        below = max((result[argument] for argument in jet.present()), default=0)
        result.append(below + (jet.op in SUMS))
    return result


def groups(jets: Sequence[Jet], levels: Sequence[int]) -> list[tuple[int, str, list[int]]]:
    """Sums of one level and one kind, which do not need each other: (level, operation, jets), by level."""
    found: dict[tuple[int, str], list[int]] = {}
    for index, jet in enumerate(jets):
        if jet.op in SUMS:
            found.setdefault((levels[index], jet.op), []).append(index)
    return [(level, op, members) for (level, op), members in sorted(found.items())]
