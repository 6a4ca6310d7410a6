"""Stochastic Runge-Kutta methods of strong order 1.5 for additive noise, by their tables.

Source: A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential
equations, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.1), of which the table of a method
(`symde.engine.noise.sra_tableau`) holds the coefficients.

Memory: `work` holds a stage, then the drifts of all stages, then their diffusions.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_adaptive import advance_adaptively
from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, diffusion_to, drift_to, noise_at
from symde.engine.cpu.compiled.noise_stages import (
    add_drifts,
    copy_states,
    diffusion_sum,
    take_drifts,
    take_noise,
)
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def place(state, group):
    """Address of a row of the table: 0 and 1 are c0 and c1, 2 alpha, 3 and 4 beta, 5 tells which diffusions
    are read, and the rows of A0 and B0 begin at 6, a matrix after the other."""
    return state.table + 8 * state.stages * group


@compiled
def drift_point(state, stage):
    """The state at which a stage reads the drift, at the beginning of `work`."""
    s, drifts, point = state.stages, state.work + 8 * state.n, doubles(state.work)
    rows, columns, area = integers(state.rows), integers(state.columns), doubles(state.areas)
    copy_states(state, state.u, state.work)
    add_drifts(state, place(state, 6 + stage), stage, drifts, state.work)
    for e in range(state.entries):
        weights = place(state, 6 + s + stage)
        moved = diffusion_sum(state, weights, stage, drifts + 8 * state.n * s, e)
        point[rows[e]] += moved * area[columns[e]] / state.h


@compiled
def find_diffusions(state, t):
    """The diffusion at the times of the stages, of those that are read."""
    late, read = doubles(place(state, 1)), doubles(place(state, 5))
    diffusions = state.work + 8 * state.n * (state.stages + 1)
    for stage in range(state.stages):
        if read[stage] != 0.0:
            diffusion_to(state, t + late[stage] * state.h, state.u, diffusions + 8 * state.entries * stage)


@compiled
def find_stage(state, t, stage):
    """The drift of a stage."""
    drift_point(state, stage)
    at = doubles(place(state, 0))[stage]
    drift_to(state, t + at * state.h, state.work, state.work + 8 * state.n * (stage + 1))


@compiled
def sra_step(state, t):
    """A step where no state changes the noise."""
    s, h = state.stages, state.h
    drifts = state.work + 8 * state.n
    diffusions = drifts + 8 * state.n * s
    find_diffusions(state, t)
    for stage in range(s):
        find_stage(state, t, stage)
    take_drifts(state, place(state, 2), drifts)
    columns, increments, areas = integers(state.columns), doubles(state.increments), doubles(state.areas)
    for e in range(state.entries):
        dw, mean = increments[columns[e]], areas[columns[e]] / h
        coarse = dw * diffusion_sum(state, place(state, 3), s, diffusions, e)
        fine = mean * diffusion_sum(state, place(state, 4), s, diffusions, e)
        take_noise(state, e, coarse, fine)


def sra(address):
    """`int32 sra(NoiseState *)`"""
    state = noise_at(address)
    return advance_adaptively(state, sra_step) if state.adaptive != 0 else advance(state, sra_step)


def sra_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), sra_step)


def sra_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), sra_step)


ENTRIES = {"sra": sra, "sra_jumps": sra_jumps, "sra_events": sra_events}
