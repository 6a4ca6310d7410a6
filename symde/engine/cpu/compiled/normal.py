"""Normal random numbers by counting, in loops without branches that the compiler turns into vector code.

Box and Muller's transformation of two uniform numbers, with logarithm, sine and cosine as series: their
errors stay below 4e-16 of the largest value.

Source: G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates, Ann. Math. Statist. 29
(1958), 610-611.
"""

from __future__ import annotations

import math

import numpy as np

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.random import HALF, LOW, SPARE, UNIT, philox

MANTISSA, ONE, EXPONENT = 0xFFFFFFFFFFFFF, 0x3FF0000000000000, 52
LOG2 = math.log(2.0)
TURN = 2.0 * math.pi


@compiled
def draw_words(seed, path, first, count, words):
    """Two whole numbers of 53 bits of each counter from `first` on: the first ones, then the others."""
    one, other = integers(words), integers(words + 8 * count)
    k0, k1 = seed & LOW, seed >> HALF
    p0, p1 = path & LOW, path >> HALF
    for i in range(count):
        number = first + np.uint64(i)
        w0, w1, w2, w3 = philox(number & LOW, number >> HALF, p0, p1, k0, k1)
        one[i] = np.int64((w0 | (w1 << HALF)) >> SPARE)
        other[i] = np.int64((w2 | (w3 << HALF)) >> SPARE)


@compiled
def split(words, normals, count):
    """Numbers in (0, 1] as mantissas in [1, 2), written over the words, and exponents; the others as turns in
    [0, 1)."""
    bits, turns = integers(words), doubles(normals + 8 * count)
    exponents, values = doubles(normals), doubles(words)
    other = integers(words + 8 * count)
    for i in range(count):
        turns[i] = other[i] * UNIT
    for i in range(count):
        values[i] = (bits[i] + 1) * UNIT
    for i in range(count):
        whole = bits[i]
        exponents[i] = float((whole >> EXPONENT) - 1023)
        bits[i] = (whole & MANTISSA) | ONE


@compiled
def radius(mantissa, exponent):
    """sqrt(-2 log(x)) by the series of atanh."""
    large = mantissa > 1.4142135623730951
    m = 0.5 * mantissa if large else mantissa
    e = exponent + 1.0 if large else exponent
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = 1.0 / 21.0
    series = series * z + 1.0 / 19.0
    series = series * z + 1.0 / 17.0
    series = series * z + 1.0 / 15.0
    series = series * z + 1.0 / 13.0
    series = series * z + 1.0 / 11.0
    series = series * z + 1.0 / 9.0
    series = series * z + 1.0 / 7.0
    series = series * z + 1.0 / 5.0
    series = series * z + 1.0 / 3.0
    logarithm = e * LOG2 + (2.0 * s + 2.0 * s * z * series)
    return math.sqrt(max(-2.0 * logarithm, 0.0))


@compiled
def cosine_and_sine(turn):
    """Of a part of a turn: by series within an eighth of a turn around the nearest quarter."""
    quarter = math.floor(4.0 * turn + 0.5)
    x = TURN * (turn - 0.25 * quarter)
    z = x * x
    sine = -1.0 / 1307674368000.0
    sine = sine * z + 1.0 / 6227020800.0
    sine = sine * z - 1.0 / 39916800.0
    sine = sine * z + 1.0 / 362880.0
    sine = sine * z - 1.0 / 5040.0
    sine = sine * z + 1.0 / 120.0
    sine = sine * z - 1.0 / 6.0
    sine = x + x * z * sine
    cosine = 1.0 / 20922789888000.0
    cosine = cosine * z - 1.0 / 87178291200.0
    cosine = cosine * z + 1.0 / 479001600.0
    cosine = cosine * z - 1.0 / 3628800.0
    cosine = cosine * z + 1.0 / 40320.0
    cosine = cosine * z - 1.0 / 720.0
    cosine = cosine * z + 1.0 / 24.0
    cosine = 1.0 - 0.5 * z + z * z * cosine
    odd = (quarter == 1.0) | (quarter == 3.0)
    back = (quarter == 2.0) | (quarter == 1.0)
    down = (quarter == 2.0) | (quarter == 3.0)
    first, second = (sine, cosine) if odd else (cosine, sine)
    return (-first if back else first), (-second if down else second)


@compiled
def transform(words, normals, count):
    """Pairs of normal numbers of pairs of whole ones: `count` first ones, then the others. The words are
    written over."""
    split(words, normals, count)
    mantissas, one, other = doubles(words), doubles(normals), doubles(normals + 8 * count)
    for i in range(count):
        length = radius(mantissas[i], one[i])
        cosine, sine = cosine_and_sine(other[i])
        one[i] = length * cosine
        other[i] = length * sine


@compiled
def draw_normals(seed, path, first, count, words, normals):
    """A pair of independent normal numbers of each counter from `first` on: `count` first ones, then the
    others. `words` and `normals` have room for 2*count numbers."""
    draw_words(np.uint64(seed), np.uint64(path), np.uint64(first), count, words)
    transform(words, normals, count)


def numbers(address):
    """For tests: seed, path, first counter, count, and the addresses of words and normals."""
    given = integers(address)
    draw_normals(given[0], given[1], given[2], given[3], given[4], given[5])
    return 0


ENTRIES = {"numbers": numbers}
