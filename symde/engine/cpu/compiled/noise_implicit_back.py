"""Back over the steps of `noise_implicit`."""

from __future__ import annotations

from symde.engine.cpu.compiled.levy_area import find_areas
from symde.engine.cpu.compiled.noise_back import back_at, go_back, put, spread
from symde.engine.cpu.compiled.noise_implicit import implicit_euler_step, implicit_milstein_step
from symde.engine.cpu.compiled.noise_jumps_back import go_back_over_jumps
from symde.engine.cpu.compiled.noise_milstein_back import weigh_products
from symde.engine.cpu.compiled.noise_newton_back import weigh_implicit
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers


@compiled
def drift_back(back, state, t):
    """Of u_new = base + h f(t + h, u_new): from the weight of the new state to that of the base."""
    end, of_drift = t + state.h, doubles(back.of_drift)
    put(back.weight, back.of_drift, state.n)
    weigh_implicit(back, state, end, back.after, back.of_drift, 1.0)
    for i in range(state.n):
        of_drift[i] *= state.h
    spread(back, state, back.drift, end, back.after, back.weight)


@compiled
def weigh_increments(back, state):
    """The weights of the diffusion in g dW; the drift at the start is not read."""
    weight, of_drift, of_diffusion = doubles(back.weight), doubles(back.of_drift), doubles(back.of_diffusion)
    rows, columns, dw = integers(state.rows), integers(state.columns), doubles(state.increments)
    for i in range(state.n):
        of_drift[i] = 0.0
    for e in range(state.entries):
        of_diffusion[e] = dw[columns[e]] * weight[rows[e]]


@compiled
def implicit_euler_back(back, state, t):
    """Of u + g dW + h f(u_new)."""
    drift_back(back, state, t)
    weigh_increments(back, state)
    spread(back, state, back.both, t, state.u, back.weight)


@compiled
def implicit_milstein_back(back, state, t):
    """Of the same and L_i g_j I_(i,j)."""
    drift_back(back, state, t)
    weigh_increments(back, state)
    if state.terms != 0:
        find_areas(state)
    weigh_products(back, state)
    spread(back, state, back.milstein, t, state.u, back.weight)


def implicit_euler_maruyama(address):
    """`int32 implicit_euler_maruyama(NoiseBack *)`"""
    return go_back(back_at(address), implicit_euler_step, implicit_euler_back)


def implicit_euler_maruyama_jumps(address):
    """`int32 implicit_euler_maruyama_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), implicit_euler_step, implicit_euler_back)


def implicit_milstein(address):
    """`int32 implicit_milstein(NoiseBack *)`"""
    return go_back(back_at(address), implicit_milstein_step, implicit_milstein_back)


def implicit_milstein_jumps(address):
    """`int32 implicit_milstein_jumps(NoiseBack *)`"""
    return go_back_over_jumps(back_at(address), implicit_milstein_step, implicit_milstein_back)


ENTRIES = {
    "implicit_euler_maruyama": implicit_euler_maruyama,
    "implicit_euler_maruyama_jumps": implicit_euler_maruyama_jumps,
    "implicit_milstein": implicit_milstein,
    "implicit_milstein_jumps": implicit_milstein_jumps,
}
