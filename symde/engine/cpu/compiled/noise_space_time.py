"""Stochastic Runge-Kutta methods for any noise by increments and space-time areas, by their tables
(`symde.engine.noise.space_time_tableau`, which tells the scheme).

They follow Stratonovich's equation, whose drift is that of Ito's less 1/2 sum_ij g_ij dg_kj/dx_i, derived
from the model.

Memory: `work` holds a stage, then the drifts of all stages, then their diffusions.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_adaptive import advance_adaptively
from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, noise_at, stratonovich_to
from symde.engine.cpu.compiled.noise_stages import add_drifts, copy_states
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def place(state, group):
    """Address of a row of the table: 0 is c, 1 alpha, 2 beta, 3 alpha less the weights of the method that
    errors are measured from, and the rows of a and area begin at 4, a matrix after the other."""
    return state.table + 8 * state.stages * group


@compiled
def drift_at(state, stage):
    """Address of the drift of a stage."""
    return state.work + 8 * state.n * (stage + 1)


@compiled
def diffusion_at(state, stage):
    """Address of the diffusion of a stage."""
    return state.work + 8 * state.n * (state.stages + 1) + 8 * state.entries * stage


@compiled
def noise_factor(state, increments_weight, area_weight, motion):
    """The factor of a diffusion in a sum: of the increment and of the space-time area of its motion."""
    moved = doubles(state.increments)[motion]
    area = doubles(state.areas)[motion] / state.h - 0.5 * moved
    return increments_weight * moved + area_weight * area


@compiled
def stage_point(state, stage):
    """The state of a stage, at the beginning of `work`."""
    a, area = place(state, 4 + stage), place(state, 4 + state.stages + stage)
    rows, columns, point = integers(state.rows), integers(state.columns), doubles(state.work)
    copy_states(state, state.u, state.work)
    add_drifts(state, a, stage, drift_at(state, 0), state.work)
    moved, spread = doubles(a), doubles(area)
    for j in range(stage):
        if moved[j] != 0.0 or spread[j] != 0.0:
            g = doubles(diffusion_at(state, j))
            for e in range(state.entries):
                point[rows[e]] += noise_factor(state, moved[j], spread[j], columns[e]) * g[e]


@compiled
def find_stage(state, t, stage):
    """Drift and diffusion of a stage."""
    late = t + doubles(place(state, 0))[stage] * state.h
    stage_point(state, stage)
    stratonovich_to(state, late, state.work, drift_at(state, stage), diffusion_at(state, stage))


@compiled
def measure(state):
    """What the step differs from that of the method without areas: of the drift, and of the noise."""
    rows, columns, apart = integers(state.rows), integers(state.columns), doubles(place(state, 3))
    beta, error, total = doubles(place(state, 2)), doubles(state.errors), doubles(state.work)
    for k in range(state.n):
        error[k] = total[k] = 0.0
    add_drifts(state, place(state, 3), state.stages, drift_at(state, 0), state.errors)
    for j in range(state.stages):
        g = doubles(diffusion_at(state, j))
        for e in range(state.entries):
            total[rows[e]] += noise_factor(state, apart[j], beta[j], columns[e]) * g[e]
    for k in range(state.n):
        error[k] = abs(error[k]) + abs(total[k])


@compiled
def space_time_step(state, t):
    """A step of a method for any noise."""
    for stage in range(state.stages):
        find_stage(state, t, stage)
    u, rows, columns = doubles(state.u), integers(state.rows), integers(state.columns)
    alpha, beta = doubles(place(state, 1)), doubles(place(state, 2))
    add_drifts(state, place(state, 1), state.stages, drift_at(state, 0), state.u)
    for j in range(state.stages):
        g = doubles(diffusion_at(state, j))
        for e in range(state.entries):
            u[rows[e]] += noise_factor(state, alpha[j], beta[j], columns[e]) * g[e]
    if state.adaptive != 0:
        measure(state)


def space_time(address):
    """`int32 space_time(NoiseState *)`"""
    state = noise_at(address)
    return (
        advance_adaptively(state, space_time_step) if state.adaptive != 0 else advance(state, space_time_step)
    )


def space_time_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), space_time_step)


def space_time_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), space_time_step)


ENTRIES = {
    "space_time": space_time,
    "space_time_jumps": space_time_jumps,
    "space_time_events": space_time_events,
}
