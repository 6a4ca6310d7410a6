"""Stochastic Runge-Kutta methods of strong order 1.5 for diagonal and for scalar noise, by their tables.

Source: A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential
equations, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.8), of which the table of a method
(`symde.engine.noise.sri_tableau`) holds the coefficients.

Memory: `work` holds a stage, then the drifts of all stages, then their diffusions.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_adaptive import advance_adaptively
from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, both_to, diffusion_to, drift_to, noise_at
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
    """Address of a row of the table: 0 and 1 are c0 and c1, 2 alpha, 3 to 6 beta, 7 and 8 tell which drifts
    and diffusions are read, and the rows of A0, B0, A1 and B1 begin at 9, a matrix after the other."""
    return state.table + 8 * state.stages * group


@compiled
def drift_point(state, stage):
    """The state at which a stage reads the drift, at the beginning of `work`."""
    s, drifts, point = state.stages, state.work + 8 * state.n, doubles(state.work)
    rows, columns, area = integers(state.rows), integers(state.columns), doubles(state.areas)
    copy_states(state, state.u, state.work)
    add_drifts(state, place(state, 9 + stage), stage, drifts, state.work)
    for e in range(state.entries):
        weights = place(state, 9 + s + stage)
        moved = diffusion_sum(state, weights, stage, drifts + 8 * state.n * s, e)
        point[rows[e]] += moved * area[columns[e]] / state.h


@compiled
def diffusion_point(state, stage):
    """The state at which a stage reads the diffusion, likewise."""
    s, drifts, point = state.stages, state.work + 8 * state.n, doubles(state.work)
    rows, root = integers(state.rows), math.sqrt(state.h)
    copy_states(state, state.u, state.work)
    add_drifts(state, place(state, 9 + 2 * s + stage), stage, drifts, state.work)
    for e in range(state.entries):
        weights = place(state, 9 + 3 * s + stage)
        point[rows[e]] += root * diffusion_sum(state, weights, stage, drifts + 8 * state.n * s, e)


@compiled
def find_stage(state, t, stage):
    """Drift and diffusion of a stage after the first."""
    h, drifts = state.h, state.work + 8 * state.n
    diffusions = drifts + 8 * state.n * state.stages
    at, late = doubles(place(state, 0))[stage], doubles(place(state, 1))[stage]
    if doubles(place(state, 7))[stage] != 0.0:
        drift_point(state, stage)
        drift_to(state, t + at * h, state.work, drifts + 8 * state.n * stage)
    if doubles(place(state, 8))[stage] != 0.0:
        diffusion_point(state, stage)
        diffusion_to(state, t + late * h, state.work, diffusions + 8 * state.entries * stage)


@compiled
def sri_step(state, t):
    """A step of a method for at most one Brownian motion in each state."""
    s, h, root = state.stages, state.h, math.sqrt(state.h)
    drifts = state.work + 8 * state.n
    diffusions = drifts + 8 * state.n * s
    both_to(state, t, state.u, drifts, diffusions)
    for stage in range(1, s):
        find_stage(state, t, stage)
    take_drifts(state, place(state, 2), drifts)
    columns, increments, areas = integers(state.columns), doubles(state.increments), doubles(state.areas)
    beta1, beta2 = doubles(place(state, 3)), doubles(place(state, 4))
    beta3, beta4 = doubles(place(state, 5)), doubles(place(state, 6))
    g = doubles(diffusions)
    for e in range(state.entries):
        dw, mean = increments[columns[e]], areas[columns[e]] / h
        double = 0.5 * (dw * dw - h) / root
        triple = (dw * dw * dw - 3.0 * h * dw) / (6.0 * h)
        coarse = fine = 0.0
        for j in range(s):
            value = g[j * state.entries + e]
            coarse += (beta1[j] * dw + beta2[j] * double) * value
            fine += (beta3[j] * mean + beta4[j] * triple) * value
        take_noise(state, e, coarse, fine)


def sri(address):
    """`int32 sri(NoiseState *)`"""
    state = noise_at(address)
    return advance_adaptively(state, sri_step) if state.adaptive != 0 else advance(state, sri_step)


def sri_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), sri_step)


def sri_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), sri_step)


ENTRIES = {"sri": sri, "sri_jumps": sri_jumps, "sri_events": sri_events}
