"""Calls of a model's kernels: the right-hand side, parts of it, and whole steps."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.layout import KEEP_STARTS, Stage0

FIRST_STAGE = 9
"""Place of the stages in the input table."""


@compiled
def evaluate_part(state, kernel, t, u, out):
    """out = the right-hand side, or a part of it, that a kernel computes at (t, u), counted."""
    integers(state.inputs)[0] = u
    integers(state.outputs)[0] = out
    state.evaluations += 1
    return call_kernel(kernel, t, state.inputs, state.outputs)


@compiled
def evaluate(state, t, u, out):
    """out = f(t, u), counted."""
    return evaluate_part(state, state.rhs, t, u, out)


@compiled
def begins_anew(state):
    """Whether an attempt may use nothing of earlier steps: after a restart, and where steps are recorded with
    their starts, so that each can be done again from there alone."""
    return state.restarted != 0 or state.keep_record == KEEP_STARTS


@compiled
def first_stage(state, stages):
    """k_1 = f(t, u), evaluated only where it is not known already."""
    code = 0
    if state.stage0 == Stage0.STALE:
        code = evaluate(state, state.t, state.u, state.stages)
    elif state.stage0 == Stage0.LAST:
        copy(state.padded, state.stages + 8 * state.padded * (stages - 1), state.stages)
    state.stage0 = Stage0.VALID
    return code


@compiled
def whole_step(state, kernel, stages):
    """Increment, error and stages of a step by the model's own kernel, whose evaluations the caller counts;
    the kernel's code."""
    integers(state.inputs)[0] = state.u
    doubles(state.step_size)[0] = state.h
    outputs = integers(state.outputs)
    outputs[0], outputs[1], outputs[2] = state.increment, state.error, stages
    return call_kernel(kernel, state.t, state.inputs, state.outputs)


@compiled
def whole_interpolant(state, kernel, stages):
    """Coefficients of the interpolant of the last accepted step, and its extra stages after so many others,
    by the model's own kernel, whose evaluations the caller counts; the kernel's code."""
    inputs, outputs = integers(state.inputs), integers(state.outputs)
    inputs[0], inputs[FIRST_STAGE] = state.u_new, state.stages
    doubles(state.step_size)[0] = state.h_old
    outputs[0], outputs[1] = state.coefficients, state.stages + 8 * state.padded * stages
    code = call_kernel(kernel, state.t_old, state.inputs, state.outputs)
    inputs[FIRST_STAGE] = state.f0
    return code
