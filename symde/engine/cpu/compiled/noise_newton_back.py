"""Back over implicit stages with noise: by the transposed system of what was solved."""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_back import beyond
from symde.engine.cpu.compiled.noise_loop import within
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_solve,
    call_step,
    compiled,
    doubles,
    integers,
    state_at,
)


@compiled
def linearise_transposed(back, state, t, y, gamma):
    """W' = 1/(gamma h) - J' at a state, factorised. J is 0 by a state that is beyond its domain."""
    system, columns = state_at(back.transposed), integers(state_at(state.system).columns)
    within(state, y, state.inside)
    call_kernel(state.linearised, t, state.inputs, back.linearised_outputs)
    found, places, entries = doubles(back.jacobian), integers(back.places), doubles(system.jacobian)
    at = doubles(y)
    for k in range(system.entries):
        entries[k] = 0.0 if beyond(state, at, columns[places[k]]) else found[places[k]]
    system.shift = 1.0 / (gamma * state.h)
    call_step(system.factor, back.transposed)


@compiled
def weigh_implicit(back, state, t, y, weights, gamma):
    """The weights v of f(t, y) become nu with W' nu = v/(gamma h), where y - gamma h f(t, y) = base: then
    J' nu is the weight of the base, and nu f_p that of the parameters."""
    linearise_transposed(back, state, t, y, gamma)
    system, given = state_at(back.transposed), doubles(weights)
    rhs, solution = doubles(state.rhs), doubles(state.correction)
    for i in range(state.n):
        rhs[i] = given[i] * system.shift
    call_solve(system.solve, back.transposed, state.rhs, state.correction)
    for i in range(state.n):
        given[i] = solution[i]
