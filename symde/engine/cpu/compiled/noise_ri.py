"""Stochastic Runge-Kutta methods of weak order 2 for any noise, by their tables.

Their increments are those of the Brownian motions; in place of the double integrals stand products of these
and of two-valued numbers, one for each motion, that have the same moments.

Source: K. Debrabant, A. Roessler, Families of efficient second order Runge-Kutta methods for the weak
approximation of Ito stochastic differential equations, Appl. Numer. Math. 59 (2009), 582-594, scheme (3).

Where each motion's coefficients read nothing that another motion moves (additive, diagonal and scalar noise)
the stages of all motions are one, and the stages with hats cancel.

Memory: `work` holds a stage, then the drifts of all stages, then their diffusions, then a diffusion matrix.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, both_to, diffusion_to, drift_to, noise_at, normal
from symde.engine.cpu.compiled.noise_stages import add_drifts, copy_states, diffusion_sum
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def place(state, group):
    """Address of a row of the table: 0 and 1 are c0 and c1, 2 alpha, 3 to 6 beta, and the rows of A0, B0, A1,
    B1 and B2 begin at 7, a matrix after the other."""
    return state.table + 8 * state.stages * group


@compiled
def drift_point(state, stage, drifts, diffusions):
    """The state at which a stage reads the drift, at the beginning of `work`."""
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    point = doubles(state.work)
    copy_states(state, state.u, state.work)
    add_drifts(state, place(state, 7 + stage), stage, drifts, state.work)
    for e in range(state.entries):
        moved = diffusion_sum(state, place(state, 7 + state.stages + stage), stage, diffusions, e)
        point[rows[e]] += moved * dw[columns[e]]


@compiled
def drift_stage(state, t, stage, drifts, diffusions):
    """The drift of a stage after the first."""
    drift_point(state, stage, drifts, diffusions)
    at = doubles(place(state, 0))[stage]
    drift_to(state, t + at * state.h, state.work, drifts + 8 * state.n * stage)


@compiled
def add_motion(state, weights, count, diffusions, motion):
    """point += sqrt(h) sum_j weights_j g_j of one motion, or of all where it is -1."""
    rows, columns, point = integers(state.rows), integers(state.columns), doubles(state.work)
    root = math.sqrt(state.h)
    for e in range(state.entries):
        if motion < 0 or columns[e] == motion:
            point[rows[e]] += root * diffusion_sum(state, weights, count, diffusions, e)


@compiled
def diffusion_point(state, stage, drifts, diffusions, motion):
    """The state at which a stage reads the diffusion of one motion, or of all where it is -1, likewise."""
    s = state.stages
    copy_states(state, state.u, state.work)
    add_drifts(state, place(state, 7 + 2 * s + stage), stage, drifts, state.work)
    add_motion(state, place(state, 7 + 3 * s + stage), stage, diffusions, motion)


@compiled
def mixed_point(state, source, stage, diffusions, motion):
    """The state at which a stage with hat reads the diffusion of the other motions, likewise; `source` is the
    state at the start of the step."""
    copy_states(state, source, state.work)
    add_motion(state, place(state, 7 + 4 * state.stages + stage), state.stages, diffusions, motion)


@compiled
def diffusion_stage(state, t, stage, drifts, diffusions, spare):
    """The diffusion of a stage after the first: of each motion, where that motion alone has moved."""
    columns = integers(state.columns)
    target = diffusions + 8 * state.entries * stage
    found, kept = doubles(spare), doubles(target)
    late = t + doubles(place(state, 1))[stage] * state.h
    for motion in range(-1 if state.together != 0 else 0, 0 if state.together != 0 else state.motions):
        diffusion_point(state, stage, drifts, diffusions, motion)
        diffusion_to(state, late, state.work, spare)
        for e in range(state.entries):
            if motion < 0 or columns[e] == motion:
                kept[e] = found[e]


@compiled
def double_integral(state, k, other):
    """What stands for the double integral of two motions."""
    dw = doubles(state.increments)
    first = min(k, other)
    sign = 1.0 if normal(state, 2 * first + 1) > 0.0 else -1.0
    return 0.5 * (dw[k] * dw[other] + (state.h * sign if other < k else -state.h * sign))


@compiled
def mixed_factor(state, stage, k, other):
    """The factor of what a stage with hat of one motion reads of another motion, k."""
    dw, beta3, beta4 = doubles(state.increments), doubles(place(state, 5)), doubles(place(state, 6))
    double = double_integral(state, k, other)
    return beta3[stage] * dw[k] + beta4[stage] * double / math.sqrt(state.h)


@compiled
def add_mixed(state, t, diffusions, spare):
    """u += what motions do to the coefficients of others, from the stages with hats."""
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    u, g, found = doubles(state.u), doubles(diffusions), doubles(spare)
    beta3 = doubles(place(state, 5))
    for e in range(state.entries):
        u[rows[e]] += (state.motions - 1) * beta3[0] * g[e] * dw[columns[e]]
    for other in range(state.motions):
        for stage in range(1, state.stages):
            mixed_point(state, state.old, stage, diffusions, other)
            diffusion_to(state, t, state.work, spare)
            for e in range(state.entries):
                if columns[e] != other:
                    u[rows[e]] += mixed_factor(state, stage, columns[e], other) * found[e]


@compiled
def find_stages(state, t, drifts, diffusions, spare):
    """Drifts and diffusions of all stages."""
    both_to(state, t, state.u, drifts, diffusions)
    for stage in range(1, state.stages):
        drift_stage(state, t, stage, drifts, diffusions)
        diffusion_stage(state, t, stage, drifts, diffusions, spare)


@compiled
def ri_step(state, t):
    """A step of a method of weak order 2."""
    s, h, root = state.stages, state.h, math.sqrt(state.h)
    drifts = state.work + 8 * state.n
    diffusions = drifts + 8 * state.n * s
    spare = diffusions + 8 * state.entries * s
    find_stages(state, t, drifts, diffusions, spare)
    add_drifts(state, place(state, 2), s, drifts, state.u)
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    beta1, beta2 = doubles(place(state, 3)), doubles(place(state, 4))
    u, g = doubles(state.u), doubles(diffusions)
    for e in range(state.entries):
        moved = dw[columns[e]]
        double = 0.5 * (moved * moved - h) / root
        for j in range(s):
            u[rows[e]] += (beta1[j] * moved + beta2[j] * double) * g[j * state.entries + e]
    if state.together == 0:
        add_mixed(state, t, diffusions, spare)


def ri(address):
    """`int32 ri(NoiseState *)`"""
    return advance(noise_at(address), ri_step)


def ri_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), ri_step)


def ri_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), ri_step)


ENTRIES = {"ri": ri, "ri_jumps": ri_jumps, "ri_events": ri_events}
