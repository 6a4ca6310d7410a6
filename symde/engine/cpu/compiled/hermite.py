"""Interpolants built pass by pass from both ends of a step and evaluations within it.

Source: W. H. Enright, K. R. Jackson, S. P. Norsett, P. G. Thomsen, Interpolants for Runge-Kutta formulas, ACM
Transactions on Mathematical Software 12 (1986) 193-218.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import copy, weighted_sums
from symde.engine.cpu.layout import Attempt


@compiled
def difference(state, out):
    """out = (u_1 - u_0)/h over the last accepted step."""
    old, new, o = doubles(state.u_new), doubles(state.u), doubles(out)
    for i in range(state.padded):
        o[i] = (new[i] - old[i]) / state.h_old


@compiled
def polynomial_at(state, degree, theta, out):
    """out = sum_k coefficients[k] theta^k by Horner's rule."""
    padded, c, o = state.padded, doubles(state.coefficients), doubles(out)
    for i in range(padded):
        value = c[degree * padded + i]
        for k in range(degree - 1, -1, -1):
            value = value * theta + c[k * padded + i]
        o[i] = value


@compiled
def both_ends(state, vectors, known):
    """f at both ends of the last accepted step; `known`: that at its start stands where the last one's end
    was put."""
    size = 8 * state.padded
    if known:
        copy(state.padded, vectors + 2 * size, vectors + size)
    elif evaluate(state, state.t_old, state.u_new, vectors + size) != 0:
        return 1
    return evaluate(state, state.t, state.u, vectors + 2 * size)


@compiled
def first_order_interpolant(state, hermite, vectors, memory, trail):
    """Coefficients of the last accepted step; `vectors` has room for the difference, f at both ends and at
    the nodes of a pass, `memory` for one number. The states at the nodes of all passes are left in `trail`
    where it is not 0. FINE or CALLBACK."""
    padded, size, h, steps = state.padded, 8 * state.padded, state.h_old, doubles(memory)
    # f at the end of the step before is f at the start of this one, unless the state was changed between
    attempts = state.accepted + state.rejected
    known = steps[0] == attempts
    steps[0] = attempts + 1.0
    difference(state, vectors)
    if both_ends(state, vectors, known) != 0:
        return Attempt.CALLBACK.value
    copy(padded, state.u_new, state.coefficients)
    counts, nodes, weights = integers(hermite.counts), doubles(hermite.nodes), hermite.weights
    degree, at = 0, 0
    for one in range(hermite.passes):
        count = counts[one]
        for j in range(count):
            theta = nodes[at + j]
            polynomial_at(state, degree, theta, state.stage)
            if trail != 0:
                copy(padded, state.stage, trail + size * (at + j))
            if evaluate(state, state.t_old + theta * h, state.stage, vectors + size * (3 + j)) != 0:
                return Attempt.CALLBACK.value
        degree = 3 + count
        weighted_sums(padded, h, weights, degree, degree, vectors, state.coefficients + size)
        weights += 8 * degree * degree
        at += count
    return Attempt.FINE.value
