"""Which state each equation reads, from the definition alone: the structure of the Jacobian."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from symde.language.syntax import Expr
from symde.model.definition import Definition
from symde.model.inline import Inliner
from symde.model.walk import names as names_in

# A set of names as the bits of an integer: unions of sets of thousands of states stay cheap.
Bits = int


def sparsity(definition: Definition) -> np.ndarray:
    """Where the Jacobian may be nonzero: bool array (n, n), [i, j] true where equation i reads state j."""
    names = definition.state_names
    reads = equation_reads(definition, names)
    pattern = np.zeros((len(names), len(names)), dtype=bool)
    for row, bits in enumerate(reads):
        for column in positions(bits):
            pattern[row, column] = True
    return pattern


def equation_reads(definition: Definition, names: Iterable[str]) -> list[Bits]:
    """For each equation, which of `names` it reads, also through observed quantities and functions."""
    known = {name: 1 << position for position, name in enumerate(names)}
    inliner = Inliner(definition.functions)
    for one in definition.observables:
        bits = _reads(inliner.inline(one.value), known)
        known.setdefault(one.name, bits)
    return [_reads(inliner.inline(state.derivative), known) for state in definition.states]


def _reads(root: Expr, known: Mapping[str, Bits]) -> Bits:
    found = 0
    for name in names_in(root):
        found |= known.get(name.id, 0)
    return found


def positions(bits: Bits) -> Iterator[int]:
    """The positions of the set bits, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
