"""The loop of every solve: `advance` goes from state to state until there is something for the host to do.

It may be entered again after any status: signals, progress, full buffers, stop times, callbacks and stepping
by hand are all re-entry. It knows no method: a step is attempted through the active slot's address.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.control import (
    cut_after_rejection,
    error_norm,
    first_step,
    growth_after_acceptance,
)
from symde.engine.cpu.compiled.kernels import evaluate
from symde.engine.cpu.compiled.output import write_output
from symde.engine.cpu.compiled.pointers import call_step, compiled, doubles, slot_at, state_at
from symde.engine.cpu.compiled.stiffness import watch_stiffness
from symde.engine.cpu.compiled.vectors import clear
from symde.engine.cpu.layout import DIVERGENCE_CUT, RESOLUTION, Attempt, Phase, Stage0, Status


@compiled
def start(state, address):
    """First right-hand side and, where the caller gave none, the first step size."""
    slot = slot_at(state, state.active)
    if state.refused != 0:
        return Status.CALLBACK if state.refused == Status.CALLBACK else Status.INCONSISTENT
    state.phase = Phase.STEP
    if slot.fixed or state.h_next > 0.0:
        return Status.DONE
    if state.mass != 0:
        code = call_step(state.size_of_start, address)
        if code == Status.DONE:
            return Status.DONE
        if code == Status.CALLBACK:
            return Status.CALLBACK
        return Status.NON_FINITE if code == Status.NON_FINITE else Status.SINGULAR
    if evaluate(state, state.t, state.u, state.stages) != 0:
        return Status.CALLBACK
    total, f0 = 0.0, doubles(state.stages)
    for i in range(state.n):
        total += 0.0 * f0[i]
    if total != 0.0:
        return Status.NON_FINITE
    state.stage0 = Stage0.VALID
    state.h_next = first_step(state, slot)
    return Status.DONE if state.h_next >= 0.0 else Status.CALLBACK


@compiled
def limit_of_step(state):
    """The time no step may pass: the next stop or the end."""
    if state.next_stop < state.n_stops:
        stop = doubles(state.stops)[state.next_stop]
        if (state.t_end - stop) * state.direction > 0.0:
            return stop
    return state.t_end


@compiled
def choose_step(state):
    """Set h and t_new, exactly at the limit where it is in reach; whether it is."""
    limit = limit_of_step(state)
    remaining = ((limit - state.t) - state.t_low) * state.direction
    size = min(state.h_next, state.h_max)
    # a step stretched by one per cent spares a last tiny one
    reaches = 1.01 * size >= remaining
    if reaches:
        state.h = remaining * state.direction
        state.t_new, state.t_new_low = limit, 0.0
    else:
        state.h = size * state.direction
        increment = state.h + state.t_low
        state.t_new = state.t + increment
        state.t_new_low = increment - (state.t_new - state.t)
    return reaches


@compiled
def accept(state):
    """The attempt becomes the state of the solve."""
    slot = slot_at(state, state.active)
    state.t_old, state.h_old = state.t, state.h
    state.t, state.t_low = state.t_new, state.t_new_low
    state.u, state.u_new = state.u_new, state.u
    state.u_low, state.u_new_low = state.u_new_low, state.u_low
    # explicit methods need f where a projection has moved the state to
    state.stage0 = Stage0.LAST if slot.fsal and (slot.implicit or not state.moved) else Stage0.STALE
    state.jacobian_fresh = 0
    if state.linearised:
        state.jacobian_fresh, state.linearised = 1, 0
        if not slot.fsal:
            state.stage0 = Stage0.VALID
    state.accepted += 1
    state.interpolant_ready = 0
    state.step_saved = 0
    state.dense_saved = 0
    state.record_saved = 0
    state.non_finite = 0
    state.restarted = 0
    state.phase = Phase.SAVE


@compiled
def keep_fixed(state, mean_square):
    """Without an error estimate a step counts as it is, unless it was not solved or is not finite."""
    if state.outcome == Attempt.DIVERGED:
        return Status.DIVERGED
    if state.outcome == Attempt.SINGULAR:
        return Status.SINGULAR
    if not mean_square == 0.0:
        return Status.NON_FINITE
    accept(state)
    return Status.DONE


@compiled
def propose_after_acceptance(state, slot, mean_square):
    """The next step size by the PI law."""
    proposal = abs(state.h) * growth_after_acceptance(state, slot, mean_square)
    if state.reaches:  # a step cut short by a stop says little: keep what was allowed before it
        proposal = max(proposal, state.h_next)
    else:
        state.log_error_old = state.log_error
    state.h_next = proposal


@compiled
def propose_after_rejection(state, slot, mean_square):
    """The size of the next attempt."""
    diverged = state.outcome == Attempt.DIVERGED
    state.h_next = abs(state.h) * (DIVERGENCE_CUT if diverged else cut_after_rejection(slot, mean_square))


@compiled
def control(state, address, mean_square):
    """Accept or reject the attempt; the next step size by the PI law, or by the family's own."""
    slot = slot_at(state, state.active)
    if slot.fixed:
        return keep_fixed(state, mean_square)
    accepted = mean_square <= 1.0
    if slot.control != 0:
        state.mean_square = mean_square
        call_step(slot.control, address)
    elif accepted:
        propose_after_acceptance(state, slot, mean_square)
    else:
        propose_after_rejection(state, slot, mean_square)
    if accepted:
        state.rejected_last = 0
        accept(state)
    else:
        state.non_finite = 0 if mean_square < 1e300 or state.outcome == Attempt.DIVERGED else 1
        state.rejected_last = 1
        state.rejected += 1
    return Status.DONE


@compiled
def step(state, address):
    """One attempt, accepted or not."""
    state.reaches = choose_step(state)
    if abs(state.h) <= RESOLUTION * abs(state.t) and not state.reaches or state.h == 0.0:
        return Status.NON_FINITE if state.non_finite else Status.STEP_TOO_SMALL
    return attempt(state, address)


@compiled
def onto_constraints(state, address):
    """The new state of a step that passes the error test, judged and brought onto what it has to fulfil; a
    code of `Attempt`. `displacement` is what was added to it, `moved` whether anything was."""
    clear(state.padded, state.displacement)
    state.moved, code = 0, 0
    if state.settle != 0:
        code = call_step(state.settle, address)
        if code == Attempt.DIVERGED:
            state.divergences += 1
    if state.project != 0 and code == Attempt.FINE:
        code = call_step(state.project, address)
    return code


@compiled
def attempt(state, address):
    """Try the step that was chosen, and accept it or not."""
    state.budget -= 1
    code = call_step(slot_at(state, state.active).attempt, address)
    if code == Attempt.CALLBACK:
        return Status.CALLBACK
    state.outcome = code
    if code == Attempt.DIVERGED:
        state.divergences += 1
    mean_square = error_norm(state, state.error) if code == Attempt.FINE else 1e300
    if code == Attempt.FINE and mean_square <= 1.0 and (state.settle != 0 or state.project != 0):
        code = onto_constraints(state, address)
        if code == Attempt.CALLBACK:
            return Status.CALLBACK
        if code != Attempt.FINE:
            state.outcome, state.linearised, mean_square = code, 0, 1e300
    return control(state, address, mean_square)


@compiled
def after_output(state, address):
    """The step is written: what next? DONE here means go on."""
    if state.watch:
        status = watch_stiffness(state)
        if status != Status.DONE:
            return status
    at_root, state.at_root = state.at_root, 0
    if state.next_stop < state.n_stops and doubles(state.stops)[state.next_stop] == state.t:
        state.next_stop += 1
        if at_root:
            return Status.ROOT
        status = call_step(state.scheduled, address) if state.scheduled else Status.STOPPED.value
        if status != Status.DONE:
            return status
    if at_root:
        return Status.ROOT
    return Status.STEPPED if state.single_step else Status.DONE


def advance(address):
    """Advance a solve until t_end or until the host is needed; the status."""
    state = state_at(address)
    while True:
        if state.phase == Phase.START:
            status = start(state, address)
            if status != Status.DONE:
                return status
        if state.phase == Phase.SAVE:
            status = write_output(state, address)
            if status != Status.DONE:
                return status
            state.phase = Phase.STEP
            status = after_output(state, address)
            if status != Status.DONE:
                return status
            if state.phase == Phase.START:  # what was due has set the state
                continue
        if (state.t_end - state.t) * state.direction <= 0.0:
            return Status.DONE
        if state.accepted + state.rejected >= state.max_steps:
            return Status.MAX_STEPS
        if state.budget <= 0:
            return Status.BUDGET
        watched = state.watched_step
        status = call_step(watched, address) if watched else step(state, address).value
        if status != Status.DONE:
            return status


ENTRIES = {"advance": advance}
