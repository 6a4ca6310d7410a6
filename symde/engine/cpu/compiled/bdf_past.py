"""The past of a backward differentiation formula: the mesh of its points and the differences over it.

Sources: F. T. Krogh, Changing stepsize in the integration of differential equations using modified divided
differences, Lecture Notes in Mathematics 362 (1974) 22-71; K. E. Brenan, S. L. Campbell, L. R. Petzold,
Numerical Solution of Initial-Value Problems in Differential-Algebraic Equations (1996), 5.2.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, structure_at
from symde.engine.cpu.compiled.vectors import clear
from symde.engine.cpu.families.bdf import DIFFERENCES, HEADER, HIGHEST, PLACES, BdfData, BdfMemory

bdf_data_at = structure_at(BdfData)
bdf_memory_at = structure_at(BdfMemory)


@compiled
def difference(state, memory, j):
    """Address of the difference of order j, from 1."""
    return memory.differences + 8 * state.padded * (j - 1)


@compiled
def begin_past(state, memory, address, start):
    """Order 1 with the slope at `start`, as though the past had been a straight line in steps of h."""
    memory.order, memory.taken, memory.waited = 1, 1, 0
    memory.psi = address + 8 * HEADER
    memory.new_psi = memory.psi + 8 * PLACES
    memory.value = memory.new_psi + 8 * PLACES
    memory.slope = memory.value + 8 * PLACES
    memory.interpolant = memory.slope + 8 * PLACES
    memory.differences = address + 8 * DIFFERENCES
    psi = doubles(memory.psi)
    for i in range(PLACES):
        psi[i] = i * state.h
    slope, first = doubles(start), doubles(memory.differences)
    for i in range(state.padded):
        first[i] = state.h * slope[i]
    clear(2 * state.padded, difference(state, memory, 2))


@compiled
def measure_mesh(state, memory, method):
    """Distances of the past points from the new one, the weights of p(t) - u and p'(t), and the factor of the
    error."""
    k, h = memory.order, state.h
    psi, new_psi = doubles(memory.psi), doubles(memory.new_psi)
    value, slope = doubles(memory.value), doubles(memory.slope)
    product, total = 1.0, 0.0
    for i in range(1, k + 2):
        new_psi[i] = h + psi[i - 1]
        product *= new_psi[i] / psi[i]
        total += 1.0 / new_psi[i]
        value[i] = product
        slope[i] = product * total
    new_psi[k + 2] = h + psi[k + 1]
    memory.weight = error_weight(method, k, h * total, h / new_psi[k + 1])


@compiled
def error_weight(method, order, total, last):
    """Error of a step over its difference of order + 1, from the sum of h/psi_i and its last term.

    The residual of the formula for a polynomial of degree order + 1; where steps are equal, also the first of
    both values, which keeps the other from passing through zero.

    Source: Brenan, Campbell, Petzold (1996), 5.2, equation (5.2.20), there with kappa = 0.
    """
    least = doubles(method.constant)[order] * (order + 1) * last
    return max(least, abs(total - doubles(method.leading)[order]))


@compiled
def advance_past(state, memory):
    """Mesh and differences with the new point in front, up to order + 2; one pass over the vectors."""
    k, padded = memory.order, state.padded
    psi, new_psi, value = doubles(memory.psi), doubles(memory.new_psi), doubles(memory.value)
    phi, d = doubles(memory.differences), doubles(state.stages + 16 * padded)
    last = value[k + 1]
    for i in range(0, padded, 4):
        at = i + k * padded
        s0, s1, s2, s3 = d[i], d[i + 1], d[i + 2], d[i + 3]
        above = at + padded
        r0, r1 = s0 - last * phi[at], s1 - last * phi[at + 1]
        r2, r3 = s2 - last * phi[at + 2], s3 - last * phi[at + 3]
        phi[above], phi[above + 1], phi[above + 2], phi[above + 3] = r0, r1, r2, r3
        phi[at], phi[at + 1], phi[at + 2], phi[at + 3] = s0, s1, s2, s3
        for j in range(k, 0, -1):
            at -= padded
            weight = value[j]
            s0 += weight * phi[at]
            s1 += weight * phi[at + 1]
            s2 += weight * phi[at + 2]
            s3 += weight * phi[at + 3]
            phi[at], phi[at + 1], phi[at + 2], phi[at + 3] = s0, s1, s2, s3
    for i in range(1, k + 3):
        psi[i] = new_psi[i]


@compiled
def interpolant_weights(memory, h):
    """Weights of the `taken` differences in the powers of theta: row m has those of theta**(m + 1).

    p(t_old + theta h) = y_n + sum_j phi_j prod_{i<j} (h (theta - 1) + psi_i) / psi_(i+1), without the terms
    free of theta, which together with y_n are the state at the start of the step.
    """
    psi, w, taken = doubles(memory.psi), doubles(memory.interpolant), memory.taken
    clear(HIGHEST * taken, memory.interpolant)
    free = 1.0
    for j in range(taken):
        constant, factor = (psi[j] - h) / psi[j + 1], h / psi[j + 1]
        w[j] = factor * free
        free *= constant
        for m in range(j):
            w[m * taken + j] += constant * w[m * taken + j - 1]
            w[(m + 1) * taken + j] += factor * w[m * taken + j - 1]
