"""phi functions of the Jacobian times a vector, from a Krylov space of it.

The space belongs to the Jacobian at (t, u) and a vector v: J V_m = V_m H_m + h_(m+1,m) v_(m+1) e_m'. Its
vectors are orthonormal in the norm of the error test, so that what is left of a product is measured in the
solve's own tolerance. A space is grown only as far as the step at hand needs, and grown further when another
attempt needs more.

Source: Y. Saad, Analysis of some Krylov subspace approximations to the matrix exponential operator, SIAM
Journal on Numerical Analysis 29 (1992) 209-228, Algorithm 1 and the error estimate of Theorem 5.1; A. H.
Al-Mohy, N. J. Higham, Computing the action of the matrix exponential, SIAM Journal on Scientific Computing 33
(2011) 488-511, Theorem 2.1, for all phi functions from one exponential.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.checked import finite
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.compiled.small_exponential import exponential
from symde.engine.cpu.families.exponential import DIMENSION, FUNCTIONS
from symde.engine.cpu.layout import Attempt

LEFT_OVER = 0.01
"""What may be left of each product, in units of the tolerance of a step."""

SMALLEST = 4
"""Dimensions a space has at least, so that models of up to four states are solved without a remainder."""

BREAKDOWN = 1e-13
"""Relative size of a new direction below which the space is complete."""


@compiled
def basis(space):
    """Address of the first vector of a space."""
    return space + 64


@compiled
def hessenberg(state, space):
    """Address of the matrix of a space, (DIMENSION + 1) wide."""
    return space + 64 + 8 * (DIMENSION + 1) * state.padded


@compiled
def inner(state, weights, a, b):
    """The inner product of the error test: mean of a_i b_i / scale_i^2. With columns beside the states the
    sum over all is divided by the number of states: no column then counts for less than by itself."""
    w, x, y, total = doubles(weights), doubles(a), doubles(b), 0.0
    for i in range(state.n):
        total += (w[i] * x[i]) * (w[i] * y[i])
    return total / integers(state.blocks)[1]


@compiled
def jacobian_times(state, vector, out):
    """out = J vector at (t, u), counted; the kernel's code."""
    inputs, outputs = integers(state.inputs), integers(state.outputs)
    inputs[0], inputs[6], outputs[0] = state.u, vector, out
    state.products += 1
    code = call_kernel(state.jacobian_vector, state.t, state.inputs, state.outputs)
    inputs[6] = state.direction_vector
    return code


@compiled
def begin_space(state, space, weights, vector):
    """The space of one dimension that a vector spans; none where the vector is zero."""
    head, first, v = doubles(space), doubles(basis(space)), doubles(vector)
    norm = math.sqrt(inner(state, weights, vector, vector))
    head[0], head[1], head[2] = 0.0, norm, 0.0  # dimension, norm, whether it is complete
    h = doubles(hessenberg(state, space))
    for k in range((DIMENSION + 1) * (DIMENSION + 1)):
        h[k] = 0.0
    if norm != 0.0:
        for i in range(state.padded):
            first[i] = v[i] / norm


@compiled
def grow(state, space, weights):
    """One more dimension by Arnoldi's process; the kernel's code."""
    head, h = doubles(space), doubles(hessenberg(state, space))
    m, size = int(head[0]), 8 * state.padded
    new = basis(space) + size * (m + 1)
    if jacobian_times(state, basis(space) + size * m, new) != 0:
        return 1
    before = math.sqrt(inner(state, weights, new, new))
    x = doubles(new)
    for k in range(m + 1):
        old = doubles(basis(space) + size * k)
        part = inner(state, weights, basis(space) + size * k, new)
        h[k * (DIMENSION + 1) + m] = part
        for i in range(state.padded):
            x[i] -= part * old[i]
    norm = math.sqrt(inner(state, weights, new, new))
    if norm <= BREAKDOWN * before:
        norm, head[2] = 0.0, 1.0
    h[(m + 1) * (DIMENSION + 1) + m] = norm
    if norm != 0.0:
        for i in range(state.padded):
            x[i] /= norm
    head[0] = m + 1.0
    return 0


@compiled
def phi_columns(state, space, scale, small):
    """exp of [[scale*H, e_1, 0], [0, shift]]; column m + k - 1 of its first m rows is phi_k(scale*H) e_1. The
    address of the result, m + FUNCTIONS wide."""
    m = int(doubles(space)[0])
    h, a, size = doubles(hessenberg(state, space)), doubles(small), m + FUNCTIONS
    for k in range(size * size):
        a[k] = 0.0
    for i in range(m):
        for j in range(m):
            a[i * size + j] = scale * h[i * (DIMENSION + 1) + j]
    a[m] = 1.0
    for k in range(FUNCTIONS - 1):
        a[(m + k) * size + m + k + 1] = 1.0
    return exponential(size, small, small + 8 * size * size)


@compiled
def left_over(state, space, h, small):
    """What a space misses of h phi_1(h J) v, in the norm of the error test."""
    head = doubles(space)
    m = int(head[0])
    size = m + FUNCTIONS
    columns = doubles(phi_columns(state, space, h, small))
    next_ = doubles(hessenberg(state, space))[m * (DIMENSION + 1) + m - 1]
    return abs(h * head[1] * h * next_ * columns[(m - 1) * size + m + 1])


@compiled
def grow_until(state, space, weights, h, small):
    """Grow a space until h phi_k(h J) v is right to a small part of the tolerance; FINE, DIVERGED, NON_FINITE
    or CALLBACK."""
    head = doubles(space)
    if head[1] == 0.0:
        return Attempt.FINE.value
    if not head[1] < math.inf:
        # a finite vector may be too long for its norm
        return Attempt.DIVERGED.value if finite(state.n, basis(space)) else Attempt.NON_FINITE.value
    looked = max(int(head[0]), SMALLEST)
    while True:
        m = int(head[0])
        if m > 0:
            # to look takes as long as some products: look now and then
            due = m == looked or m >= looked + 2 + looked // 3 or m == DIMENSION
            if head[2] != 0.0 or (due and m >= SMALLEST):
                looked = m
                if head[2] != 0.0 or left_over(state, space, h, small) <= LEFT_OVER:
                    return Attempt.FINE.value
        if m == DIMENSION:
            return Attempt.DIVERGED.value
        if grow(state, space, weights) != 0:
            return Attempt.CALLBACK.value
        if not finite(state.n, basis(space) + 8 * state.padded * (m + 1)):
            return Attempt.NON_FINITE.value


@compiled
def add_phi(state, space, scale, factor, weights_of_phi, powers, small, out):
    """out += factor * sum_k weights_of_phi[k] * powers^k * phi_(k+1)(scale J) v, k = 0 .. 3."""
    head, w = doubles(space), doubles(weights_of_phi)
    m = int(head[0])
    if head[1] == 0.0:
        return
    size = m + FUNCTIONS
    columns, o = doubles(phi_columns(state, space, scale, small)), doubles(out)
    for j in range(m):
        total, power = 0.0, 1.0
        for k in range(FUNCTIONS):
            power *= powers
            total += w[k] * power * columns[j * size + m + k]
        total *= factor * head[1]
        v = doubles(basis(space) + 8 * state.padded * j)
        for i in range(state.padded):
            o[i] += total * v[i]
