"""Incomplete LU in the pattern of W as preconditioner: what would fill in is left out.

Source: Y. Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 10.4.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.krylov import krylov_data_at
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, state_at
from symde.engine.cpu.layout import Attempt


@compiled
def eliminate_row(state, krylov, i):
    """Row i of both factors; the diagonal's reciprocals stand behind the entries of J's pattern."""
    starts, columns, places = (
        integers(state.row_pointers),
        integers(state.columns),
        integers(krylov.places),
    )
    w, reciprocals = doubles(krylov.memory), doubles(krylov.memory + 8 * starts[state.n])
    diagonal = integers(krylov.diagonal)
    pivot = state.shift if diagonal[i] < 0 else w[diagonal[i]]
    for p in range(starts[i], starts[i + 1]):
        places[columns[p]] = p
    for p in range(starts[i], starts[i + 1]):  # columns of a row are sorted
        k = columns[p]
        if k >= i:
            break
        factor = w[p] * reciprocals[k]
        w[p] = factor
        for q in range(starts[k], starts[k + 1]):
            j = columns[q]
            if j > k:
                if j == i:
                    pivot -= factor * w[q]
                elif places[j] >= 0:
                    w[places[j]] -= factor * w[q]
    for p in range(starts[i], starts[i + 1]):
        places[columns[p]] = -1
    reciprocals[i] = 1.0 / (pivot if pivot != 0.0 else state.shift)


def prepare(address):
    """Both factors in place of W's entries."""
    state = state_at(address)
    krylov = krylov_data_at(state.linear)
    count = integers(state.row_pointers)[state.n]
    w, values, diagonal = doubles(krylov.memory), doubles(state.jacobian), integers(krylov.diagonal)
    for p in range(count):
        w[p] = -values[p]
    for i in range(state.n):
        if diagonal[i] >= 0:
            w[diagonal[i]] += state.shift
    for i in range(state.n):
        eliminate_row(state, krylov, i)
    return Attempt.FINE


def apply(address, rhs, solution):
    """solution = U^-1 L^-1 rhs."""
    state = state_at(address)
    krylov = krylov_data_at(state.linear)
    starts, columns = integers(state.row_pointers), integers(state.columns)
    w, reciprocals = doubles(krylov.memory), doubles(krylov.memory + 8 * starts[state.n])
    r, z = doubles(rhs), doubles(solution)
    for i in range(state.n):
        total = r[i]
        for p in range(starts[i], starts[i + 1]):
            if columns[p] < i:
                total -= w[p] * z[columns[p]]
        z[i] = total
    for i in range(state.n - 1, -1, -1):
        total = z[i]
        for p in range(starts[i], starts[i + 1]):
            if columns[p] > i:
                total -= w[p] * z[columns[p]]
        z[i] = total * reciprocals[i]
    return Attempt.FINE


ENTRIES = {"prepare": prepare, "apply": apply}
