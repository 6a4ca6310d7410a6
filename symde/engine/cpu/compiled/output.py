"""What an accepted step leaves behind: saved points, every step, interpolants; each resumable when a buffer
fills."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, integers, slot_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.layout import FORMULA, KEEP_STARTS, Status


@compiled
def prepare_interpolant(state, address):
    """Compute the interpolant of the last accepted step unless that is done already; its code."""
    if state.interpolant_ready:
        return 0
    state.interpolant_ready = 1
    code = call_step(slot_at(state, state.active).interpolate, address)
    if state.moved:  # onto constraints: the continuous solution goes along linearly
        linear, moved = doubles(state.coefficients + 8 * state.padded), doubles(state.displacement)
        for i in range(state.padded):
            linear[i] += moved[i]
    return code


@compiled
def evaluate_interpolant(state, theta, out):
    """out = sum_m coefficients[m] * theta**m by Horner's rule."""
    n, padded, o = state.n, state.padded, doubles(out)
    c = doubles(state.coefficients)
    degree = slot_at(state, state.active).degree
    fours = n - n % 4
    for i in range(0, fours, 4):
        at = degree * padded + i
        v0, v1, v2, v3 = c[at], c[at + 1], c[at + 2], c[at + 3]
        for _ in range(degree):
            at -= padded
            v0 = v0 * theta + c[at]
            v1 = v1 * theta + c[at + 1]
            v2 = v2 * theta + c[at + 2]
            v3 = v3 * theta + c[at + 3]
        o[i], o[i + 1], o[i + 2], o[i + 3] = v0, v1, v2, v3
    for i in range(fours, n):
        value = c[degree * padded + i]
        for m in range(degree - 1, -1, -1):
            value = value * theta + c[m * padded + i]
        o[i] = value


@compiled
def next_row(state, t):
    """The next free row of the saved points, its time written; its address."""
    row = state.out_u + 8 * state.n * state.out_count
    doubles(state.out_t)[state.out_count] = t
    state.out_count += 1
    return row


@compiled
def write_saveat(state, address):
    """Save every requested time up to t."""
    saveat = doubles(state.saveat)
    while state.next_save < state.n_saveat:
        t = saveat[state.next_save]
        if (t - state.t) * state.direction > 0.0:
            break
        if state.out_count == state.out_capacity:
            return Status.OUTPUT_FULL
        if t == state.t:
            copy(state.n, state.u, next_row(state, t))
        else:
            if prepare_interpolant(state, address) != 0:
                return Status.CALLBACK
            theta = (t - state.t_old) / state.h_old
            evaluate_interpolant(state, theta, next_row(state, t))
        state.next_save += 1
    return Status.DONE


@compiled
def write_step(state):
    """Save the end of the step."""
    if state.save_steps and not state.step_saved:
        if state.out_count == state.out_capacity:
            return Status.OUTPUT_FULL
        copy(state.n, state.u, next_row(state, state.t))
        state.step_saved = 1
    return Status.DONE


@compiled
def write_interpolant(state, address):
    """Keep the interpolant as a row: start, length, coefficients without padding, zeros to the end."""
    if not state.keep_dense or state.dense_saved:
        return Status.DONE
    if state.dense_count == state.dense_capacity:
        return Status.DENSE_FULL
    if prepare_interpolant(state, address) != 0:
        return Status.CALLBACK
    index, powers = state.dense_count, slot_at(state, state.active).degree + 1
    row = state.dense_rows + 8 * state.dense_width * index
    doubles(row)[0] = state.t_old
    doubles(row)[1] = state.h_old
    row += 16
    for m in range(powers):
        copy(state.n, state.coefficients + 8 * state.padded * m, row + 8 * state.n * m)
    clear(state.dense_width - 2 - state.n * powers, row + 8 * state.n * powers)
    state.dense_count = index + 1
    state.dense_saved = 1
    return Status.DONE


@compiled
def write_record(state):
    """Record the step, so that it can be done again."""
    if not state.keep_record or state.record_saved:
        return Status.DONE
    k, n = state.record_count, state.n
    row = k // state.record_stride
    kept = state.keep_record == KEEP_STARTS and k == row * state.record_stride
    if k == state.record_capacity or (kept and row == state.record_rows):
        return Status.RECORD_FULL
    doubles(state.record_t)[2 * k] = state.t_old
    doubles(state.record_t)[2 * k + 1] = state.t
    doubles(state.record_h)[k] = state.h_old
    integers(state.record_slot)[k] = state.active + FORMULA * state.formula
    if kept:
        place = state.record_u + 16 * n * row
        copy(n, state.u_new, place)
        copy(n, state.u_new_low, place + 8 * n)
    state.record_count = k + 1
    state.record_saved = 1
    return Status.DONE


@compiled
def write_output(state, address):
    """All output of the last accepted step; DONE, or the reason to return to the host first."""
    status = write_saveat(state, address)
    if status == Status.DONE:
        status = write_step(state)
    if status == Status.DONE:
        status = write_interpolant(state, address)
    if status == Status.DONE:
        status = write_record(state)
    return status
