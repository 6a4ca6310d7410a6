"""Back over the steps of `noise_sra`: methods for additive noise."""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_back import back_at, go_back, put, spread
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_sra import drift_point, find_diffusions, find_stage, place, sra_step
from symde.engine.cpu.compiled.noise_stages_back import (
    diffusion_weights,
    drift_back,
    pass_on,
    weigh_drifts,
)
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def weigh_diffusions(back, state):
    """The weights of the diffusions in the new state."""
    weight, rows, columns = doubles(back.weight), integers(state.rows), integers(state.columns)
    increments, areas = doubles(state.increments), doubles(state.areas)
    beta1, beta2 = doubles(place(state, 3)), doubles(place(state, 4))
    for e in range(state.entries):
        dw, mean = increments[columns[e]], areas[columns[e]] / state.h
        for j in range(state.stages):
            factor = beta1[j] * dw + beta2[j] * mean
            doubles(diffusion_weights(back, state, j))[e] = factor * weight[rows[e]]


@compiled
def sra_back(back, state, t):
    """Of a step where no state changes the noise."""
    s, h = state.stages, state.h
    at, late, read = doubles(place(state, 0)), doubles(place(state, 1)), doubles(place(state, 5))
    find_diffusions(state, t)
    for stage in range(s):
        find_stage(state, t, stage)
    weigh_drifts(back, state, place(state, 2))
    weigh_diffusions(back, state)
    for stage in range(s - 1, -1, -1):
        drift_point(state, stage)
        drift_back(back, state, stage, t + at[stage] * h)
        drifts, diffusions = place(state, 6 + stage), place(state, 6 + s + stage)
        pass_on(back, state, stage, drifts, diffusions, state.areas, 1.0 / h)
    for stage in range(s):
        if read[stage] != 0.0:
            put(diffusion_weights(back, state, stage), back.of_diffusion, state.entries)
            spread(back, state, back.diffusion, t + late[stage] * h, state.u, back.weight)


def sra(address):
    """`int32 sra(NoiseBack *)`"""
    return go_back(back_at(address), sra_step, sra_back)


def sra_jumps(address):
    """`int32 sra_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), sra_step, sra_back)


ENTRIES = {
    "sra": sra,
    "sra_jumps": sra_jumps,
}
