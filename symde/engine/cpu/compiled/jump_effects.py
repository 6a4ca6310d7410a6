"""What a jump does to the states, with the random numbers it draws.

The numbers of jump k follow from seed, path and k alone: it does not matter how many were drawn before.
"""

from __future__ import annotations

import math

import numpy as np

from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.compiled.random import HALF, LOW, SPARE, UNIT, jumps_at, philox
from symde.engine.cpu.jump_effects import MARKS, TIMES, EffectState
from symde.engine.cpu.jump_layout import JumpStatus

effects_at = structure_at(EffectState)

MARK_COUNTERS, TIME_COUNTERS = np.uint64(MARKS << 62), np.uint64(TIMES << 62)
NORMAL, UNIFORM = 0, 1  # symde.model.marks.Draw, which the engine does not know


@compiled
def pair(seed, path, count):
    """Two numbers in [0, 1), multiples of 2^-53."""
    key, number = np.uint64(seed), np.uint64(path)
    w0, w1, w2, w3 = philox(count & LOW, count >> HALF, number & LOW, number >> HALF, key & LOW, key >> HALF)
    first = np.float64(np.int64((w0 | (w1 << HALF)) >> SPARE)) * UNIT
    return first, np.float64(np.int64((w2 | (w3 << HALF)) >> SPARE)) * UNIT


@compiled
def time_of(seed, path, jump):
    """For jump number `jump` of a path: the hazard at which it comes, exponential of mean 1, and a number in
    [0, 1) to choose by."""
    first, other = pair(seed, path, TIME_COUNTERS + np.uint64(jump))
    return -math.log(1.0 - first), other


@compiled
def draw_numbers(effects, j, jump):
    """The numbers of channel j at jump number `jump`."""
    kinds, numbers = integers(effects.draws), doubles(effects.numbers)
    starts = integers(effects.draw_starts)
    first = MARK_COUNTERS + np.uint64(jump) * np.uint64(effects.per_jump)
    for k in range(starts[j], starts[j + 1]):
        place = k - starts[j]
        one, other = pair(effects.seed, effects.path, first + np.uint64(place))
        if kinds[k] == NORMAL:
            numbers[place] = math.sqrt(-2.0 * math.log(1.0 - one)) * math.cos(2.0 * math.pi * other)
        elif kinds[k] == UNIFORM:
            numbers[place] = one
        else:
            numbers[place] = -math.log(1.0 - one)


@compiled
def set_states(effects, j, jump, t, u):
    """Let jump number `jump`, of channel j, change the states at u; not DONE where they may not be so."""
    draw_numbers(effects, j, jump)
    integers(effects.inputs)[0] = u
    if call_kernel(integers(effects.kernels)[j], t, effects.inputs, effects.outputs) != 0:
        return JumpStatus.MARK
    states, values, starts = doubles(u), doubles(effects.values), integers(effects.target_starts)
    targets, counted = integers(effects.targets), integers(effects.counted)
    for k in range(starts[j], starts[j + 1]):
        value = values[k - starts[j]]
        if not abs(value) < math.inf:
            return JumpStatus.MARK
        if counted[targets[k]] != 0 and (value < 0.0 or value != math.floor(value)):
            return JumpStatus.NEGATIVE
    for k in range(starts[j], starts[j + 1]):
        states[targets[k]] = values[k - starts[j]]
    return JumpStatus.DONE


def set_by_kernel(address):
    """Let reaction `failed` of a network set states by its kernel; WHOLE where it has none."""
    state = jumps_at(address)
    effects, j = effects_at(state.effects), state.failed
    if integers(effects.kernels)[j] == 0:
        return JumpStatus.WHOLE
    return set_states(effects, j, state.events, state.t, state.u)


def numbers(address):
    """For tests: the numbers of channel 0 at the jump in `spare` into the buffer."""
    effects = effects_at(address)
    draw_numbers(effects, 0, int(effects.spare))
    return 0


ENTRIES = {"set_by_kernel": set_by_kernel, "numbers": numbers}
