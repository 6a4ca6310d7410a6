"""Is the step limited by stability? The spectral radius of J by a power iteration that lives as long as the
solve.

One product J*v per finding, warm-started: the direction follows the dominant eigenvector while the solution
moves. A norm of J would overestimate the radius of non-normal matrices, and never allow the way back.

Source: the criterion h*rho against the stability interval as in L. F. Shampine, Stiffness and nonstiff
differential equation solvers II, ACM TOMS 3 (1977); the iteration is the ordinary power method.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, slot_at
from symde.engine.cpu.layout import (
    MILD_FRACTION,
    MILD_HITS,
    STIFF_HITS,
    WATCH_INTERVAL,
    Stage0,
    Status,
)


@compiled
def improve_spectral_radius(state):
    """One step of the power iteration at (t, u); the kernel's code."""
    inputs, outputs = integers(state.inputs), integers(state.outputs)
    inputs[0], outputs[0] = state.u, state.product
    state.products += 1
    code = call_kernel(state.jacobian_vector, state.t, state.inputs, state.outputs)
    product, direction = doubles(state.product), doubles(state.direction_vector)
    total = 0.0
    for i in range(state.n):
        total += product[i] * product[i]
    radius = math.sqrt(total)
    if 0.0 < radius < math.inf:
        state.spectral_radius = radius
        for i in range(state.n):
            direction[i] = product[i] / radius
    return code


@compiled
def count_findings(state, stability):
    """Compare |h| * rho of the last accepted step with the stability interval of the explicit method."""
    reach = abs(state.h_old) * state.spectral_radius
    if reach > state.stiff_fraction * stability:
        state.stiff_hits += 1
        state.mild_hits = 0
    else:
        state.stiff_hits = 0
        state.mild_hits = state.mild_hits + 1 if reach < MILD_FRACTION * stability else 0


@compiled
def switch_method(state):
    """Go on with the other method; each switch asks for more evidence before the next one."""
    state.active = 1 - state.active
    state.stage0 = Stage0.STALE
    state.jacobian_fresh = 0
    state.restarted = 1
    state.switches += 1
    state.patience = min(2 * state.patience, 64)
    state.stiff_hits = 0
    state.mild_hits = 0
    state.log_error_old = 0.0


@compiled
def crawling(state):
    """Whether the steps that are left cannot cover the span that is left."""
    steps_left = state.max_steps - state.accepted - state.rejected
    return abs(state.t_end - state.t) > abs(state.h_old) * steps_left


@compiled
def watch_stiffness(state):
    """After an accepted step: switch methods, or stop an explicit method that only crawls."""
    state.since_check += 1
    if state.since_check < WATCH_INTERVAL:
        return Status.DONE
    state.since_check = 0
    if improve_spectral_radius(state) != 0:
        return Status.CALLBACK
    count_findings(state, slot_at(state, 0).stability)
    implicit = slot_at(state, state.active).implicit
    if state.n_slots == 1:
        if not implicit and state.stiff_hits >= 2 * STIFF_HITS and crawling(state):
            return Status.STIFF
    elif implicit:
        if state.mild_hits >= MILD_HITS * state.patience:
            switch_method(state)
    elif state.stiff_hits >= STIFF_HITS * state.patience:
        switch_method(state)
    return Status.DONE
