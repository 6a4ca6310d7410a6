"""Back over the steps of `noise_space_time`."""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_back import back_at, go_back, put, spread
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_space_time import (
    find_stage,
    noise_factor,
    place,
    space_time_step,
    stage_point,
)
from symde.engine.cpu.compiled.noise_stages_back import (
    clear_stage,
    diffusion_weights,
    drift_weights,
    weigh_drifts,
)
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def weigh_diffusions(back, state):
    """The weights of the diffusions in the new state."""
    rows, columns, weight = integers(state.rows), integers(state.columns), doubles(back.weight)
    alpha, beta = doubles(place(state, 1)), doubles(place(state, 2))
    for j in range(state.stages):
        g = doubles(diffusion_weights(back, state, j))
        for e in range(state.entries):
            g[e] = noise_factor(state, alpha[j], beta[j], columns[e]) * weight[rows[e]]


@compiled
def pass_on(back, state, stage):
    """From the weight of a stage's state to those of what it is the sum of."""
    bar, weight, rows = doubles(back.work), doubles(back.weight), integers(state.rows)
    columns, a = integers(state.columns), doubles(place(state, 4 + stage))
    area = doubles(place(state, 4 + state.stages + stage))
    for k in range(state.n):
        weight[k] += bar[k]
    for j in range(stage):
        f, g = doubles(drift_weights(back, state, j)), doubles(diffusion_weights(back, state, j))
        for k in range(state.n):
            f[k] += state.h * a[j] * bar[k]
        for e in range(state.entries):
            g[e] += noise_factor(state, a[j], area[j], columns[e]) * bar[rows[e]]


@compiled
def space_time_back(back, state, t):
    """Of a step of a method for any noise."""
    for stage in range(state.stages):
        find_stage(state, t, stage)
    weigh_drifts(back, state, place(state, 1))
    weigh_diffusions(back, state)
    for stage in range(state.stages - 1, -1, -1):
        late = t + doubles(place(state, 0))[stage] * state.h
        stage_point(state, stage)
        clear_stage(back, state)
        put(drift_weights(back, state, stage), back.of_drift, state.n)
        put(diffusion_weights(back, state, stage), back.of_diffusion, state.entries)
        spread(back, state, back.stratonovich, late, state.work, back.work)
        pass_on(back, state, stage)


def space_time(address):
    """`int32 space_time(NoiseBack *)`"""
    return go_back(back_at(address), space_time_step, space_time_back)


def space_time_jumps(address):
    """`int32 space_time_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), space_time_step, space_time_back)


ENTRIES = {
    "space_time": space_time,
    "space_time_jumps": space_time_jumps,
}
