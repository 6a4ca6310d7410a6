"""The methods of Euler and Maruyama, and of Milstein.

Sources: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (1992): equations
(10.2.4), and (10.3.3), in which the double integrals of commutative noise are products of increments.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.levy_area import find_areas
from symde.engine.cpu.compiled.noise_event_loop import follow_events
from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, both_to, milstein_at, noise_at
from symde.engine.cpu.compiled.noise_previsible import advance_previsibly
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def add_first_order(state):
    """u += f h + g dW, from values at the start of the step."""
    u, drift, diffusion = doubles(state.u), doubles(state.drift_values), doubles(state.diffusion_values)
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    for i in range(state.n):
        u[i] += drift[i] * state.h
    for e in range(state.entries):
        u[rows[e]] += diffusion[e] * dw[columns[e]]


@compiled
def read_first_order(state, t):
    """Drift and diffusion at the start of the step."""
    both_to(state, t, state.u, state.drift_values, state.diffusion_values)


@compiled
def euler_step(state, t):
    """u + f h + g dW."""
    read_first_order(state, t)
    add_first_order(state)


@compiled
def milstein_step(state, t):
    """The same and L_i g_j I_(i,j), with I_(i,j) = 1/2 (dW_i dW_j - h if i = j) and the Levy area where the
    noise does not commute."""
    milstein_at(state, t, state.u)
    add_first_order(state)
    add_double_integrals(state)


@compiled
def double_integral(state, i, j):
    """I_(i,j), where the Levy areas are known."""
    dw, levy = doubles(state.increments), doubles(state.levy)
    moved = 0.5 * dw[i] * dw[j]
    if i == j:
        moved -= 0.5 * state.h
    elif state.terms != 0:
        moved += levy[i * state.motions + j]
    return moved


@compiled
def add_double_integrals(state):
    """u += L_i g_j I_(i,j), from values at the start of the step."""
    if state.terms != 0:
        find_areas(state)
    u, values, rows = doubles(state.u), doubles(state.product_values), integers(state.product_rows)
    first, second = integers(state.product_first), integers(state.product_second)
    for e in range(state.products):
        u[rows[e]] += values[e] * double_integral(state, first[e], second[e])


def euler_maruyama(address):
    """`int32 euler_maruyama(NoiseState *)`"""
    state = noise_at(address)
    if state.adaptive != 0:
        return advance_previsibly(state, read_first_order, add_first_order)
    return advance(state, euler_step)


def milstein(address):
    """`int32 milstein(NoiseState *)`"""
    return advance(noise_at(address), milstein_step)


def euler_maruyama_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), euler_step)


def euler_maruyama_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), euler_step)


def milstein_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), milstein_step)


def milstein_events(address):
    """The same of paths that have events."""
    return follow_events(noise_at(address), milstein_step)


ENTRIES = {
    "euler_maruyama": euler_maruyama,
    "milstein": milstein,
    "euler_maruyama_jumps": euler_maruyama_jumps,
    "euler_maruyama_events": euler_maruyama_events,
    "milstein_jumps": milstein_jumps,
    "milstein_events": milstein_events,
}
