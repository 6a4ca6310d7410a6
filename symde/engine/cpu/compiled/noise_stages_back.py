"""What stochastic Runge-Kutta methods share on the way back: weights of what the stages read.

Memory: `work` of the way back holds the weight of a stage's state, then those of the drifts of all stages,
`n` numbers each, then those of their diffusions, `entries` numbers each.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_back import put, spread
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def drift_weights(back, state, stage):
    """Address of the weights of a stage's drift."""
    return back.work + 8 * state.n * (stage + 1)


@compiled
def diffusion_weights(back, state, stage):
    """Address of the weights of a stage's diffusion."""
    return back.work + 8 * state.n * (state.stages + 1) + 8 * state.entries * stage


@compiled
def weigh_drifts(back, state, weights):
    """The weights of the drifts in h sum_j weights_j f_j."""
    w, given = doubles(weights), doubles(back.weight)
    for j in range(state.stages):
        f, factor = doubles(drift_weights(back, state, j)), state.h * w[j]
        for k in range(state.n):
            f[k] = factor * given[k]


@compiled
def clear_stage(back, state):
    """No weight of a stage's state."""
    bar = doubles(back.work)
    for k in range(state.n):
        bar[k] = 0.0


@compiled
def drift_back(back, state, stage, t):
    """From the weight of a drift that was read at the state in the forward `work` to that of this state."""
    clear_stage(back, state)
    put(drift_weights(back, state, stage), back.of_drift, state.n)
    spread(back, state, back.drift, t, state.work, back.work)


@compiled
def diffusion_back(back, state, stage, t):
    """Likewise from the weight of a diffusion."""
    clear_stage(back, state)
    put(diffusion_weights(back, state, stage), back.of_diffusion, state.entries)
    spread(back, state, back.diffusion, t, state.work, back.work)


@compiled
def pass_on(back, state, stage, drifts, diffusions, factors, scale):
    """From the weight of a stage's state to those of what it is the sum of: the state before the step, h
    drifts_j f_j, and diffusions_j g_j times a factor of the entry's motion (address 0: 1) and a scale."""
    bar, weight, rows = doubles(back.work), doubles(back.weight), integers(state.rows)
    columns, a, b = integers(state.columns), doubles(drifts), doubles(diffusions)
    for k in range(state.n):
        weight[k] += bar[k]
    for j in range(stage):
        if a[j] != 0.0:
            f, factor = doubles(drift_weights(back, state, j)), state.h * a[j]
            for k in range(state.n):
                f[k] += factor * bar[k]
        if b[j] != 0.0:
            g, factor = doubles(diffusion_weights(back, state, j)), scale * b[j]
            for e in range(state.entries):
                motion = 1.0 if factors == 0 else doubles(factors)[columns[e]]
                g[e] += factor * motion * bar[rows[e]]
