"""The adjoint of one step of an explicit Runge-Kutta method, exact for the step as it was taken.

With u_new = u + h sum b_i k_i, k_i = f(t_i, y_i), y_i = u + h sum_j a_ij k_j, and w the derivative of a
number by u_new, backwards over the stages:

    wk_i = h b_i w + h sum_{j > i} a_ji wy_j,    wy_i = J(t_i, y_i)' wk_i,    w_old = w + sum wy_i

Values of the interpolant add to the wk_i, and their extra stages are stages like the others.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numer. Math.
87 (2000), for the adjoint of a Runge-Kutta step.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_tools import add_scaled, adjoint_at, pull
from symde.engine.cpu.compiled.explicit import explicit_data_at
from symde.engine.cpu.compiled.pointers import compiled, doubles, slot_at, state_at
from symde.engine.cpu.compiled.vectors import clear, combine
from symde.engine.cpu.layout import Attempt


@compiled
def pull_interpolant(adjoint, state, method):
    """From the interpolant's coefficients to the stages and the start."""
    padded, width, degree = adjoint.padded, method.all_stages, method.degree
    add_scaled(padded, 1.0, adjoint.coefficients, adjoint.weights)
    first, powers = adjoint.coefficients + 8 * padded, doubles(method.powers)
    interpolant = doubles(method.interpolant)
    for q in range(degree - 1, -1, -1):
        # power m was made of the polynomials of degree m and more
        place = first + 8 * padded * q
        own = powers[degree * q + q]
        target = doubles(place)
        for i in range(padded):
            target[i] *= own
        for m in range(q):
            add_scaled(padded, powers[degree * m + q], first + 8 * padded * m, place)
    for q in range(degree):
        for i in range(width):
            weight = state.h_old * interpolant[width * q + i]
            add_scaled(padded, weight, first + 8 * padded * q, adjoint.stages + 8 * padded * i)


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    method = explicit_data_at(slot_at(state, state.active).data)
    padded, width, h = pulled.padded, method.all_stages, state.h_old
    a, b, c = doubles(method.a), doubles(method.b), doubles(method.c)
    stages = method.stages
    clear(padded * width, pulled.stages)
    for i in range(stages):
        add_scaled(padded, h * b[i], pulled.weights, pulled.stages + 8 * padded * i)
    count = stages - 1 if method.fsal else stages
    if pulled.interpolated:
        pull_interpolant(pulled, state, method)
        count = width
    for i in range(count - 1, -1, -1):
        own = pulled.stages + 8 * padded * i
        combine(padded, state.u_new, h, method.a + 8 * width * i, i, state.stages, state.stage)
        # what a stage pulls back goes to the start and to the stages it is made of
        clear(padded, pulled.factor)
        if pull(pulled, pulled.product, state.t_old + c[i] * h, state.stage, own, 1.0, pulled.factor) != 0:
            return Attempt.CALLBACK.value
        add_scaled(padded, 1.0, pulled.factor, pulled.weights)
        for j in range(i):
            add_scaled(padded, h * a[width * i + j], pulled.factor, pulled.stages + 8 * padded * j)
    return Attempt.FINE.value


ENTRIES = {"adjoint": adjoint}
