"""The diagonal of W as preconditioner."""

from __future__ import annotations

from symde.engine.cpu.compiled.krylov import krylov_data_at
from symde.engine.cpu.compiled.pointers import doubles, integers, state_at
from symde.engine.cpu.layout import Attempt


def prepare(address):
    """Reciprocals of the diagonal; where it is zero, that of the shift alone."""
    state = state_at(address)
    krylov = krylov_data_at(state.linear)
    values, diagonal, inverse = (
        doubles(state.jacobian),
        integers(krylov.diagonal),
        doubles(krylov.memory),
    )
    for i in range(state.n):
        entry = state.shift
        if diagonal[i] >= 0:
            entry -= values[diagonal[i]]
        inverse[i] = 1.0 / (entry if entry != 0.0 else state.shift)
    return Attempt.FINE


def apply(address, rhs, solution):
    """solution = rhs over the diagonal."""
    state = state_at(address)
    r, z, inverse = doubles(rhs), doubles(solution), doubles(krylov_data_at(state.linear).memory)
    for i in range(state.n):
        z[i] = inverse[i] * r[i]
    return Attempt.FINE


ENTRIES = {"prepare": prepare, "apply": apply}
