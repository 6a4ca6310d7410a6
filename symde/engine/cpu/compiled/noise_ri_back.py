"""Back over the steps of `noise_ri`: methods of weak order 2 for any noise."""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_back import back_at, go_back, put, spread
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_ri import (
    diffusion_point,
    drift_point,
    find_stages,
    mixed_factor,
    mixed_point,
    place,
    ri_step,
)
from symde.engine.cpu.compiled.noise_stages_back import (
    clear_stage,
    diffusion_weights,
    drift_back,
    drift_weights,
    pass_on,
    weigh_drifts,
)
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def weigh_diffusions(back, state):
    """The weights of the diffusions in the new state."""
    h, root, weight = state.h, math.sqrt(state.h), doubles(back.weight)
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    beta1, beta2, beta3 = doubles(place(state, 3)), doubles(place(state, 4)), doubles(place(state, 5))
    for e in range(state.entries):
        moved = dw[columns[e]]
        double = 0.5 * (moved * moved - h) / root
        for j in range(state.stages):
            factor = beta1[j] * moved + beta2[j] * double
            if j == 0 and state.together == 0:
                factor += (state.motions - 1) * beta3[0] * moved
            doubles(diffusion_weights(back, state, j))[e] = factor * weight[rows[e]]


@compiled
def pass_to_motion(back, state, weights, count, motion):
    """From the weight of a state to that before the step, and to those of the diffusions of one motion, or of
    all where it is -1, of which it is sqrt(h) sum_j weights_j g_j."""
    bar, weight, rows = doubles(back.work), doubles(back.weight), integers(state.rows)
    columns, b, root = integers(state.columns), doubles(weights), math.sqrt(state.h)
    for k in range(state.n):
        weight[k] += bar[k]
    for j in range(count):
        if b[j] != 0.0:
            g, factor = doubles(diffusion_weights(back, state, j)), root * b[j]
            for e in range(state.entries):
                if motion < 0 or columns[e] == motion:
                    g[e] += factor * bar[rows[e]]


@compiled
def mixed_back(back, state, t, given, diffusions):
    """Back over the stages with hats; `given` holds the weight of the new state."""
    after, of_diffusion = doubles(given), doubles(back.of_diffusion)
    rows, columns = integers(state.rows), integers(state.columns)
    for other in range(state.motions):
        for stage in range(1, state.stages):
            mixed_point(state, state.u, stage, diffusions, other)
            for e in range(state.entries):
                of_diffusion[e] = 0.0
                if columns[e] != other:
                    of_diffusion[e] = mixed_factor(state, stage, columns[e], other) * after[rows[e]]
            clear_stage(back, state)
            spread(back, state, back.diffusion, t, state.work, back.work)
            weights = place(state, 7 + 4 * state.stages + stage)
            pass_to_motion(back, state, weights, state.stages, other)


@compiled
def diffusion_stage_back(back, state, t, stage, drifts, diffusions):
    """Back over the diffusion of a stage after the first."""
    s, columns = state.stages, integers(state.columns)
    late = t + doubles(place(state, 1))[stage] * state.h
    given, of_diffusion = doubles(diffusion_weights(back, state, stage)), doubles(back.of_diffusion)
    bar, a = doubles(back.work), doubles(place(state, 7 + 2 * s + stage))
    for motion in range(-1 if state.together != 0 else 0, 0 if state.together != 0 else state.motions):
        diffusion_point(state, stage, drifts, diffusions, motion)
        for e in range(state.entries):
            of_diffusion[e] = given[e] if motion < 0 or columns[e] == motion else 0.0
        clear_stage(back, state)
        spread(back, state, back.diffusion, late, state.work, back.work)
        for j in range(stage):
            f, factor = doubles(drift_weights(back, state, j)), state.h * a[j]
            for k in range(state.n):
                f[k] += factor * bar[k]
        pass_to_motion(back, state, place(state, 7 + 3 * s + stage), stage, motion)


@compiled
def ri_back(back, state, t):
    """Of a step of a method of weak order 2."""
    s, drifts = state.stages, state.work + 8 * state.n
    diffusions = drifts + 8 * state.n * s
    find_stages(state, t, drifts, diffusions, diffusions + 8 * state.entries * s)
    weigh_drifts(back, state, place(state, 2))
    weigh_diffusions(back, state)
    if state.together == 0:
        given = back.work + 8 * (state.n + s * (state.n + state.entries))
        put(back.weight, given, state.n)
        mixed_back(back, state, t, given, diffusions)
    for stage in range(s - 1, 0, -1):
        diffusion_stage_back(back, state, t, stage, drifts, diffusions)
        drift_point(state, stage, drifts, diffusions)
        drift_back(back, state, stage, t + doubles(place(state, 0))[stage] * state.h)
        a, b = place(state, 7 + stage), place(state, 7 + s + stage)
        pass_on(back, state, stage, a, b, state.increments, 1.0)
    put(drift_weights(back, state, 0), back.of_drift, state.n)
    put(diffusion_weights(back, state, 0), back.of_diffusion, state.entries)
    spread(back, state, back.both, t, state.u, back.weight)


def ri(address):
    """`int32 ri(NoiseBack *)`"""
    return go_back(back_at(address), ri_step, ri_back)


def ri_jumps(address):
    """`int32 ri_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), ri_step, ri_back)


ENTRIES = {
    "ri": ri,
    "ri_jumps": ri_jumps,
}
