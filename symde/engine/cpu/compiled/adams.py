"""One step of Adams formulas on a grid of any spacing, and the choice of its size and order.

With c_1 = 1, c_{i+1}(s) = c_i(s) (alpha_i s + 1 - alpha_i) and the modified divided differences phi_i of f,

    predict  p = u + h sum_{i<=k} g_i beta_i phi_i,  g_i = integral of c_i over 0..1
    evaluate f(t + h, p),  D = f - sum_{i<=k} beta_i phi_i
    correct  u_new = p + h g_{k+1} D,  error = h (g_k - g_{k+1}) D

and f(t + h, u_new) is evaluated when the next step begins. (Without that second evaluation, always or where
its effect is estimated to be small, errors of 1e-9 cost as many evaluations on Pleiades and a third more on
Lorenz.) Until then the differences are those of the old
time, so an attempt may be repeated, and the interpolant needs no evaluation:

    u(theta) = u + h sum_{i<=k} C_i(theta) beta_i phi_i + h C_{k+1}(theta) D,  C_i the integral of c_i from 0

Sources: L. F. Shampine, M. K. Gordon, Computer Solution of Ordinary Differential Equations (1975), chapters 5
and 7 and their code STEP; E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I
(1993), III.5, equations (5.4) to (5.10).
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.kernels import evaluate, first_stage
from symde.engine.cpu.compiled.loop import limit_of_step
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, slot_at, state_at, structure_at
from symde.engine.cpu.compiled.vectors import (
    advance_compensated,
    clear,
    copy,
    two_weighted_sums,
    weighted_sum,
)
from symde.engine.cpu.families.adams import (
    ALPHA,
    BETA,
    CLIMBING,
    DIFFERENCES,
    DISTANCE,
    FAILURES,
    KNOWN,
    NEXT_DISTANCE,
    ORDER,
    POLYNOMIALS,
    PREDICTOR,
    ROW,
    SIGMA,
    TIME,
    USED,
    WORK,
    AdamsData,
    G,
)
from symde.engine.cpu.layout import TINY, Attempt, Stage0

adams_data_at = structure_at(AdamsData)


@compiled
def restart(state, memory):
    """Forget the past: order 1 from f(t, u)."""
    m = doubles(memory)
    m[ORDER], m[KNOWN], m[CLIMBING], m[FAILURES], m[TIME] = 1.0, 0.0, 1.0, 0.0, state.t
    clear(ROW, memory + 8 * DISTANCE)
    clear(ROW * state.padded, memory + 8 * DIFFERENCES)
    copy(state.padded, state.stages, memory + 8 * DIFFERENCES)


@compiled
def take_over(state, memory, order):
    """The differences at the new time, from f there and those at the old one."""
    m, phi, padded = doubles(memory), doubles(memory + 8 * DIFFERENCES), state.padded
    f, predicted = doubles(state.stages), doubles(state.stages + 16 * padded)
    last = m[BETA + order]
    for i in range(0, padded, 4):
        s0, s1, s2, s3 = (
            f[i] - predicted[i],
            f[i + 1] - predicted[i + 1],
            f[i + 2] - predicted[i + 2],
            f[i + 3] - predicted[i + 3],
        )
        at = i + order * padded
        following = at + padded
        phi[following] = s0 - last * phi[at]
        phi[following + 1] = s1 - last * phi[at + 1]
        phi[following + 2] = s2 - last * phi[at + 2]
        phi[following + 3] = s3 - last * phi[at + 3]
        phi[at], phi[at + 1], phi[at + 2], phi[at + 3] = s0, s1, s2, s3
        for j in range(order - 1, 0, -1):
            at -= padded
            beta = m[BETA + j]
            s0 += beta * phi[at]
            s1 += beta * phi[at + 1]
            s2 += beta * phi[at + 2]
            s3 += beta * phi[at + 3]
            phi[at], phi[at + 1], phi[at + 2], phi[at + 3] = s0, s1, s2, s3
    copy(padded, state.stages, memory + 8 * DIFFERENCES)
    m[TIME] = state.t


@compiled
def shift_differences(state, memory, order):
    """The differences at t where f there has changed since they were made: all contain it once."""
    phi, f, padded = doubles(memory + 8 * DIFFERENCES), doubles(state.stages), state.padded
    for i in range(padded):
        change = f[i] - phi[i]
        for j in range(order + 2):
            phi[j * padded + i] += change


@compiled
def set_coefficients(memory, moments, order, h):
    """alpha, beta, sigma and g of a step of size h: Hairer, Norsett & Wanner I, (5.7) to (5.10)."""
    m, first = doubles(memory), doubles(moments)
    known = int(m[KNOWN])
    distance, beta, sigma = h, 1.0, 1.0
    m[BETA], m[SIGMA], m[NEXT_DISTANCE] = beta, sigma, distance
    for i in range(order + 1):
        alpha, old = h / distance, m[DISTANCE + i]
        sigma *= (i + 1) * alpha
        # what is not known yet has no weight
        beta *= distance / old if i < known else 0.0
        distance = old + h
        m[ALPHA + i], m[SIGMA + i + 1], m[BETA + i + 1], m[NEXT_DISTANCE + i + 1] = (
            alpha,
            sigma,
            beta,
            distance,
        )
        m[WORK + i] = first[i]
    m[G], m[G + 1] = 1.0, 0.5
    for i in range(2, order + 1):
        alpha = m[ALPHA + i - 1]
        for j in range(order + 1 - i):
            m[WORK + j] -= alpha * m[WORK + j + 1]
        m[G + i] = m[WORK]
    for i in range(order):
        m[PREDICTOR + i] = h * m[G + i] * m[BETA + i]


@compiled
def predict(state, memory, order):
    """stage = p, and what the past says of f there in the third stage."""
    predicted = state.stages + 16 * state.padded
    two_weighted_sums(
        state.padded,
        memory + 8 * PREDICTOR,
        memory + 8 * BETA,
        order,
        memory + 8 * DIFFERENCES,
        state.increment,
        predicted,
    )
    u, increment, stage = doubles(state.u), doubles(state.increment), doubles(state.stage)
    for i in range(state.padded):
        stage[i] = u[i] + increment[i]


@compiled
def correct(state, memory, order):
    """The second stage becomes D; the increment and the error follow from it."""
    m, padded = doubles(memory), state.padded
    difference, predicted = doubles(state.stages + 8 * padded), doubles(state.stages + 16 * padded)
    increment, error = doubles(state.increment), doubles(state.error)
    correction = state.h * m[G + order]
    estimate = state.h * (m[G + order - 1] - m[G + order])
    for i in range(padded):
        D = difference[i] - predicted[i]
        difference[i] = D
        increment[i] += correction * D
        error[i] = estimate * D


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment and error."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, memory, m = adams_data_at(slot.data), slot.memory, doubles(slot.memory)
    stale = state.stage0 == Stage0.STALE
    if first_stage(state, 1) != 0:
        return Attempt.CALLBACK
    if state.restarted:
        restart(state, memory)
    elif stale:
        if m[TIME] != state.t:
            take_over(state, memory, int(m[USED]))
        else:
            shift_differences(state, memory, int(m[USED]))
    order = int(m[ORDER])
    set_coefficients(memory, method.moments, order, state.h)
    predict(state, memory, order)
    if evaluate(state, state.t_new, state.stage, state.stages + 8 * state.padded) != 0:
        return Attempt.CALLBACK
    correct(state, memory, order)
    advance_compensated(state)
    return Attempt.FINE


@compiled
def neighbouring_squares(state, memory, order, start, length, stride):
    """Mean squares over one block, or one column of it, of the scaled differences that the errors of orders
    k - 2, k - 1 and k + 1 are proportional to."""
    u, u_new, atol, rtol = doubles(state.u), doubles(state.u_new), doubles(state.atol), state.rtol
    m, D = doubles(memory), doubles(state.stages + 8 * state.padded)
    row = 8 * state.padded
    first = memory + 8 * DIFFERENCES
    higher = doubles(first + row * order)
    lower, lowest = doubles(first + row * (order - 1)), doubles(first + row * max(order - 2, 0))
    of_higher, of_lower, of_lowest = m[BETA + order], m[BETA + order - 1], m[BETA + max(order - 2, 0)]
    sum_lowest, sum_lower, sum_higher = 0.0, 0.0, 0.0
    for i in range(start, start + length * stride, stride):
        scale = 1.0 / (atol[i] + rtol * max(abs(u[i]), abs(u_new[i])) + TINY)
        one = D[i] + of_lower * lower[i]
        two = (one + of_lowest * lowest[i]) * scale
        one *= scale
        three = (D[i] - of_higher * higher[i]) * scale
        sum_lowest += two * two
        sum_lower += one * one
        sum_higher += three * three
    return sum_lowest / length, sum_lower / length, sum_higher / length


@compiled
def neighbouring_errors(state, memory, order, constants):
    """Error estimates of orders k - 2, k - 1 and k + 1 for the step just tried."""
    m, blocks, h = doubles(memory), integers(state.blocks), abs(state.h)
    lowest, lower, higher = 0.0, 0.0, 0.0
    for block in range(state.n_blocks):
        start, rows, columns = blocks[3 * block], blocks[3 * block + 1], blocks[3 * block + 2]
        for c in range(columns):
            one, two, three = neighbouring_squares(state, memory, order, start + c, rows, columns)
            lowest, lower, higher = max(lowest, one), max(lower, two), max(higher, three)
    low = max(order - 2, 0)
    return (
        h * m[SIGMA + low] * constants[low] * math.sqrt(lowest),
        h * m[SIGMA + order - 1] * constants[order - 1] * math.sqrt(lower),
        h * m[SIGMA + order + 1] * constants[order + 1] * math.sqrt(higher),
    )


@compiled
def remember(state, memory, order):
    """The accepted step joins the past."""
    m = doubles(memory)
    m[USED], m[FAILURES] = order, 0.0
    m[KNOWN] = min(m[KNOWN] + 1.0, ROW - 2.0)
    copy(order + 2, memory + 8 * NEXT_DISTANCE, memory + 8 * DISTANCE)


@compiled
def falls(order, lowest, lower, error):
    """Whether a lower order would do as well: Shampine & Gordon, chapter 7."""
    if order > 2:
        return max(lowest, lower) <= error
    return order == 2 and lower <= 0.5 * error


@compiled
def growth(error, order):
    """Factor of the step that brings the error of an order to a half of what is allowed."""
    return min(2.0, math.exp(-math.log(2.0 * error + TINY) / (order + 1)))


@compiled
def propose_after_acceptance(state, memory, method, error, lowest, lower, higher):
    """Order and size of the next step."""
    m = doubles(memory)
    order = int(m[ORDER])
    climbing = m[CLIMBING] != 0.0
    known = int(m[KNOWN])
    fall = falls(order, lowest, lower, error)
    if fall or order == method.order:
        m[CLIMBING] = 0.0
        climbing = False
    remember(state, memory, order)
    factor = 2.0
    if climbing:
        m[ORDER] = order + 1
        state.h_next = 2.0 * abs(state.h)
        return
    rise = False
    if not fall and known >= order:
        if order > 1:
            fall = lower <= min(error, higher)
            rise = not fall and higher < error and order < method.order
        else:
            rise = higher < 0.5 * error and order < method.order
    if fall:
        order, error = order - 1, lower
    elif rise:
        order, error = order + 1, higher
    m[ORDER] = order
    factor = growth(error, order)
    if factor < 1.0:
        factor = max(0.5, min(0.9, factor))
    elif factor < 1.1:
        factor = 1.0
    state.h_next = factor * abs(state.h)


@compiled
def propose_after_rejection(state, memory, error, lowest, lower):
    """Order and size of the next attempt."""
    m = doubles(memory)
    order = int(m[ORDER])
    m[CLIMBING] = 0.0
    m[FAILURES] += 1.0
    if falls(order, lowest, lower, error):
        order, error = order - 1, lower
    if m[FAILURES] >= 3.0:
        order = 1
    m[ORDER] = order
    factor = min(0.5, max(0.1, growth(error, order)))
    state.h_next = factor * abs(state.h)


@compiled
def divide_what_is_left(state):
    """Two equal steps to a stop within two steps: a last short one would cost many to grow from again."""
    left = (limit_of_step(state) - state.t_new) * state.direction
    if 1.01 * state.h_next < left < 2.0 * state.h_next:
        state.h_next = 0.5 * left


def control(address):
    """Order and size of the next attempt, from the errors that neighbouring orders would have made."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, memory, m = adams_data_at(slot.data), slot.memory, doubles(slot.memory)
    order, constants = int(m[ORDER]), doubles(method.constants)
    if not state.mean_square < 1e300:
        m[CLIMBING] = 0.0
        m[FAILURES] += 1.0
        state.h_next = 0.25 * abs(state.h)
        return 0
    tested = m[G + order - 1] - m[G + order]
    error = math.sqrt(state.mean_square) * m[SIGMA + order] * constants[order] / tested
    lowest, lower, higher = neighbouring_errors(state, memory, order, constants)
    if state.mean_square <= 1.0:
        propose_after_acceptance(state, memory, method, error, lowest, lower, higher)
        divide_what_is_left(state)
    else:
        propose_after_rejection(state, memory, error, lowest, lower)
    return 0


@compiled
def set_polynomials(memory, order):
    """Row m: the coefficients of theta^(m+1) in C_1 ... C_{k+1}."""
    m, rows = doubles(memory), doubles(memory + 8 * POLYNOMIALS)
    clear(ROW * ROW, memory + 8 * POLYNOMIALS)
    rows[0] = 1.0
    for i in range(order):
        # c_2 = theta; from there on alpha theta + 1 - alpha
        alpha = 1.0 if i == 0 else m[ALPHA + i]
        for power in range(i + 1):
            value = rows[ROW * power + i]
            rows[ROW * power + i + 1] += (1.0 - alpha) * value
            rows[ROW * (power + 1) + i + 1] += alpha * value
    for power in range(order + 1):
        for i in range(order + 1):
            rows[ROW * power + i] *= m[BETA + i] / (power + 1) if i < order else 1.0 / (power + 1)


def interpolate(address):
    """Coefficients of theta**0..degree over the last accepted step: the corrector's own polynomial."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    memory, padded, h = slot.memory, state.padded, state.h_old
    order = int(doubles(memory)[USED])
    set_polynomials(memory, order)
    rows, D = doubles(memory + 8 * POLYNOMIALS), doubles(state.stages + 8 * padded)
    copy(padded, state.u_new, state.coefficients)
    clear(padded * slot.degree, state.coefficients + 8 * padded)
    for power in range(order + 1):
        target = state.coefficients + 8 * padded * (power + 1)
        row = memory + 8 * (POLYNOMIALS + ROW * power)
        weighted_sum(padded, h, row, order, memory + 8 * DIFFERENCES, target)
        coefficient, last = doubles(target), h * rows[ROW * power + order]
        for i in range(padded):
            coefficient[i] += last * D[i]
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate, "control": control}
