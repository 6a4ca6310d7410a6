"""Back over the steps of `noise_milstein`."""

from __future__ import annotations

from symde.engine.cpu.compiled.levy_area import find_areas
from symde.engine.cpu.compiled.noise_back import back_at, go_back, spread
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_milstein import double_integral, euler_step, milstein_step
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def weigh_first_order(back, state):
    """The weights of drift and diffusion in f h + g dW."""
    weight, of_drift, of_diffusion = doubles(back.weight), doubles(back.of_drift), doubles(back.of_diffusion)
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    for i in range(state.n):
        of_drift[i] = state.h * weight[i]
    for e in range(state.entries):
        of_diffusion[e] = dw[columns[e]] * weight[rows[e]]


@compiled
def euler_back(back, state, t):
    """Of u + f h + g dW."""
    weigh_first_order(back, state)
    spread(back, state, back.both, t, state.u, back.weight)


@compiled
def weigh_products(back, state):
    """The weights of the products in L_i g_j I_(i,j), where the Levy areas are known."""
    weight, of_products, rows = doubles(back.weight), doubles(back.of_products), integers(state.product_rows)
    first, second = integers(state.product_first), integers(state.product_second)
    for e in range(state.products):
        of_products[e] = double_integral(state, first[e], second[e]) * weight[rows[e]]


@compiled
def milstein_back(back, state, t):
    """Of the same and L_i g_j I_(i,j)."""
    if state.terms != 0:
        find_areas(state)
    weigh_first_order(back, state)
    weigh_products(back, state)
    spread(back, state, back.milstein, t, state.u, back.weight)


def euler_maruyama(address):
    """`int32 euler_maruyama(NoiseBack *)`"""
    return go_back(back_at(address), euler_step, euler_back)


def euler_maruyama_jumps(address):
    """`int32 euler_maruyama_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), euler_step, euler_back)


def milstein(address):
    """`int32 milstein(NoiseBack *)`"""
    return go_back(back_at(address), milstein_step, milstein_back)


def milstein_jumps(address):
    """`int32 milstein_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), milstein_step, milstein_back)


ENTRIES = {
    "euler_maruyama": euler_maruyama,
    "euler_maruyama_jumps": euler_maruyama_jumps,
    "milstein": milstein,
    "milstein_jumps": milstein_jumps,
}
