"""The methods of Euler and Maruyama and of Milstein with an implicit drift, for stiff equations.

Source: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (1992), equations
(12.2.4) and (12.2.9), with the drift at the end of the step.

Memory: `work` holds the states that the noise alone leads to, and the drift at the end.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, both_to, milstein_at, noise_at
from symde.engine.cpu.compiled.noise_milstein import add_double_integrals
from symde.engine.cpu.compiled.noise_newton import solve_stage
from symde.engine.cpu.compiled.noise_stages import copy_states
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def add_increments(state):
    """u += g dW, from values at the start of the step."""
    u, diffusion, dw = doubles(state.u), doubles(state.diffusion_values), doubles(state.increments)
    rows, columns = integers(state.rows), integers(state.columns)
    for e in range(state.entries):
        u[rows[e]] += diffusion[e] * dw[columns[e]]


@compiled
def add_drift(state, t):
    """u += h f(t + h, u) at the new u."""
    copy_states(state, state.u, state.work)
    solve_stage(state, t + state.h, state.u, state.work, state.work + 8 * state.n, 1.0)


@compiled
def implicit_euler_step(state, t):
    """u_new = u + g dW + h f(u_new)."""
    both_to(state, t, state.u, state.drift_values, state.diffusion_values)
    add_increments(state)
    add_drift(state, t)


@compiled
def implicit_milstein_step(state, t):
    """The same and L_i g_j I_(i,j)."""
    milstein_at(state, t, state.u)
    add_increments(state)
    add_double_integrals(state)
    add_drift(state, t)


def implicit_euler_maruyama(address):
    """`int32 implicit_euler_maruyama(NoiseState *)`"""
    return advance(noise_at(address), implicit_euler_step)


def implicit_milstein(address):
    """`int32 implicit_milstein(NoiseState *)`"""
    return advance(noise_at(address), implicit_milstein_step)


def implicit_euler_maruyama_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), implicit_euler_step)


def implicit_euler_maruyama_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), implicit_euler_step)


def implicit_milstein_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), implicit_milstein_step)


def implicit_milstein_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), implicit_milstein_step)


ENTRIES = {
    "implicit_euler_maruyama": implicit_euler_maruyama,
    "implicit_milstein": implicit_milstein,
    "implicit_euler_maruyama_jumps": implicit_euler_maruyama_jumps,
    "implicit_euler_maruyama_events": implicit_euler_maruyama_events,
    "implicit_milstein_jumps": implicit_milstein_jumps,
    "implicit_milstein_events": implicit_milstein_events,
}
