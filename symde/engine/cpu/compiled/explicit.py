"""One step of an explicit Runge-Kutta method, read from its tableau.

Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I (1993), II.1 and
II.4-6.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.kernels import evaluate, first_stage, whole_interpolant, whole_step
from symde.engine.cpu.compiled.pointers import compiled, doubles, slot_at, state_at, structure_at
from symde.engine.cpu.compiled.vectors import advance_compensated, combine, copy, weighted_sum, weighted_sums
from symde.engine.cpu.families.explicit import ExplicitData
from symde.engine.cpu.layout import Attempt

explicit_data_at = structure_at(ExplicitData)


@compiled
def general_stages(state, method, count):
    """Stages 2 to `count`, the increment and the error estimate from the tableau; the kernel's code."""
    width, padded, h = method.all_stages, state.padded, state.h
    c = doubles(method.c)
    for i in range(1, count):
        combine(padded, state.u, h, method.a + 8 * width * i, i, state.stages, state.stage)
        if evaluate(state, state.t + c[i] * h, state.stage, state.stages + 8 * padded * i) != 0:
            return 1
    weighted_sum(padded, h, method.b, count, state.stages, state.increment)
    if method.error != 0 and not method.fsal:
        weighted_sum(padded, h, method.error, count, state.stages, state.error)
    return 0


@compiled
def generated_stages(state, kernel, count):
    """The same by the model's own step kernel."""
    copy(state.padded, state.stages, state.f0)
    state.evaluations += count - 1
    return whole_step(state, kernel, state.stages)


@compiled
def advance_explicit(state):
    """u_new, increment, error and the stages of a step of size h from (t, u); FINE or CALLBACK."""
    slot = slot_at(state, state.active)
    method = explicit_data_at(slot.data)
    stages, padded = method.stages, state.padded
    if first_stage(state, stages) != 0:
        return Attempt.CALLBACK.value
    count = stages - 1 if method.fsal else stages
    if slot.step != 0:
        code = generated_stages(state, slot.step, count)
    else:
        code = general_stages(state, method, count)
    if code != 0:
        return Attempt.CALLBACK.value
    advance_compensated(state)
    if method.fsal:
        if evaluate(state, state.t_new, state.u_new, state.stages + 8 * padded * (stages - 1)) != 0:
            return Attempt.CALLBACK.value
        if method.error != 0:
            weighted_sum(padded, state.h, method.error, stages, state.stages, state.error)
    return Attempt.FINE.value


def attempt(address):
    """Try a step of size h from (t, u): fills u_new, increment, error and the stages."""
    return advance_explicit(state_at(address))


def interpolate(address):
    """Coefficients of theta**0..degree over the last accepted step, from its stages and any extra ones."""
    state = state_at(address)
    method = explicit_data_at(slot_at(state, state.active).data)
    width, padded, h = method.all_stages, state.padded, state.h_old
    kernel = slot_at(state, state.active).interpolant
    if kernel != 0:
        state.evaluations += width - method.stages
        return whole_interpolant(state, kernel, method.stages)
    c = doubles(method.c)
    for i in range(method.stages, width):
        combine(padded, state.u_new, h, method.a + 8 * width * i, i, state.stages, state.stage)
        if evaluate(state, state.t_old + c[i] * h, state.stage, state.stages + 8 * padded * i) != 0:
            return Attempt.CALLBACK
    degree, first = method.degree, state.coefficients + 8 * padded
    copy(padded, state.u_new, state.coefficients)
    weighted_sums(padded, h, method.interpolant, degree, width, state.stages, first)
    # power m takes polynomials of degree m and more, so each result may take the place of what it is made of
    for m in range(degree):
        place, row = first + 8 * padded * m, method.powers + 8 * (degree * m + m)
        weighted_sum(padded, 1.0, row, degree - m, place, place)
    return Attempt.FINE


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
