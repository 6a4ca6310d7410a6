"""One step of the Taylor-series method: the polynomial of the jet that the model's kernel computes.

A step ends with the jet of the new state. Its first coefficient, the slope there, tells whether the
polynomial still solves the equation (across a kink, or beyond a branch point, it does not, whatever its last
terms say); its last two tell how far it carries, which is the next step.

Source: A. Jorba, M. Zou, Experimental Mathematics 14 (2005), section 3.2, with the engine's norm in the place
of theirs: both last terms of the sum stay below the tolerance.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import advance_compensated, copy
from symde.engine.cpu.families.taylor import Memory, TaylorContext, TaylorData
from symde.engine.cpu.layout import LARGEST_GROWTH, STRONGEST_CUT, TINY, Attempt, Stage0

taylor_data_at = structure_at(TaylorData)
taylor_context_at = structure_at(TaylorContext)

SHARE = 0.4
"""Of the tolerance, for each of the two terms of the error estimate: both leave 0.2 for what they miss."""

WEIGHT = 0.135
"""Of the term before the last in the error estimate: about the ratio of two terms, e^-2 where the order
follows the tolerance, so that both terms weigh the same and one that vanishes by symmetry does no harm."""

LOG2_SHARE, LOG2_WEIGHT, LOG_2 = math.log2(SHARE), math.log2(WEIGHT), math.log(2.0)

LEAST_NORM = 1e-200
"""Mean squares of the last terms below this count as nothing: then they say nothing about the next step."""

LARGEST_POWER = 280.0
"""The exponent of ten that h^order may have, between the first step and the longest possible. Coefficients
are about as large or small: beyond the range of float64 with order 20 and times of 1e-16 or 1e16."""

DEFECT = 2.0
"""Weight of h/(p + 1) times the defect in the error estimate. Where the solution is smooth h/(p + 1) times
the defect at the end is term p + 1, a third of the estimate; across a kink or a branch point it is large, and
the true error at most (p + 1)/4 times as large as this, where the last terms know nothing."""

SAMPLES = 8
"""Parts of a step of a model with kinks between which the defect is computed too."""


@compiled
def choose_order(state, slot):
    """The order of this run, and what the loop must know of it."""
    method = taylor_data_at(slot.data)
    wanted = int(method.order_at_one - method.order_per_log * math.log(state.rtol))
    longest = min(abs(state.t_end - state.t), state.h_max)
    most = LARGEST_POWER / max(math.log10(longest), -math.log10(abs(state.h)), 1.0)
    order = min(max(min(wanted, int(most)), method.least_order), method.order)
    doubles(slot.memory)[Memory.ORDER.value] = float(order)
    slot.degree = order
    # of the exponential's Taylor polynomials, to 2 % from order 4 on
    slot.stability = 1.26 + 0.38 * order


@compiled
def tape_of(slot, which):
    """The address of a tape."""
    context = taylor_context_at(slot.context)
    return context.first if which == 0.0 else context.second


@compiled
def compute_jet(state, slot, t, u, tape):
    """Fill a tape with the jet at (t, u); the kernel's code."""
    integers(state.inputs)[0] = u
    integers(state.outputs)[0] = tape
    doubles(state.step_size)[0] = doubles(slot.memory)[Memory.ORDER.value]
    state.evaluations += 1
    return call_kernel(taylor_context_at(slot.context).kernel, t, state.inputs, state.outputs)


@compiled
def ready_jet(state, slot):
    """Make the current tape that of (t, u); the kernel's code."""
    memory = doubles(slot.memory)
    if memory[Memory.ORDER.value] == 0.0:
        choose_order(state, slot)
    code = 0
    if state.stage0 == Stage0.LAST and memory[Memory.AHEAD.value] != 0.0:
        memory[Memory.CURRENT.value] = 1.0 - memory[Memory.CURRENT.value]
    elif state.stage0 != Stage0.VALID or memory[Memory.KNOWN.value] == 0.0:
        code = compute_jet(state, slot, state.t, state.u, tape_of(slot, memory[Memory.CURRENT.value]))
    memory[Memory.KNOWN.value] = 1.0
    memory[Memory.AHEAD.value] = 0.0
    state.stage0 = Stage0.VALID
    return code


@compiled
def sum_series(state, tape, stride, order):
    """By Horner's rule the increment sum_{k=1..p} c_k h^k and the slope at the end, into product; error =
    |c_p h^p| + WEIGHT |c_(p-1) h^(p-1)|."""
    h, c = state.h, doubles(tape)
    increment, error, slope = doubles(state.increment), doubles(state.error), doubles(state.product)
    before = 1.0
    for _ in range(order - 1):
        before *= abs(h)
    last = before * abs(h)
    before *= WEIGHT
    for i in range(0, state.padded, 4):
        at = order * stride + i
        s0, s1, s2, s3 = c[at], c[at + 1], c[at + 2], c[at + 3]
        d0, d1, d2, d3 = s0, s1, s2, s3
        e0, e1, e2, e3 = last * abs(s0), last * abs(s1), last * abs(s2), last * abs(s3)
        at -= stride
        error[i] = e0 + before * abs(c[at])
        error[i + 1] = e1 + before * abs(c[at + 1])
        error[i + 2] = e2 + before * abs(c[at + 2])
        error[i + 3] = e3 + before * abs(c[at + 3])
        for _ in range(order - 1):
            s0 = s0 * h + c[at]
            s1 = s1 * h + c[at + 1]
            s2 = s2 * h + c[at + 2]
            s3 = s3 * h + c[at + 3]
            d0 = d0 * h + s0
            d1 = d1 * h + s1
            d2 = d2 * h + s2
            d3 = d3 * h + s3
            at -= stride
        increment[i], increment[i + 1] = s0 * h, s1 * h
        increment[i + 2], increment[i + 3] = s2 * h, s3 * h
        slope[i], slope[i + 1], slope[i + 2], slope[i + 3] = d0, d1, d2, d3


@compiled
def count_defect(state, f, order):
    """Where the slope of the polynomial, in product, misses f by more than its last terms say, count that."""
    slope, error, right = doubles(state.product), doubles(state.error), doubles(f)
    weight = DEFECT * abs(state.h) / (order + 1.0)
    for i in range(state.n):
        defect = weight * abs(right[i] - slope[i])
        # written so that NaN is kept
        if not defect <= error[i]:
            error[i] = defect


@compiled
def check_inside(state, tape, stride, order):
    """The defect between the ends of a step; the kernel's code."""
    c, point, slope = doubles(tape), doubles(state.stage), doubles(state.product)
    for sample in range(1, SAMPLES):
        x = sample * (1.0 / SAMPLES) * state.h
        for i in range(state.padded):
            value, derivative = c[order * stride + i], 0.0
            for k in range(order - 1, -1, -1):
                derivative = derivative * x + value
                value = value * x + c[k * stride + i]
            point[i], slope[i] = value, derivative
        if evaluate(state, state.t + x, state.stage, state.f0) != 0:
            return 1
        count_defect(state, state.f0, order)
    return 0


@compiled
def check_end(state, slot, stride, order):
    """The defect at the end of a step, from the next jet, which is computed here; the kernel's code."""
    if state.t_new == state.t_end:  # there is no next step
        code, f = evaluate(state, state.t_new, state.u_new, state.f0), state.f0
    else:
        memory = doubles(slot.memory)
        tape = tape_of(slot, 1.0 - memory[Memory.CURRENT.value])
        code, f = compute_jet(state, slot, state.t_new, state.u_new, tape), tape + 8 * stride
        memory[Memory.AHEAD.value] = 1.0
    count_defect(state, f, order)
    return code


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment and error."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    if ready_jet(state, slot) != 0:
        return Attempt.CALLBACK
    memory, context = doubles(slot.memory), taylor_context_at(slot.context)
    order, stride = int(memory[Memory.ORDER.value]), context.stride
    tape = tape_of(slot, memory[Memory.CURRENT.value])
    sum_series(state, tape, stride, order)
    advance_compensated(state)
    if check_end(state, slot, stride, order) != 0:
        return Attempt.CALLBACK
    if context.kinks and check_inside(state, tape, stride, order) != 0:
        return Attempt.CALLBACK
    return Attempt.FINE


@compiled
def coefficient_squares(state, last, before, powers, start, length, stride):
    """Mean squares of c_p h^p and c_(p-1) h^(p-1) over the tolerance, of one block or one column of it."""
    u, u_new, atol, rtol = doubles(state.u), doubles(state.u_new), doubles(state.atol), state.rtol
    a, b = doubles(last), doubles(before)
    power_last, power_before = powers
    total_last, total_before = 0.0, 0.0
    for i in range(start, start + length * stride, stride):
        old, new = abs(u[i]), abs(u_new[i])
        weight = 1.0 / (atol[i] + rtol * (old if old > new else new) + TINY)
        one, other = (power_last * a[i]) * weight, (power_before * b[i]) * weight
        total_last += one * one
        total_before += other * other
    return total_last / length, total_before / length


@compiled
def last_norms(state, slot, tape, p):
    """Mean squares of c_p h^p and c_(p-1) h^(p-1) over the tolerance, of the worst block or column each, in
    the run's memory; h is the step before, so that they are near 1 and far from the ends of float64."""
    last = tape + 8 * p * taylor_context_at(slot.context).stride
    before = tape + 8 * (p - 1) * taylor_context_at(slot.context).stride
    blocks, memory = integers(state.blocks), doubles(slot.memory)
    size = abs(state.h)
    power_before = math.exp((p - 1.0) * math.log(size))
    powers = power_before * size, power_before
    worst_last, worst_before = LEAST_NORM, LEAST_NORM
    for k in range(state.n_blocks):
        start, rows, columns = blocks[3 * k], blocks[3 * k + 1], blocks[3 * k + 2]
        for c in range(columns):
            total_last, total_before = coefficient_squares(
                state, last, before, powers, start + c, rows, columns
            )
            if not total_last <= worst_last:
                worst_last = total_last
            if not total_before <= worst_before:
                worst_before = total_before
    memory[Memory.LAST.value], memory[Memory.BEFORE.value] = worst_last, worst_before


@compiled
def rough_log2(slot, place):
    """log2 of a positive number in the memory, 0 to 0.09 too small: exponent and mantissa as one integer.

    Divided by the order that is half a per cent of a step; two logs are a tenth of a small model's step.
    """
    return integers(slot.memory)[place] * 2.0**-52 - 1023.0


@compiled
def reach(state, slot, tape):
    """How far a jet carries: the step at which the larger of its two last terms takes its share; where they
    vanish, as far as a step may grow at once."""
    memory = doubles(slot.memory)
    order = memory[Memory.ORDER.value]
    last_norms(state, slot, tape, int(order))
    if not memory[Memory.LAST.value] + memory[Memory.BEFORE.value] < math.inf:
        return math.nan
    by_last = (LOG2_SHARE - 0.5 * rough_log2(slot, Memory.LAST.value)) / order
    by_before = LOG2_SHARE - LOG2_WEIGHT - 0.5 * rough_log2(slot, Memory.BEFORE.value)
    if memory[Memory.LAST.value] + memory[Memory.BEFORE.value] <= 2.0 * LEAST_NORM:
        return LARGEST_GROWTH * abs(state.h)
    return abs(state.h) * math.exp(LOG_2 * min(by_last, by_before / (order - 1.0)))


@compiled
def propose(state, slot):
    """After an accepted step: the step that the jet of the new state allows."""
    memory = doubles(slot.memory)
    if memory[Memory.AHEAD.value] == 0.0:
        return
    size = reach(state, slot, tape_of(slot, 1.0 - memory[Memory.CURRENT.value]))
    if not size > 0.0:  # not a number: the attempt will show it
        size = abs(state.h)
    if taylor_context_at(slot.context).kinks:  # a jet knows nothing of what lies beyond the next kink
        size = min(size, LARGEST_GROWTH * abs(state.h))
    if state.rejected_last:
        size = min(size, abs(state.h))
    state.h_next = size


@compiled
def shorten(state, slot):
    """After a rejected attempt: what the error, and what the jet, allow."""
    order, square = doubles(slot.memory)[Memory.ORDER.value], state.mean_square
    factor = 0.25
    if square < math.inf:
        # at a kink the error falls with h or its square, elsewhere with the power of the order
        power = 2.0 if taylor_context_at(slot.context).kinks else order
        factor = min(max(0.9 * square ** (-0.5 / power), STRONGEST_CUT), 0.9)
    state.h_next = factor * abs(state.h)


def control(address):
    """The next step size."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    if state.mean_square <= 1.0:
        propose(state, slot)
    else:
        shorten(state, slot)
    return 0


def interpolate(address):
    """Coefficients of theta**0..order over the last accepted step: its jet times powers of h."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    memory, stride = doubles(slot.memory), taylor_context_at(slot.context).stride
    c = doubles(tape_of(slot, memory[Memory.CURRENT.value]))
    copy(state.padded, state.u_new, state.coefficients)
    power = 1.0
    for k in range(1, int(memory[Memory.ORDER.value]) + 1):
        power *= state.h_old
        target = doubles(state.coefficients + 8 * state.padded * k)
        for i in range(state.padded):
            target[i] = power * c[k * stride + i]
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate, "control": control}
