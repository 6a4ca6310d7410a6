"""The loop over the events of a path, whatever method draws them.

A method gives four functions: `begin(state)` after all propensities are known, `draw(state)` the time of the
next event into `t_next`, `choose(state)` its reaction, `update(state, j)` what its change means for the
propensities. They are compiled into the loop.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.jump_network import evaluate_all, fire, save, save_before
from symde.engine.cpu.compiled.pointers import compiled
from symde.engine.cpu.compiled.random import uniform
from symde.engine.cpu.jump_layout import JumpPhase, JumpStatus


@compiled
def exponential_time(state):
    """The time of the next event where they come at the rate `total`; infinity where none comes."""
    if not state.total > 0.0:
        return math.inf
    return state.t - math.log(1.0 - uniform(state)) / state.total


@compiled
def advance(state, begin, draw, choose, update):
    """Go on until there is something for the host to do."""
    if state.phase == JumpPhase.START:
        status = evaluate_all(state)
        if status != JumpStatus.DONE:
            return status
        begin(state)
        state.phase = JumpPhase.DRAW
    while True:
        if state.phase == JumpPhase.DRAW:
            if state.events >= state.max_events:
                return JumpStatus.MAX_EVENTS
            if state.budget <= 0:
                return JumpStatus.BUDGET
            draw(state)
            state.phase = JumpPhase.PENDING
        if state.phase == JumpPhase.PENDING:
            if state.next_save < state.n_saveat and not save_before(state, state.t_next):
                return JumpStatus.OUTPUT_FULL
            if state.t_next > state.t_end:
                if state.save_events != 0 and not save(state, state.t_end):
                    return JumpStatus.OUTPUT_FULL
                state.t = state.t_end
                return JumpStatus.DONE
            state.t = state.t_next
            j = choose(state)
            status = fire(state, j)
            if status == JumpStatus.DONE:
                status = update(state, j)
            if status != JumpStatus.DONE:
                return status
            state.events += 1
            state.budget -= 1
            state.phase = JumpPhase.EVENT
        if state.save_events != 0 and not save(state, state.t):
            return JumpStatus.OUTPUT_FULL
        state.phase = JumpPhase.DRAW
