"""The adjoint of an interpolant that is built pass by pass."""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_tools import add_scaled, pull
from symde.engine.cpu.compiled.hermite import first_order_interpolant
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import clear
from symde.engine.cpu.layout import Attempt


@compiled
def all_nodes(hermite):
    """The number of nodes of all passes together."""
    counts, total = integers(hermite.counts), 0
    for one in range(hermite.passes):
        total += counts[one]
    return total


@compiled
def pull_nodes(adjoint, state, first, count, nodes, trail, vectors, before):
    """From the slopes at the nodes of a pass to the polynomial of degree `before` on which they were taken;
    the kernel's code."""
    padded, size, theta_at = adjoint.padded, 8 * adjoint.padded, doubles(nodes)
    for j in range(count):
        theta, power = theta_at[first + j], 1.0
        t, place = state.t_old + theta * state.h_old, trail + size * (first + j)
        clear(padded, adjoint.factor)
        if pull(adjoint, adjoint.product, t, place, vectors + size * j, 1.0, adjoint.factor) != 0:
            return 1
        for k in range(before + 1):
            add_scaled(padded, power, adjoint.factor, adjoint.coefficients + size * k)
            power *= theta
    return 0


@compiled
def pull_hermite(adjoint, state, hermite, vectors, memory, trail):
    """From the interpolant's coefficients to the end of the step, in `weights`, and to its start, in `start`;
    FINE or CALLBACK. `vectors` and `trail` as in `first_order_interpolant`; both are overwritten."""
    padded, size, h = adjoint.padded, 8 * adjoint.padded, state.h_old
    if first_order_interpolant(state, hermite, vectors, memory, trail) != Attempt.FINE:
        return Attempt.CALLBACK.value
    counts, first, weights = integers(hermite.counts), all_nodes(hermite), hermite.weights
    for one in range(hermite.passes):
        weights += 8 * (3 + counts[one]) * (3 + counts[one])
    clear(3 * padded, vectors)
    for one in range(hermite.passes - 1, -1, -1):
        count = counts[one]
        degree = 3 + count
        weights -= 8 * degree * degree
        first -= count
        w = doubles(weights)
        clear(padded * count, vectors + 3 * size)
        for k in range(degree):
            source = adjoint.coefficients + size * (k + 1)
            for j in range(degree):
                add_scaled(padded, h * w[degree * k + j], source, vectors + size * j)
        add_scaled(padded, 1.0, adjoint.coefficients, adjoint.start)
        clear(padded * (degree + 1), adjoint.coefficients)
        if count > 0:
            before = 3 + counts[one - 1] if one > 0 else 0
            slopes, nodes = vectors + 3 * size, hermite.nodes
            if pull_nodes(adjoint, state, first, count, nodes, trail, slopes, before) != 0:
                return Attempt.CALLBACK.value
    code = pull(adjoint, adjoint.product, state.t_old, state.u_new, vectors + size, 1.0, adjoint.start)
    code += pull(adjoint, adjoint.product, state.t, state.u, vectors + 2 * size, 1.0, adjoint.weights)
    add_scaled(padded, 1.0 / h, vectors, adjoint.weights)
    add_scaled(padded, -1.0 / h, vectors, adjoint.start)
    return Attempt.FINE.value if code == 0 else Attempt.CALLBACK.value
