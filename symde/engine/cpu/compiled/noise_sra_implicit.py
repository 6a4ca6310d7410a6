"""Diagonally implicit stochastic Runge-Kutta methods of strong order 1.5 for stiff equations with additive
noise, by their tables.

Sources: A. Roessler, SIAM J. Numer. Anal. 48 (2010), 922-952, scheme (6.1) and its conditions, which do not
ask that stages are explicit; C. Rackauckas, Q. Nie, Stability-optimized high order methods and stiffness
detection for pathwise stiff stochastic differential equations (2020), section 4.

The table is that of `compiled.noise_sra`, where A0 has a diagonal from the second stage on. The error is that
of the explicit methods behind a solve with I - gamma h J, which keeps it in bounds where decay is fast (L. F.
Shampine).

Memory: `work` holds a stage, what is known of it, then the drifts of all stages, then their diffusions.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_adaptive import advance_adaptively
from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, diffusion_to, drift_to, noise_at
from symde.engine.cpu.compiled.noise_newton import solve_stage
from symde.engine.cpu.compiled.noise_sra import place
from symde.engine.cpu.compiled.noise_stages import (
    DRIFT_WEIGHT,
    add_drifts,
    copy_states,
    diffusion_sum,
    take_noise,
)
from symde.engine.cpu.compiled.pointers import call_solve, compiled, doubles, integers, state_at


@compiled
def find_base(state, stage, drifts, diffusions):
    """What is known of a stage after the first."""
    rows, columns, area = integers(state.rows), integers(state.columns), doubles(state.areas)
    known = state.work + 8 * state.n
    base = doubles(known)
    copy_states(state, state.u, known)
    add_drifts(state, place(state, 6 + stage), stage, drifts, known)
    for e in range(state.entries):
        weights = place(state, 6 + state.stages + stage)
        moved = diffusion_sum(state, weights, stage, diffusions, e)
        base[rows[e]] += moved * area[columns[e]] / state.h


@compiled
def find_stage(state, t, stage, drifts, diffusions):
    """The drift of a stage after the first; it is looked for from the one before."""
    find_base(state, stage, drifts, diffusions)
    at, gamma = doubles(place(state, 0))[stage], doubles(place(state, 6 + stage))[stage]
    known = state.work + 8 * state.n
    solve_stage(state, t + at * state.h, state.work, known, drifts + 8 * state.n * stage, gamma)


@compiled
def find_stages(state, t, drifts, diffusions):
    """Drifts and diffusions of all stages, unless one is not solved."""
    late, read = doubles(place(state, 1)), doubles(place(state, 5))
    for stage in range(state.stages):
        if read[stage] != 0.0:
            diffusion_to(state, t + late[stage] * state.h, state.u, diffusions + 8 * state.entries * stage)
    drift_to(state, t, state.u, drifts)
    copy_states(state, state.u, state.work)
    for stage in range(1, state.stages):
        if state.diverged == 0:
            find_stage(state, t, stage, drifts, diffusions)


@compiled
def take_error(state, drifts):
    """The drift's part of the error of a step that follows it: what the weighted stages differ from the
    first, behind a solve with the last matrix."""
    weights, first, rhs = doubles(place(state, 2)), doubles(drifts), doubles(state.rhs)
    error, found = doubles(state.errors), doubles(state.correction)
    for k in range(state.own):
        rhs[k] = 0.0
    for j in range(1, state.stages):
        f = doubles(drifts + 8 * state.n * j)
        for k in range(state.own):
            rhs[k] += weights[j] * (f[k] - first[k])
    gamma = doubles(place(state, 6 + state.stages - 1))[state.stages - 1]
    call_solve(state_at(state.system).solve, state.system, state.rhs, state.correction)
    for k in range(state.own):
        error[k] = DRIFT_WEIGHT / gamma * abs(found[k])


@compiled
def implicit_sra_step(state, t):
    """A step where no state changes the noise."""
    s, h = state.stages, state.h
    drifts = state.work + 16 * state.n
    diffusions = drifts + 8 * state.n * s
    find_stages(state, t, drifts, diffusions)
    if state.diverged != 0:
        return
    add_drifts(state, place(state, 2), s, drifts, state.u)
    if state.adaptive != 0:
        take_error(state, drifts)
    columns, increments, areas = integers(state.columns), doubles(state.increments), doubles(state.areas)
    for e in range(state.entries):
        dw, mean = increments[columns[e]], areas[columns[e]] / h
        coarse = dw * diffusion_sum(state, place(state, 3), s, diffusions, e)
        fine = mean * diffusion_sum(state, place(state, 4), s, diffusions, e)
        take_noise(state, e, coarse, fine)


def implicit_sra(address):
    """`int32 implicit_sra(NoiseState *)`"""
    state = noise_at(address)
    if state.adaptive != 0:
        return advance_adaptively(state, implicit_sra_step)
    return advance(state, implicit_sra_step)


def implicit_sra_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), implicit_sra_step)


def implicit_sra_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), implicit_sra_step)


ENTRIES = {
    "implicit_sra": implicit_sra,
    "implicit_sra_jumps": implicit_sra_jumps,
    "implicit_sra_events": implicit_sra_events,
}
