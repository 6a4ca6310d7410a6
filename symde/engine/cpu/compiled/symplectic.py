"""One step of a splitting method: kicks of the momenta and drifts of the positions in turn.

Each kernel of a half gives all states, with zeros for the other half, so that a flow is one sum over whole
vectors without indices.

Source: E. Hairer, C. Lubich, G. Wanner, Geometric Numerical Integration (2006), II.5; the compensated sum as
in VIII.5.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.hermite import first_order_interpolant
from symde.engine.cpu.compiled.kernels import begins_anew, evaluate_part, whole_step
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
from symde.engine.cpu.families.symplectic import HalvesContext, SplittingData
from symde.engine.cpu.layout import Attempt, Stage0

splitting_data_at = structure_at(SplittingData)
halves_at = structure_at(HalvesContext)


@compiled
def begin_flow(state):
    """Nothing moved yet: the increment is zero, the stage the state with what rounding kept from it."""
    u, low = doubles(state.u), doubles(state.u_low)
    stage, increment = doubles(state.stage), doubles(state.increment)
    for i in range(state.padded):
        increment[i] = 0.0
        stage[i] = u[i] + low[i]


@compiled
def flow(state, duration, rates):
    """Move by duration * rates; the rounding of the stages is not carried on from one to the next."""
    u, low, x = doubles(state.u), doubles(state.u_low), doubles(rates)
    stage, increment = doubles(state.stage), doubles(state.increment)
    for i in range(state.padded):
        moved = increment[i] + duration * x[i]
        increment[i] = moved
        stage[i] = u[i] + (low[i] + moved)


@compiled
def rates_of(state, kernel, t, out):
    """The rates of one half at the stage, not counted: those of the positions cost next to nothing."""
    integers(state.inputs)[0] = state.stage
    integers(state.outputs)[0] = out
    return call_kernel(kernel, t, state.inputs, state.outputs)


@compiled
def generated_step(state, kernel, method, halves, known):
    """The whole step by the model's own kernel."""
    if method.fsal:
        if not known and evaluate_part(state, halves.momenta, state.t, state.u, state.stages) != 0:
            return 1
        copy(state.padded, state.stages, state.f0)
    state.evaluations += method.forces
    return whole_step(state, kernel, state.stages)


@compiled
def general_step(state, method, halves, known):
    """The same flow by flow."""
    kicks, drifts = doubles(method.kicks), doubles(method.drifts)
    kick_times, drift_times = doubles(method.kick_times), doubles(method.drift_times)
    t, h, force, rates = state.t, state.h, state.stages, state.stages + 8 * state.padded
    begin_flow(state)
    for i in range(method.stages):
        if kicks[i] != 0.0:
            if not (known and i == 0):
                if evaluate_part(state, halves.momenta, t + kick_times[i] * h, state.stage, force) != 0:
                    return 1
            flow(state, kicks[i] * h, force)
        if drifts[i] != 0.0:
            if rates_of(state, halves.positions, t + drift_times[i] * h, rates) != 0:
                return 1
            flow(state, drifts[i] * h, rates)
    return 0


def attempt(address):
    """A step of size h from (t, u): fills u_new and increment."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method, halves = splitting_data_at(slot.data), halves_at(slot.context)
    if begins_anew(state):
        doubles(slot.memory)[0] = 0.0
    known = state.stage0 == Stage0.LAST and not begins_anew(state)
    if slot.step != 0:
        code = generated_step(state, slot.step, method, halves, known)
    else:
        code = general_step(state, method, halves, known)
    if code != 0:
        return Attempt.CALLBACK
    advance_compensated(state)
    return Attempt.FINE


def interpolate(address):
    """Coefficients of theta^0..degree over the last accepted step."""
    state = state_at(address)
    slot = slot_at(state, state.active)
    method = splitting_data_at(slot.data)
    vectors = state.stages + 16 * state.padded
    return first_order_interpolant(state, method.interpolant, vectors, slot.memory, 0)


ENTRIES = {"attempt": attempt, "interpolate": interpolate}
