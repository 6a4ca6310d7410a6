"""The error estimate of Radau IIA methods.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8: (8.17) to (8.20).
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.mass import mass_times
from symde.engine.cpu.compiled.pointers import (
    call_solve,
    compiled,
    doubles,
    integers,
)
from symde.engine.cpu.compiled.radau_memory import (
    block,
)
from symde.engine.cpu.compiled.vectors import weighted_sum
from symde.engine.cpu.layout import TINY, Attempt


@compiled
def relative_tolerance(state, z):
    """The tolerance in relation to the size of the solution; sensitivity columns have no say in it."""
    u, atol, rtol, n = doubles(state.u), doubles(state.atol), state.rtol, integers(state.blocks)[1]
    last, total = doubles(z), 0.0
    for i in range(n):
        new = abs(u[i] + last[i])
        ratio = new / (atol[i] + rtol * new + TINY)
        total += ratio * ratio
    return math.sqrt(n / (total + TINY))


@compiled
def easing(state, memory, table, last):
    """Factor of the error estimate; kept while the size of the solution is about the same."""
    relative, stages = relative_tolerance(state, last), table.stages
    if not 0.8 < relative / (memory.relative + TINY) < 1.25:
        memory.relative = relative
        memory.easing = min(10.0 * relative ** ((stages - 1.0) / (2.0 * stages)), 1.0)
    return memory.easing


@compiled
def filtered(state, address, f, slope, factor):
    """error = factor * (gamma/h M - J)^-1 (f - M slope); the solver's code."""
    if state.mass != 0:
        mass_times(state, slope, state.mass_work)
        slope = state.mass_work
    x, p, rhs, error = doubles(f), doubles(slope), doubles(state.system_rhs), doubles(state.error)
    for i in range(state.padded):
        rhs[i] = x[i] - p[i]
    code = call_solve(state.solve, address, state.system_rhs, state.error)
    for i in range(state.padded):
        error[i] *= factor
    return code


@compiled
def mean_square(state):
    """Of the error over the tolerance, of the block where it is largest."""
    if state.n_blocks > 1:
        return error_norm(state, state.error)
    u, new, error = doubles(state.u), doubles(state.u_new), doubles(state.error)
    atol, rtol, total = doubles(state.atol), state.rtol, 0.0
    for i in range(state.n):
        a, b = abs(u[i]), abs(new[i])
        ratio = error[i] / (atol[i] + rtol * (a if a > b else b) + TINY)
        total += ratio * ratio
    return total / state.n


@compiled
def estimate_error(state, address, slot, data, memory, table):
    """The error estimate, filtered twice where a first one is too large at the start or after a rejection.

    It is of order s only, that of the solution 2 s - 1. It is therefore held against a tolerance that is
    larger by the power (s + 1)/(2 s): with 0.1 rtol^((s + 1)/(2 s)) the error of the solution follows rtol.
    """
    padded, stages = state.padded, table.stages
    z = block(slot, data, padded, 1 - memory.parity)
    slope = block(slot, data, padded, 3)
    weighted_sum(padded, 1.0 / state.h, table.interpolant, stages, z, slope)
    factor = easing(state, memory, table, z + 8 * padded * (stages - 1))
    code = filtered(state, address, state.f0, slope, factor)
    if code != Attempt.FINE or mean_square(state) < 1.0 or not (state.restarted or state.rejected_last):
        return code
    u, error, stage = doubles(state.u), doubles(state.error), doubles(state.stage)
    for i in range(padded):
        stage[i] = u[i] + error[i] / factor
    if evaluate(state, state.t, state.stage, state.stage_f) != 0:
        return Attempt.CALLBACK.value
    return filtered(state, address, state.stage_f, slope, factor)
