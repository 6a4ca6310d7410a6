"""The loop of adjoint states alone: after their steps the integral of P' lambda is summed up over them.

Both solutions are read from their interpolants. A step whose last two rules differ by more than the tolerance
is halved where they do, up to `DEEPEST` times.
"""

from __future__ import annotations

import math

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.backward import backward_at, look_up, multiply
from symde.engine.cpu.compiled.jumps import advance_over_jumps
from symde.engine.cpu.compiled.pointers import (
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.trajectory import evaluate_row, locate, step_of, trajectory_at
from symde.engine.cpu.compiled.vectors import clear
from symde.engine.cpu.layout import TINY, Status
from symde.engine.cpu.quadrature import QuadratureData

quadrature_at = structure_at(QuadratureData)

POINTS = 15
"""Of the largest rule."""

DEEPEST = 24
"""Halvings after which a piece is taken as it is."""

ROUGH = 1e-3
"""Size of a forward step over that of the backward step it lies in below which the integral is taken step by
step: it was held up by a switch or a layer, which the points of a rule can lie beside."""


@compiled
def kept_row(state, k):
    """Address of the interpolant of kept step k."""
    return state.dense_rows + 8 * state.dense_width * k


@compiled
def evaluate_points(state, data, rule, k, begin, length, first, last):
    """Products at some points of the part of kept step k from theta = begin on; the kernel's code."""
    row, x = kept_row(state, k), doubles(rule.x)
    degree = (state.dense_width - 2) // data.n - 1
    start, h = doubles(row)[0], doubles(row)[1]
    rule.points += last - first
    for q in range(first, last):
        theta = begin + length * x[q]
        t = start + theta * h
        evaluate_row(data.n, row, degree, theta, rule.adjoint)
        look_up(data, t)
        product = rule.products + 8 * data.m * q
        code = multiply(data, data.by_parameters, t, rule.adjoint, product, 0)
        if code != 0:
            return code
    return 0


@compiled
def sum_points(data, rule, level, scale):
    """Increment and error estimate by a rule; going back the integral grows by minus the step's."""
    m = data.m
    clear(m, rule.increment)
    clear(m, rule.difference)
    total, error = doubles(rule.increment), doubles(rule.difference)
    w, d = doubles(rule.w + 8 * POINTS * level), doubles(rule.d + 8 * POINTS * level)
    for q in range((2 << level) - 1):
        weight, weight_error = scale * w[q], scale * d[q]
        product = doubles(rule.products + 8 * m * q)
        for j in range(m):
            total[j] += weight * product[j]
            error[j] += weight_error * product[j]


@compiled
def scaled_error(data, rule):
    """Root mean square of a piece's error estimate over atol + rtol*|integral|; NaN where that is NaN."""
    integral, increment = doubles(rule.integral), doubles(rule.increment)
    error, atol = doubles(rule.difference), doubles(rule.atol)
    total = 0.0
    for j in range(data.m):
        before, after = abs(integral[j]), abs(integral[j] + increment[j])
        scale = atol[j] + rule.rtol * (before if before > after else after) + TINY
        total += (error[j] / scale) ** 2
    return math.sqrt(total / data.m)


@compiled
def sum_piece(state, data, rule, k, begin, length):
    """Increment over a part of kept step k by the first rule that is good enough, or the last one; the scaled
    error, or -1 where a kernel failed."""
    known, error = 0, math.inf
    for level in range(1, 4):
        count = (2 << level) - 1
        if evaluate_points(state, data, rule, k, begin, length, known, count) != 0:
            return -1.0
        known = count
        sum_points(data, rule, level, -length * doubles(kept_row(state, k))[1])
        error = scaled_error(data, rule)
        if not error > 1.0:
            break
    rule.pieces += 1
    return error


@compiled
def sum_interval(state, data, rule, k, begin, whole):
    """Add the integral over a part of kept step k, halved where the error asks for it; the kernel's code.

    Pieces are numbered from the left at each level of halving, so that no stack is needed.
    """
    level, place = 0, 0
    while True:
        length = whole * 0.5**level
        error = sum_piece(state, data, rule, k, begin + place * length, length)
        if error < 0.0:
            return 1
        # what is not finite is no better in halves: the integral is to show it
        if error > 1.0 and error < math.inf and level < DEEPEST:
            level, place = level + 1, 2 * place
            continue
        if error > 1.0:
            rule.unresolved += 1
        integral, increment = doubles(rule.integral), doubles(rule.increment)
        for j in range(data.m):
            integral[j] += increment[j]
        place += 1
        while place % 2 == 0 and level > 0:
            level, place = level - 1, place // 2
        if level == 0:
            return 0


@compiled
def is_rough(path, first, last, size):
    """Whether some step of the forward solution is tiny beside a step of the backward one."""
    for i in range(first, last + 1):
        if abs(step_of(path, i)[1]) < ROUGH * size:
            return True
    return False


@compiled
def sum_step(state, data, rule, k):
    """Add the integral over kept step k, for each forward step within by itself where these are rough; the
    kernel's code."""
    path = trajectory_at(data.trajectory)
    start, h = doubles(kept_row(state, k))[0], doubles(kept_row(state, k))[1]
    last, first = locate(path, start), locate(path, start + h)
    begin = 0.0
    if is_rough(path, first, last, abs(h)):
        for i in range(last, first, -1):
            end = (step_of(path, i)[0] - start) / h
            if begin < end < 1.0:
                code = sum_interval(state, data, rule, k, begin, end - begin)
                if code != 0:
                    return code
                begin = end
    return sum_interval(state, data, rule, k, begin, 1.0 - begin)


@compiled
def sum_kept(state, data):
    """Add the integral over all kept steps and forget them; the kernel's code."""
    rule, code = quadrature_at(data.quadrature), 0
    for k in range(state.dense_count):
        code = sum_step(state, data, rule, k)
        if code != 0:
            return code
    state.dense_count = 0
    return code


def advance(address):
    """Advance until the end or until the host is needed; the status."""
    state = state_at(address)
    data = backward_at(integers(state.inputs)[CONTEXT])
    while True:
        status = advance_over_jumps(state, data, address)
        # the forward solution may be another one when this is entered again
        if status == Status.DENSE_FULL or status == Status.DONE or status == Status.STOPPED:
            if sum_kept(state, data) != 0:
                return Status.CALLBACK.value
        if status != Status.DENSE_FULL:
            return status


ENTRIES = {"advance": advance}
