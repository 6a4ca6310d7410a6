"""Stochastic Runge-Kutta methods of strong order 1.5: SRA1 for additive noise, SRIW1 for diagonal and scalar.

Source: A. Roessler, Runge-Kutta methods for the strong approximation of solutions of stochastic differential
equations, SIAM J. Numer. Anal. 48 (2010), 922-952: schemes (6.1) with table 6.3 and (6.8) with table 6.1.

Adaptive steps take their increments from the virtual Brownian tree, and leave an estimate of the error.

Memory of SRA1: `work` holds the first drift and the diffusion, and the second stage. Of SRIW1: two drifts,
four diffusions, and a stage.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_adaptive import advance_adaptively
from symde.engine.cpu.compiled.noise_loop import advance, both_at, diffusion_at, drift_at, noise_at
from symde.engine.cpu.compiled.noise_loop import area as drawn_area
from symde.engine.cpu.compiled.noise_loop import increment as drawn_increment
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers

WEIGHT = 1.0 / 6.0
"""Of the drift's part of the error beside that of the noise."""


@compiled
def increment(state, motion):
    """W(t + h) - W(t)."""
    if state.adaptive != 0:
        return doubles(state.increments)[motion]
    return drawn_increment(state, motion)


@compiled
def area(state, motion):
    """The integral of W - W(t) over the step."""
    if state.adaptive != 0:
        return doubles(state.areas)[motion]
    return drawn_area(state, motion)


@compiled
def keep(values, place, count):
    """Copy values to a place."""
    source, target = doubles(values), doubles(place)
    for i in range(count):
        target[i] = source[i]


@compiled
def sra1_step(state, t):
    """Noise that no state changes: the drift at 0 and 3/4, the diffusion at 1 and 0."""
    n, entries, h = state.n, state.entries, state.h
    stage, late = doubles(state.work), doubles(state.work + 8 * n)
    error = doubles(state.errors)
    u, drift, early = doubles(state.u), doubles(state.drift_values), doubles(state.diffusion_values)
    rows, columns = integers(state.rows), integers(state.columns)
    diffusion_at(state, t + h, state.u)
    keep(state.diffusion_values, state.work + 8 * n, entries)
    both_at(state, t, state.u)
    for i in range(n):
        stage[i] = u[i] + 0.75 * h * drift[i]
        u[i] += h / 3.0 * drift[i]
        error[i] = h * drift[i]
    for e in range(entries):
        mean = area(state, columns[e]) / h
        stage[rows[e]] += 1.5 * late[e] * mean
        u[rows[e]] += late[e] * increment(state, columns[e]) + (early[e] - late[e]) * mean
    drift_at(state, t + 0.75 * h, state.work)
    for i in range(n):
        u[i] += 2.0 * h / 3.0 * drift[i]
        error[i] = WEIGHT * abs(error[i] - h * drift[i])
    for e in range(entries):
        error[rows[e]] += abs((early[e] - late[e]) * area(state, columns[e]) / h)


@compiled
def sriw1_step(state, t):
    """At most one Brownian motion for each state."""
    n, entries, h = state.n, state.entries, state.h
    root = math.sqrt(h)
    u, diffusion = doubles(state.u), doubles(state.diffusion_values)
    rows, columns = integers(state.rows), integers(state.columns)
    at_f1, at_f2 = state.work, state.work + 8 * n
    at_stage = state.work + 16 * n
    at_g1 = state.work + 24 * n
    at_g2, at_g3 = at_g1 + 8 * entries, at_g1 + 16 * entries
    error = doubles(state.errors)
    f1, f2, stage = doubles(at_f1), doubles(at_f2), doubles(at_stage)
    g1, g2, g3 = doubles(at_g1), doubles(at_g2), doubles(at_g3)
    both_at(state, t, state.u)
    keep(state.drift_values, at_f1, n)
    keep(state.diffusion_values, at_g1, entries)
    for i in range(n):
        stage[i] = u[i] + 0.75 * h * f1[i]
    for e in range(entries):
        stage[rows[e]] += 1.5 * g1[e] * area(state, columns[e]) / h
    drift_at(state, t + 0.75 * h, at_stage)
    keep(state.drift_values, at_f2, n)
    for i in range(n):
        stage[i] = u[i] + 0.25 * h * f1[i]
    for e in range(entries):
        stage[rows[e]] += 0.5 * root * g1[e]
    diffusion_at(state, t + 0.25 * h, at_stage)
    keep(state.diffusion_values, at_g2, entries)
    for i in range(n):
        stage[i] = u[i] + h * f1[i]
    for e in range(entries):
        stage[rows[e]] -= root * g1[e]
    diffusion_at(state, t + h, at_stage)
    keep(state.diffusion_values, at_g3, entries)
    for i in range(n):
        stage[i] = u[i] + 0.25 * h * f1[i]
    for e in range(entries):
        stage[rows[e]] += root * (-5.0 * g1[e] + 3.0 * g2[e] + 0.5 * g3[e])
    diffusion_at(state, t + 0.25 * h, at_stage)
    for i in range(n):
        u[i] += h / 3.0 * f1[i] + 2.0 * h / 3.0 * f2[i]
        error[i] = WEIGHT * h * abs(f1[i] - f2[i])
    for e in range(entries):
        dw, mean = increment(state, columns[e]), area(state, columns[e]) / h
        double = 0.5 * (dw * dw - h) / root
        triple = (dw * dw * dw - 3.0 * h * dw) / (6.0 * h)
        fine = mean * (2.0 * g1[e] - 4.0 / 3.0 * g2[e] - 2.0 / 3.0 * g3[e]) + triple * (
            -2.0 * g1[e] + 5.0 / 3.0 * g2[e] - 2.0 / 3.0 * g3[e] + diffusion[e]
        )
        u[rows[e]] += (
            dw * (-g1[e] + 4.0 / 3.0 * g2[e] + 2.0 / 3.0 * g3[e])
            + double * (-g1[e] + 4.0 / 3.0 * g2[e] - 1.0 / 3.0 * g3[e])
            + fine
        )
        error[rows[e]] += abs(fine)


def sra1(address):
    """`int32 sra1(NoiseState *)`"""
    state = noise_at(address)
    return advance_adaptively(state, sra1_step) if state.adaptive != 0 else advance(state, sra1_step)


def sriw1(address):
    """`int32 sriw1(NoiseState *)`"""
    state = noise_at(address)
    return advance_adaptively(state, sriw1_step) if state.adaptive != 0 else advance(state, sriw1_step)


ENTRIES = {"sra1": sra1, "sriw1": sriw1}
