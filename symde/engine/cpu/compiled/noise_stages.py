"""What stochastic Runge-Kutta methods share: sums of stages with the weights of a table.

Drifts of all stages lie one after another, `n` numbers each, and their diffusions likewise, `entries` numbers
each.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers

DRIFT_WEIGHT = 0.25
"""Of the drift's part of the error, what the weighted stages differ from the first, beside the part of the
noise: a sixth of the difference of the two drifts of SRIW1."""


@compiled
def copy_states(state, source, target):
    """A state to another place."""
    one, other = doubles(source), doubles(target)
    for k in range(state.n):
        other[k] = one[k]


@compiled
def add_drifts(state, weights, count, drifts, target):
    """target += h sum_j weights_j f_j over the first stages."""
    w, to = doubles(weights), doubles(target)
    for j in range(count):
        if w[j] != 0.0:
            f, factor = doubles(drifts + 8 * state.n * j), state.h * w[j]
            for k in range(state.n):
                to[k] += factor * f[k]


@compiled
def diffusion_sum(state, weights, count, diffusions, entry):
    """sum_j weights_j g_j of an entry of the diffusion matrix over the first stages."""
    w, g, total = doubles(weights), doubles(diffusions + 8 * entry), 0.0
    for j in range(count):
        total += w[j] * g[j * state.entries]
    return total


@compiled
def take_drifts(state, weights, drifts):
    """u += h sum_j weights_j f_j, and the drift's part of the error of a step that follows it."""
    add_drifts(state, weights, state.stages, drifts, state.u)
    if state.adaptive != 0:
        error, first, w = doubles(state.errors), doubles(drifts), doubles(weights)
        for k in range(state.n):
            error[k] = 0.0
        for j in range(1, state.stages):  # one after another: where decay is fast their sum may be 0
            if w[j] != 0.0:
                f, factor = doubles(drifts + 8 * state.n * j), DRIFT_WEIGHT * state.h * abs(w[j])
                for k in range(state.n):
                    error[k] += factor * abs(f[k] - first[k])


@compiled
def take_noise(state, entry, coarse, fine):
    """u += coarse + fine in the row of an entry; what is fine is an error beside the method without it."""
    row = integers(state.rows)[entry]
    doubles(state.u)[row] += coarse + fine
    if state.adaptive != 0:
        doubles(state.errors)[row] += abs(fine)
