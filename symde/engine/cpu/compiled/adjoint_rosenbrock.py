"""The adjoint of one step of a Rosenbrock method, exact for the step as it was taken.

A stage solves W U_i = f(t_i, y_i) + M sum_j (c_ij/h) U_j + h d_i f_t with W = M/(h gamma) - J(t, u). With
wU_i the derivative of a number by U_i, backwards over the stages:

    v_i = W^-T wU_i,    wy_i = J(t_i, y_i)' v_i,    wU_j += a_ij wy_i + (c_ij/h) M' v_i
    w_old = w + sum_i ( wy_i + d/du [v_i' J(t, u) U_i + h d_i v_i' f_t(t, u)] )

The terms with the derivative of J are what makes it exact; without them the order is lost.

Source: A. Sandu, D. N. Daescu, G. R. Carmichael, Direct and adjoint sensitivity analysis of chemical kinetic
systems with KPP: I, Atmospheric Environment 37 (2003), section 3.3.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_tools import (
    add_scaled,
    adjoint_at,
    factorise_transposed,
    mass_transposed,
    pull,
)
from symde.engine.cpu.compiled.pointers import (
    call_solve,
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
)
from symde.engine.cpu.compiled.rosenbrock import rosenbrock_data_at
from symde.engine.cpu.compiled.vectors import clear, combine
from symde.engine.cpu.layout import Attempt


@compiled
def pull_second_derivatives(adjoint, state, method, i):
    """What the derivative of J and of f_t adds for stage i, whose v is in `solution`; the kernels' code."""
    integers(adjoint.inputs)[6] = state.stages + 8 * adjoint.padded * i
    v = adjoint.solution
    code = pull(adjoint, adjoint.curvature, state.t_old, state.u_new, v, 1.0, adjoint.weights)
    weight = state.h_old * doubles(method.d)[i]
    if adjoint.time != 0 and weight != 0.0:
        code += pull(adjoint, adjoint.time, state.t_old, state.u_new, v, weight, adjoint.weights)
    return code


@compiled
def pull_argument(adjoint, state, method, i):
    """What the slope of stage i pulls back to the start and to earlier stages; the kernel's code."""
    padded, width, h = adjoint.padded, method.stages, state.h_old
    row = 8 * width * i
    a, c = doubles(method.a + row), doubles(method.c + row)
    t = state.t_old + doubles(method.alpha)[i] * h
    combine(padded, state.u_new, 1.0, method.a + row, i, state.stages, state.stage)
    clear(padded, adjoint.factor)
    code = pull(adjoint, adjoint.product, t, state.stage, adjoint.solution, 1.0, adjoint.factor)
    add_scaled(padded, 1.0, adjoint.factor, adjoint.weights)
    product = mass_transposed(adjoint, adjoint.solution)
    for j in range(i):
        earlier = adjoint.stages + 8 * padded * j
        add_scaled(padded, a[j], adjoint.factor, earlier)
        add_scaled(padded, c[j] / h, product, earlier)
    return code


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    method = rosenbrock_data_at(slot_at(state, state.active).data)
    padded, stages = pulled.padded, method.stages
    shift = 1.0 / (state.h_old * method.gamma)
    code = factorise_transposed(pulled, state, state.t_old, state.u_new, shift)
    if code != Attempt.FINE:
        return code
    m, interpolant = doubles(method.m), doubles(method.interpolant)
    clear(padded * stages, pulled.stages)
    for i in range(stages):
        own = pulled.stages + 8 * padded * i
        add_scaled(padded, m[i], pulled.weights, own)
        if pulled.interpolated:
            for q in range(method.degree):
                source = pulled.coefficients + 8 * padded * (q + 1)
                add_scaled(padded, interpolant[stages * q + i], source, own)
    if pulled.interpolated:
        add_scaled(padded, 1.0, pulled.coefficients, pulled.weights)
    for i in range(stages - 1, -1, -1):
        own = pulled.stages + 8 * padded * i
        code = call_solve(state_at(pulled.system).solve, pulled.system, own, pulled.solution)
        if code != Attempt.FINE:
            return code
        if pull_argument(pulled, state, method, i) + pull_second_derivatives(pulled, state, method, i) != 0:
            return Attempt.CALLBACK.value
    return Attempt.FINE.value


ENTRIES = {"adjoint": adjoint}
