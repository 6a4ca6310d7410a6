"""Random numbers of paths side by side: those that each path has by itself (`normal`), to the last bit.

Counter i of lane k is at WIDTH*i + k: the first numbers of all counters, then the others.
"""

from __future__ import annotations

import math

import numpy as np

from symde.engine.cpu.compiled.normal import draw_words, transform
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, structure_at
from symde.engine.cpu.compiled.random import HALF, LOW, SPARE, philox
from symde.engine.cpu.noise_lanes_layout import WIDTH, NoiseLanes

lanes_at = structure_at(NoiseLanes)

ROOT2 = math.sqrt(2.0)
LANE_BITS = WIDTH.bit_length() - 1


@compiled
def draw_words_of_lanes(seed, path, first, count, words):
    """Two whole numbers of 53 bits of each counter from `first` on, of WIDTH paths from `path` on."""
    total = WIDTH * count
    one, other = integers(words), integers(words + 8 * total)
    k0, k1 = seed & LOW, seed >> HALF
    for i in range(total):
        number, which = first + np.uint64(i >> LANE_BITS), path + np.uint64(i & (WIDTH - 1))
        w0, w1, w2, w3 = philox(number & LOW, number >> HALF, which & LOW, which >> HALF, k0, k1)
        one[i] = np.int64((w0 | (w1 << HALF)) >> SPARE)
        other[i] = np.int64((w2 | (w3 << HALF)) >> SPARE)


@compiled
def spread(lanes, lane, count):
    """Put the normal numbers of one path into its lane."""
    one, all_ = doubles(lanes.spare), doubles(lanes.normals)
    for i in range(2 * count):
        all_[WIDTH * i + lane] = one[i]


@compiled
def draw_block(lanes, start):
    """The random numbers of the steps from `start` on, as many as there is room for or are wanted. Where some
    lanes are empty those of the others are drawn one path after another."""
    seed, first = np.uint64(lanes.seed), np.uint64((start * lanes.numbers) >> 1)
    count = (min(lanes.block, lanes.steps - start) * lanes.numbers + 1) >> 1
    lanes.block_start, lanes.count = start, count
    full = lanes.active == WIDTH
    for lane in range(1 if full else lanes.active):
        path = np.uint64(lanes.first_path + lanes.path + lane)
        if full:
            draw_words_of_lanes(seed, path, first, count, lanes.words)
        else:
            draw_words(seed, path, first, count, lanes.words)
        transform(lanes.words, lanes.normals if full else lanes.spare, WIDTH * count if full else count)
        if not full:
            spread(lanes, lane, count)


@compiled
def number_at(lanes, place):
    """Address of the normal numbers of a place of this step, as in `noise_loop.normal`."""
    number = (lanes.step - lanes.block_start) * lanes.numbers + place
    return lanes.normals + 8 * WIDTH * ((number >> 1) + (number & 1) * lanes.count)


@compiled
def increments_of(lanes, motion):
    """The increments of a Brownian motion over this step, in units of sqrt(h)."""
    return doubles(number_at(lanes, motion * lanes.per_motion))


@compiled
def add_terms(lanes, i, j, area):
    """Add the terms of the series of A_ij."""
    m, first = lanes.motions, lanes.motions * lanes.per_motion
    total = doubles(area)
    v_i, v_j = increments_of(lanes, i), increments_of(lanes, j)
    for term in range(lanes.terms):
        at = first + 2 * m * term
        x_i, x_j = doubles(number_at(lanes, at + i)), doubles(number_at(lanes, at + j))
        y_i, y_j = doubles(number_at(lanes, at + m + i)), doubles(number_at(lanes, at + m + j))
        for lane in range(WIDTH):
            one = x_i[lane] * (y_j[lane] - ROOT2 * v_j[lane])
            total[lane] += (one - x_j[lane] * (y_i[lane] - ROOT2 * v_i[lane])) / (term + 1)


@compiled
def find_levy_areas(lanes):
    """Levy areas of the pairs that are wanted, as in `levy_area`."""
    m, first, second = lanes.motions, integers(lanes.pair_first), integers(lanes.pair_second)
    at = m * lanes.per_motion + 2 * m * lanes.terms
    for pair in range(lanes.pairs):
        i, j, area = first[pair], second[pair], lanes.levy + 8 * WIDTH * pair
        total = doubles(area)
        for lane in range(WIDTH):
            total[lane] = 0.0
        add_terms(lanes, i, j, area)
        v_i, v_j = increments_of(lanes, i), increments_of(lanes, j)
        z_i, z_j = doubles(number_at(lanes, at + i)), doubles(number_at(lanes, at + j))
        last = doubles(number_at(lanes, at + m + pair))
        for lane in range(WIDTH):
            mixed = z_j[lane] * v_i[lane] - z_i[lane] * v_j[lane] + last[lane]
            total[lane] = lanes.h / (2.0 * math.pi) * (total[lane] + lanes.rest * mixed)
