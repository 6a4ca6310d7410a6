"""Restarted GMRES for W x = b, with products J*v by the model's own kernel at the state a step begins with.

Vectors are measured as the error test measures them: scaled by 1/(atol + rtol*|u|). A residual r leaves an
error of about r/shift in the solution where J damps, so the iteration ends when that is a small part of the
step's tolerance; what the method sees of it is less than its own error. Where that cannot be had, the step is
given up: a smaller one has a larger shift, and a system closer to the identity.

Sources: Y. Saad, M. H. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986); P. N. Brown, A. C. Hindmarsh, Appl.
Math. Comput. 31 (1989), for the scaling.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.layout import TINY, Attempt
from symde.engine.cpu.linear_solvers.krylov import KrylovData

krylov_data_at = structure_at(KrylovData)

DIRECTION = 6
"""Place of the vector v in the input table of kernels."""

ROUNDING = 1e-14
"""A residual below this part of the right side is at the level of rounding."""


@compiled
def fill_weights(state, krylov):
    """The weights of the error test."""
    u, atol, weights = doubles(state.u), doubles(state.atol), doubles(krylov.weights)
    for i in range(state.n):
        weights[i] = 1.0 / (atol[i] + state.rtol * abs(u[i]) + TINY)


@compiled
def norm(n, vector):
    """The root mean square of a vector."""
    v, total = doubles(vector), 0.0
    for i in range(n):
        total += v[i] * v[i]
    return math.sqrt(total / n)


@compiled
def multiply(state, krylov, vector, image):
    """image = W vector, both unscaled; the kernel's code."""
    inputs, outputs = integers(state.inputs), integers(state.outputs)
    kept = inputs[DIRECTION]
    inputs[0], inputs[DIRECTION], outputs[0] = state.u, vector, image
    state.products += 1
    code = call_kernel(krylov.product, state.t, state.inputs, state.outputs)
    inputs[DIRECTION] = kept  # the stiffness watch's own vector
    v, w = doubles(vector), doubles(image)
    for i in range(state.n):
        w[i] = state.shift * v[i] - w[i]
    return code


@compiled
def precondition(state, krylov, address, vector):
    """vector = P^-1 S^-1 vector, from the scaled space; uses `image`. A code."""
    v, w, weights = doubles(vector), doubles(krylov.image), doubles(krylov.weights)
    if krylov.apply == 0:
        for i in range(state.n):
            v[i] /= weights[i]
        return Attempt.FINE.value
    for i in range(state.n):
        w[i] = v[i] / weights[i]
    return call_solve(krylov.apply, address, krylov.image, vector)


@compiled
def next_direction(state, krylov, address, j):
    """Basis vector j + 1 and column j of the Hessenberg matrix; a code."""
    n, vector, image = state.n, doubles(krylov.vector), doubles(krylov.image)
    weights, column = doubles(krylov.weights), doubles(krylov.hessenberg + 8 * j * (krylov.directions + 1))
    last, new = doubles(krylov.basis + 8 * n * j), doubles(krylov.basis + 8 * n * (j + 1))
    for i in range(n):
        vector[i] = last[i]
    code = precondition(state, krylov, address, krylov.vector)
    if code != Attempt.FINE:
        return code
    if multiply(state, krylov, krylov.vector, krylov.image) != 0:
        return Attempt.CALLBACK.value
    for i in range(n):
        new[i] = weights[i] * image[i]
    for k in range(j + 1):
        old, total = doubles(krylov.basis + 8 * n * k), 0.0
        for i in range(n):
            total += old[i] * new[i]
        column[k] = total
        for i in range(n):
            new[i] -= total * old[i]
    size = norm(n, krylov.basis + 8 * n * (j + 1)) * math.sqrt(n)
    column[j + 1] = size
    if size > 0.0:
        for i in range(n):
            new[i] /= size
    return Attempt.FINE.value


@compiled
def rotate(krylov, j):
    """Column j made upper triangular by plane rotations; the size of the residual that is left."""
    column = doubles(krylov.hessenberg + 8 * j * (krylov.directions + 1))
    cosines, sines, g = doubles(krylov.cosines), doubles(krylov.sines), doubles(krylov.coordinates)
    for k in range(j):
        above = cosines[k] * column[k] + sines[k] * column[k + 1]
        column[k + 1] = -sines[k] * column[k] + cosines[k] * column[k + 1]
        column[k] = above
    size = math.sqrt(column[j] * column[j] + column[j + 1] * column[j + 1])
    if size > 0.0:
        cosines[j], sines[j] = column[j] / size, column[j + 1] / size
    else:
        cosines[j], sines[j] = 1.0, 0.0
    column[j] = size
    g[j + 1] = -sines[j] * g[j]
    g[j] = cosines[j] * g[j]
    return abs(g[j + 1])


@compiled
def add_combination(state, krylov, address, count, solution):
    """solution += P^-1 S^-1 (basis times the least-squares coordinates); a code."""
    n, wide = state.n, krylov.directions + 1
    h, g, x = doubles(krylov.hessenberg), doubles(krylov.coordinates), doubles(solution)
    vector = doubles(krylov.vector)
    for k in range(count - 1, -1, -1):
        total = g[k]
        for j in range(k + 1, count):
            total -= h[j * wide + k] * g[j]
        g[k] = total / h[k * wide + k]
    for i in range(n):
        vector[i] = 0.0
    for k in range(count):
        basis, weight = doubles(krylov.basis + 8 * n * k), g[k]
        for i in range(n):
            vector[i] += weight * basis[i]
    code = precondition(state, krylov, address, krylov.vector)
    for i in range(n):
        x[i] += vector[i]
    return code


@compiled
def cycle(state, krylov, address, limit, solution):
    """Reduce the residual, which is the first basis vector, until its norm is below `limit` or the basis is
    full; a code."""
    n, g, residual = state.n, doubles(krylov.coordinates), doubles(krylov.basis)
    size = norm(n, krylov.basis) * math.sqrt(n)
    for i in range(n):
        residual[i] /= size
    g[0], count, left = size, 0, size
    while count < krylov.directions and left > limit * math.sqrt(n):
        code = next_direction(state, krylov, address, count)
        if code != Attempt.FINE:
            return code
        left = rotate(krylov, count)
        if not left < math.inf:
            return Attempt.DIVERGED.value
        if doubles(krylov.hessenberg)[count * (krylov.directions + 1) + count] == 0.0:
            return Attempt.SINGULAR.value
        count += 1
    return add_combination(state, krylov, address, count, solution)


@compiled
def scaled_residual(state, krylov, rhs, solution, fresh):
    """The first basis vector = S (rhs - W solution); a code. A fresh solution is zero."""
    n, b, weights = state.n, doubles(rhs), doubles(krylov.weights)
    residual, image = doubles(krylov.basis), doubles(krylov.image)
    if fresh:
        for i in range(n):
            residual[i] = weights[i] * b[i]
        return Attempt.FINE.value
    if multiply(state, krylov, solution, krylov.image) != 0:
        return Attempt.CALLBACK.value
    for i in range(n):
        residual[i] = weights[i] * (b[i] - image[i])
    return Attempt.FINE.value


def factor(address):
    """Ready the weights and the preconditioner for shift*I - J."""
    state = state_at(address)
    krylov = krylov_data_at(state.linear)
    fill_weights(state, krylov)
    if krylov.prepare == 0:
        return Attempt.FINE.value
    state.factorisations += 1
    return call_step(krylov.prepare, address)


def solve(address, rhs, solution):
    """Solve to a residual well below the step's tolerance; DIVERGED where that cannot be had."""
    state = state_at(address)
    krylov = krylov_data_at(state.linear)
    state.solves += 1
    x = doubles(solution)
    for i in range(state.n):
        x[i] = 0.0
    limit = krylov.tolerance * abs(state.shift)
    for attempt in range(krylov.restarts):
        code = scaled_residual(state, krylov, rhs, solution, attempt == 0)
        if code != Attempt.FINE:
            return code
        size = norm(state.n, krylov.basis)
        if not size < math.inf:
            for i in range(state.n):  # the model's own NaN: left for the error test
                x[i] = math.nan
            return Attempt.FINE.value
        if attempt == 0:
            limit = max(limit, ROUNDING * size)
        if size <= limit:
            return Attempt.FINE.value
        code = cycle(state, krylov, address, limit, solution)
        if code != Attempt.FINE:
            return code
    scaled_residual(state, krylov, rhs, solution, False)
    return Attempt.FINE.value if norm(state.n, krylov.basis) <= limit else Attempt.DIVERGED.value


def accept(address, rhs, solution):
    """Every solution was iterated to its tolerance."""
    return Attempt.FINE


ENTRIES = {"factor": factor, "solve": solve, "substitute": solve, "accept": accept}
