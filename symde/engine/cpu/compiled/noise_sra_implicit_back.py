"""Back over the steps of `noise_sra_implicit`."""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_back import back_at, go_back, put, spread
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_newton_back import weigh_implicit
from symde.engine.cpu.compiled.noise_sra import place
from symde.engine.cpu.compiled.noise_sra_back import weigh_diffusions
from symde.engine.cpu.compiled.noise_sra_implicit import find_base, find_stages, implicit_sra_step
from symde.engine.cpu.compiled.noise_stages_back import (
    diffusion_weights,
    drift_back,
    drift_weights,
    pass_on,
    weigh_drifts,
)
from symde.engine.cpu.compiled.pointers import compiled, doubles


@compiled
def stage_point(state, stage, drifts, diffusions, gamma):
    """The state that was solved for, at the beginning of `work`."""
    find_base(state, stage, drifts, diffusions)
    point, base = doubles(state.work), doubles(state.work + 8 * state.n)
    f = doubles(drifts + 8 * state.n * stage)
    for i in range(state.n):
        point[i] = base[i] + gamma * state.h * f[i]


@compiled
def implicit_sra_back(back, state, t):
    """Of a step where no state changes the noise."""
    s, h, drifts = state.stages, state.h, state.work + 16 * state.n
    diffusions = drifts + 8 * state.n * s
    at, late, read = doubles(place(state, 0)), doubles(place(state, 1)), doubles(place(state, 5))
    find_stages(state, t, drifts, diffusions)
    weigh_drifts(back, state, place(state, 2))
    weigh_diffusions(back, state)
    for stage in range(s - 1, 0, -1):
        a, b = place(state, 6 + stage), place(state, 6 + s + stage)
        stage_point(state, stage, drifts, diffusions, doubles(a)[stage])
        weights, time = drift_weights(back, state, stage), t + at[stage] * h
        weigh_implicit(back, state, time, state.work, weights, doubles(a)[stage])
        drift_back(back, state, stage, time)
        pass_on(back, state, stage, a, b, state.areas, 1.0 / h)
    put(drift_weights(back, state, 0), back.of_drift, state.n)
    spread(back, state, back.drift, t, state.u, back.weight)
    for stage in range(s):
        if read[stage] != 0.0:
            put(diffusion_weights(back, state, stage), back.of_diffusion, state.entries)
            spread(back, state, back.diffusion, t + late[stage] * h, state.u, back.weight)


def implicit_sra(address):
    """`int32 implicit_sra(NoiseBack *)`"""
    return go_back(back_at(address), implicit_sra_step, implicit_sra_back)


def implicit_sra_jumps(address):
    """`int32 implicit_sra_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), implicit_sra_step, implicit_sra_back)


ENTRIES = {
    "implicit_sra": implicit_sra,
    "implicit_sra_jumps": implicit_sra_jumps,
}
