"""Error norm, step-size control and the first step.

Sources: K. Gustafsson, Control theoretic techniques for stepsize selection in explicit Runge-Kutta methods,
ACM TOMS 17 (1991), for the PI law; E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential
Equations I (1993), II.4, for the norm (4.11) and the starting step (4.14).
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.layout import LARGEST_GROWTH, RESOLUTION, SAFETY, SMALLEST_ERROR, STRONGEST_CUT, TINY


@compiled
def squared_ratio(error, u, u_new, atol, rtol, i):
    """(error / (atol + rtol*|u|))^2 of one component; NaN where u_new or the error is not finite."""
    old, new = abs(u[i]), abs(u_new[i])
    largest = old if old > new else new
    # TINY keeps 0/0 out where a state and its tolerance are both zero
    ratio = error[i] / (atol[i] + rtol * largest + TINY)
    # 0 * inf is NaN: a state that overflowed must not pass for one with a small relative error
    return ratio * ratio + 0.0 * new


@compiled
def block_norm(state, errors, other, start, length):
    """Mean square of error / (atol + rtol*max(|u|, |other|)) over one block; NaN where `other` or the error
    is not finite.

    Four sums side by side: one alone would wait for each of its additions.
    """
    u, u_new = doubles(state.u), doubles(other)
    error, atol, rtol = doubles(errors), doubles(state.atol), state.rtol
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    end = start + length
    fours = end - (length % 4)
    for i in range(start, fours, 4):
        s0 += squared_ratio(error, u, u_new, atol, rtol, i)
        s1 += squared_ratio(error, u, u_new, atol, rtol, i + 1)
        s2 += squared_ratio(error, u, u_new, atol, rtol, i + 2)
        s3 += squared_ratio(error, u, u_new, atol, rtol, i + 3)
    for i in range(fours, end):
        s0 += squared_ratio(error, u, u_new, atol, rtol, i)
    return ((s0 + s1) + (s2 + s3)) / length


@compiled
def columns_norm(state, errors, other, start, rows, columns):
    """The largest of the mean squares of columns that lie side by side; NaN if any is.

    Four columns at a time: their sums lie in one register as their entries do in memory.
    """
    u, u_new = doubles(state.u), doubles(other)
    error, atol, rtol = doubles(errors), doubles(state.atol), state.rtol
    worst = 0.0
    fours = columns - columns % 4
    for c in range(0, fours, 4):
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for i in range(start + c, start + c + rows * columns, columns):
            s0 += squared_ratio(error, u, u_new, atol, rtol, i)
            s1 += squared_ratio(error, u, u_new, atol, rtol, i + 1)
            s2 += squared_ratio(error, u, u_new, atol, rtol, i + 2)
            s3 += squared_ratio(error, u, u_new, atol, rtol, i + 3)
        worst = larger(larger(larger(larger(worst, s0), s1), s2), s3)
    for c in range(fours, columns):
        total = 0.0
        for i in range(start + c, start + c + rows * columns, columns):
            total += squared_ratio(error, u, u_new, atol, rtol, i)
        worst = larger(worst, total)
    return worst / rows


@compiled
def larger(a, b):
    """The larger of two, NaN if one is."""
    return a if b <= a else b + 0.0 * a


@compiled
def largest_norm(state, errors, other):
    """The largest mean square over the blocks (states, sensitivity columns, ...) in relation to the tolerance
    at max(|u|, |other|), NaN if any is."""
    blocks = integers(state.blocks)
    worst = 0.0
    for k in range(state.n_blocks):
        start, rows, columns = blocks[3 * k], blocks[3 * k + 1], blocks[3 * k + 2]
        if columns == 1:
            norm = block_norm(state, errors, other, start, rows)
        else:
            norm = columns_norm(state, errors, other, start, rows, columns)
        worst = larger(worst, norm)
    return worst


@compiled
def error_norm(state, errors):
    """The largest mean square of an error over the blocks, NaN if any is."""
    return largest_norm(state, errors, state.u_new)


@compiled
def growth_after_acceptance(state, slot, mean_square):
    """Factor of the next step by the PI law, one log and one exp."""
    log_error = (
        0.5 * math.log(mean_square) if mean_square > SMALLEST_ERROR else 0.5 * math.log(SMALLEST_ERROR)
    )
    state.log_error = log_error
    factor = SAFETY * math.exp(slot.beta * state.log_error_old - slot.alpha * log_error)
    limit = 1.0 if state.rejected_last else LARGEST_GROWTH
    return min(max(factor, STRONGEST_CUT), limit)


@compiled
def cut_after_rejection(slot, mean_square):
    """Factor of the next attempt; a quarter where the error is not a number."""
    if not mean_square < math.inf:
        return 0.25
    factor = SAFETY * math.exp(-0.5 * slot.gamma * math.log(mean_square))
    return min(max(factor, STRONGEST_CUT), SAFETY)


@compiled
def scaled_norm(state, vector):
    """Root mean square of a vector over atol + rtol*|u|, of the block where it is largest."""
    if state.n_blocks > 1:
        return math.sqrt(largest_norm(state, vector, state.u))
    u, v, atol = doubles(state.u), doubles(vector), doubles(state.atol)
    total = 0.0
    for i in range(state.n):
        ratio = v[i] / (atol[i] + state.rtol * abs(u[i]) + TINY)
        total += ratio * ratio
    return math.sqrt(total / state.n)


@compiled
def first_step(state, slot):
    """A first step from f and a difference of f; needs f(t, u) in the first stage. 0 where f cannot be
    used."""
    f0, f1, u, trial = doubles(state.stages), doubles(state.error), doubles(state.u), doubles(state.stage)
    size, slope = scaled_norm(state, state.u), scaled_norm(state, state.stages)
    span = abs(state.t_end - state.t)
    # far from t = 0 the usual guess may not move the time at all: let the error test judge a larger one
    least = min(4.0 * RESOLUTION * abs(state.t), span, state.h_max)
    # an infinite slope is one that leaves a zero whose tolerance is zero
    usual = size >= 1e-5 and 1e-5 <= slope < math.inf
    h = 0.01 * size / slope if usual else 1e-6
    h = min(h, span, state.h_max)
    signed = h * state.direction
    for i in range(state.padded):
        trial[i] = u[i] + signed * f0[i]
    if evaluate(state, state.t + signed, state.stage, state.error) != 0:
        return -1.0
    for i in range(state.padded):
        f1[i] = f1[i] - f0[i]
    curvature = scaled_norm(state, state.error) / h
    steepest = max(slope, curvature)
    if not steepest < math.inf:
        return max(1e-3 * h, least)
    if steepest <= 1e-15:
        estimate = max(1e-6, 1e-3 * h)
    else:
        estimate = (0.01 / steepest) ** (1.0 / (slot.order + 1.0))
    return max(min(100.0 * h, estimate, span, state.h_max), least)
