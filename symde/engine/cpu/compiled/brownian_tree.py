"""A Brownian motion and its integral at any time, by counting: the virtual Brownian tree.

The span is halved `LEVELS` times; a time is a whole number of its smallest parts. Of an interval of length h
the tree knows W, the increment, and H, its space-time Levy area, with which the integral of W - W(start) is
h (W/2 + H). Those of its halves are normal given those of the whole; the random numbers follow from seed,
path and interval, so that a time has the same value whenever it is asked for.

Source: A. Jelincic, J. Foster, P. Kidger, Single-seed generation of Brownian paths and integrals for adaptive
and high order SDE solvers (2024), arXiv:2405.06464, theorem 2.1 for the middle of an interval.

Memory: `tree` holds for each motion and level W and H of the interval that holds the last time asked for, and
Brownian motion and integral at its start.
"""

from __future__ import annotations

import math

import numpy as np

from symde.engine.cpu.compiled.pointers import compiled, doubles
from symde.engine.cpu.compiled.random import HALF, LOW, SPARE, UNIT, philox
from symde.engine.cpu.noise_layout import LEVELS

TREE = np.uint64(1 << 63)
"""Counters from here on: those below belong to steps of one size."""


@compiled
def pair(state, interval, motion):
    """Two normal numbers of an interval."""
    count = TREE + np.uint64(interval * state.motions + motion)
    seed, path = np.uint64(state.seed), np.uint64(state.first_path + state.path)
    w0, w1, w2, w3 = philox(count & LOW, count >> HALF, path & LOW, path >> HALF, seed & LOW, seed >> HALF)
    first = np.float64(np.int64((w0 | (w1 << HALF)) >> SPARE) + 1) * UNIT
    other = np.float64(np.int64((w2 | (w3 << HALF)) >> SPARE)) * UNIT
    radius, angle = math.sqrt(-2.0 * math.log(first)), 2.0 * math.pi * other
    return radius * math.cos(angle), radius * math.sin(angle)


@compiled
def plant(state):
    """The whole span of the next path."""
    length = state.tick * 2.0**LEVELS
    for motion in range(state.motions):
        one, other = pair(state, 0, motion)
        root = doubles(state.tree + 32 * motion * (LEVELS + 1))
        root[0], root[1] = math.sqrt(length) * one, math.sqrt(length / 12.0) * other
        root[2] = root[3] = 0.0
    state.asked = 0
    state.known = 0


@compiled
def descend(state, tick, motion, level):
    """From an interval to the half of it that holds a time."""
    node = doubles(state.tree + 32 * (motion * (LEVELS + 1) + level))
    h = state.tick * 2.0 ** (LEVELS - level)
    one, other = pair(state, (1 << level) + (tick >> (LEVELS - level)), motion)
    z, n = math.sqrt(h / 16.0) * one, math.sqrt(h / 48.0) * other
    w, area = 0.5 * node[0] + 1.5 * node[1] + z, 0.25 * node[1] - 0.5 * z + n
    if (tick >> (LEVELS - level - 1)) & 1 == 0:
        node[4], node[5], node[6], node[7] = w, area, node[2], node[3]
    else:
        half = 0.5 * h
        node[4], node[5] = node[0] - w, 0.25 * node[1] - 0.5 * z - n
        node[6] = node[2] + w
        node[7] = node[3] + half * (node[2] + 0.5 * w + area)


@compiled
def ask(state, tick, values, integrals):
    """Brownian motions and their integrals from the start at a time."""
    end = 1 << LEVELS
    w, a = doubles(values), doubles(integrals)
    if tick == end:
        for motion in range(state.motions):
            root = doubles(state.tree + 32 * motion * (LEVELS + 1))
            w[motion], a[motion] = root[0], state.tick * end * (0.5 * root[0] + root[1])
        return
    same = LEVELS
    while (tick >> (LEVELS - same)) != (state.asked >> (LEVELS - same)):
        same -= 1
    level = min(same, state.known)
    while level < LEVELS and tick & ((1 << (LEVELS - level)) - 1) != 0:
        for motion in range(state.motions):
            descend(state, tick, motion, level)
        level += 1
    state.asked, state.known = tick, level
    for motion in range(state.motions):
        node = doubles(state.tree + 32 * (motion * (LEVELS + 1) + level))
        w[motion], a[motion] = node[2], node[3]
