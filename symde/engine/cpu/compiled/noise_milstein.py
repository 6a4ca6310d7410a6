"""The methods of Euler and Maruyama, and of Milstein.

Sources: P. E. Kloeden, E. Platen, Numerical Solution of Stochastic Differential Equations (1992): equations
(10.2.4), and (10.3.16) for commutative noise, where the double integrals are products of increments.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.noise_jumps import follow_jumps
from symde.engine.cpu.compiled.noise_loop import advance, both_at, milstein_at, noise_at
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
def euler_step(state, t):
    """u + f h + g dW."""
    both_at(state, t, state.u)
    add_first_order(state)


@compiled
def milstein_step(state, t):
    """The same and 1/2 L_i g_j (dW_i dW_j - h if i = j)."""
    milstein_at(state, t, state.u)
    add_first_order(state)
    u, values, rows = doubles(state.u), doubles(state.product_values), integers(state.product_rows)
    first, second = integers(state.product_first), integers(state.product_second)
    dw = doubles(state.increments)
    for e in range(state.products):
        moved = dw[first[e]] * dw[second[e]]
        if first[e] == second[e]:
            moved -= state.h
        u[rows[e]] += 0.5 * values[e] * moved


def euler_maruyama(address):
    """`int32 euler_maruyama(NoiseState *)`"""
    return advance(noise_at(address), euler_step)


def milstein(address):
    """`int32 milstein(NoiseState *)`"""
    return advance(noise_at(address), milstein_step)


def euler_maruyama_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), euler_step)


def milstein_jumps(address):
    """The same of paths that jump."""
    return follow_jumps(noise_at(address), milstein_step)


ENTRIES = {
    "euler_maruyama": euler_maruyama,
    "milstein": milstein,
    "euler_maruyama_jumps": euler_maruyama_jumps,
    "milstein_jumps": milstein_jumps,
}
