"""Random numbers by counting: Philox4x32-10, a bijection of 128-bit counters under a 64-bit key.

A number depends on (seed, path, draw) alone, so paths are independent of each other and of the order in
which they are computed.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel random numbers: as easy as 1, 2, 3,
SC '11 (2011), section 3.3.
"""

from __future__ import annotations

import numpy as np

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, structure_at
from symde.engine.cpu.jump_layout import RANDOMS, JumpState

jumps_at = structure_at(JumpState)

MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HALF, SPARE = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(11)
UNIT = 2.0**-53
ROUNDS = 10


@compiled
def philox(c0, c1, c2, c3, k0, k1):
    """Four 32-bit words of a counter and a key, all uint64 with their upper halves 0."""
    for _ in range(ROUNDS):
        product_0, product_1 = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> HALF) ^ c1 ^ k0,
            product_1 & LOW,
            (product_0 >> HALF) ^ c3 ^ k1,
            product_0 & LOW,
        )
        k0, k1 = (k0 + WEYL_0) & LOW, (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


@compiled
def refill(state):
    """The next numbers in [0, 1), multiples of 2^-53, two of each counter."""
    seed, path, draw = np.uint64(state.seed), np.uint64(state.path), np.uint64(state.draw)
    numbers = doubles(state.randoms)
    for i in range(RANDOMS // 2):
        count = draw + np.uint64(i)
        w0, w1, w2, w3 = philox(
            count & LOW, count >> HALF, path & LOW, path >> HALF, seed & LOW, seed >> HALF
        )
        numbers[2 * i] = np.float64(np.int64((w0 | (w1 << HALF)) >> SPARE)) * UNIT
        numbers[2 * i + 1] = np.float64(np.int64((w2 | (w3 << HALF)) >> SPARE)) * UNIT
    state.draw += RANDOMS // 2
    state.random_at = 0


@compiled
def uniform(state):
    """The next number in [0, 1)."""
    if state.random_at == RANDOMS:
        refill(state)
    number = doubles(state.randoms)[state.random_at]
    state.random_at += 1
    return number


def words(address):
    """For tests: counter (4 words) and key (2) at an address; the result behind them."""
    memory = integers(address)
    found = philox(
        np.uint64(memory[0]),
        np.uint64(memory[1]),
        np.uint64(memory[2]),
        np.uint64(memory[3]),
        np.uint64(memory[4]),
        np.uint64(memory[5]),
    )
    for i in range(4):
        memory[6 + i] = np.int64(found[i])
    return 0


def numbers(address):
    """For tests: the next numbers of a path into its buffer."""
    refill(jumps_at(address))
    return 0


ENTRIES = {"words": words, "numbers": numbers}
