"""Back over the steps of `noise_sri`: methods for diagonal and for scalar noise."""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_back import back_at, go_back, put, spread
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_loop import both_to
from symde.engine.cpu.compiled.noise_sri import diffusion_point, drift_point, find_stage, place, sri_step
from symde.engine.cpu.compiled.noise_stages_back import (
    diffusion_back,
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
    rows, columns = integers(state.rows), integers(state.columns)
    increments, areas = doubles(state.increments), doubles(state.areas)
    beta1, beta2 = doubles(place(state, 3)), doubles(place(state, 4))
    beta3, beta4 = doubles(place(state, 5)), doubles(place(state, 6))
    for e in range(state.entries):
        dw, mean = increments[columns[e]], areas[columns[e]] / h
        double = 0.5 * (dw * dw - h) / root
        triple = (dw * dw * dw - 3.0 * h * dw) / (6.0 * h)
        for j in range(state.stages):
            factor = beta1[j] * dw + beta2[j] * double + beta3[j] * mean + beta4[j] * triple
            doubles(diffusion_weights(back, state, j))[e] = factor * weight[rows[e]]


@compiled
def stage_back(back, state, t, stage):
    """Back over a stage after the first."""
    s, h = state.stages, state.h
    at, late = doubles(place(state, 0))[stage], doubles(place(state, 1))[stage]
    if doubles(place(state, 8))[stage] != 0.0:
        diffusion_point(state, stage)
        diffusion_back(back, state, stage, t + late * h)
        drifts, diffusions = place(state, 9 + 2 * s + stage), place(state, 9 + 3 * s + stage)
        pass_on(back, state, stage, drifts, diffusions, 0, math.sqrt(h))
    if doubles(place(state, 7))[stage] != 0.0:
        drift_point(state, stage)
        drift_back(back, state, stage, t + at * h)
        drifts, diffusions = place(state, 9 + stage), place(state, 9 + s + stage)
        pass_on(back, state, stage, drifts, diffusions, state.areas, 1.0 / h)


@compiled
def sri_back(back, state, t):
    """Of a step for at most one Brownian motion in each state."""
    drifts = state.work + 8 * state.n
    both_to(state, t, state.u, drifts, drifts + 8 * state.n * state.stages)
    for stage in range(1, state.stages):
        find_stage(state, t, stage)
    weigh_drifts(back, state, place(state, 2))
    weigh_diffusions(back, state)
    for stage in range(state.stages - 1, 0, -1):
        stage_back(back, state, t, stage)
    put(drift_weights(back, state, 0), back.of_drift, state.n)
    put(diffusion_weights(back, state, 0), back.of_diffusion, state.entries)
    spread(back, state, back.both, t, state.u, back.weight)


def sri(address):
    """`int32 sri(NoiseBack *)`"""
    return go_back(back_at(address), sri_step, sri_back)


def sri_jumps(address):
    """`int32 sri_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), sri_step, sri_back)


ENTRIES = {
    "sri": sri,
    "sri_jumps": sri_jumps,
}
