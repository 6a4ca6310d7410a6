"""The adjoint of one step of an explicit Runge-Kutta method, exact for the step as it was taken.

With u_new = u + h sum b_i k_i, k_i = f(t_i, y_i), y_i = u + h sum_j a_ij k_j, and w the derivative of a
number by u_new, backwards over the stages:

    wk_i = h b_i w + h sum_{j > i} a_ji wy_j,    wy_i = J(t_i, y_i)' wk_i,    w_old = w + sum wy_i

Values of the interpolant add to the wk_i, and their extra stages are stages like the others.

Source: W. W. Hager, Runge-Kutta methods in optimal control and the transformed adjoint system, Numer. Math.
87 (2000), for the adjoint of a Runge-Kutta step.
"""

from __future__ import annotations

from symde.engine.cpu.adjoints import ExplicitAdjoint
from symde.engine.cpu.compiled.adjoint_tools import add_scaled, adjoint_at, pull_to
from symde.engine.cpu.compiled.explicit import explicit_data_at
from symde.engine.cpu.compiled.pointers import (
    compiled,
    doubles,
    integers,
    slot_at,
    state_at,
    structure_at,
)
from symde.engine.cpu.compiled.vectors import clear, combine, weighted_sum
from symde.engine.cpu.layout import Attempt

transposed_at = structure_at(ExplicitAdjoint)


@compiled
def begin_stages(adjoint, state, method, transposed):
    """What the end of the step and the interpolant give to the slopes of all stages, in `stages`."""
    padded, degree, h = adjoint.padded, method.degree, state.h_old
    b, first = doubles(method.b), adjoint.coefficients + 8 * padded
    if adjoint.interpolated:
        for q in range(degree - 1, -1, -1):
            # power m was made of the polynomials of degree m and more; each takes its own place last
            place = first + 8 * padded * q
            weighted_sum(padded, 1.0, transposed.powers + 8 * degree * q, q + 1, first, place)
    for i in range(method.all_stages):
        own = adjoint.stages + 8 * padded * i
        if adjoint.interpolated:
            weighted_sum(padded, h, transposed.interpolant + 8 * degree * i, degree, first, own)
        else:
            clear(padded, own)
        if b[i] != 0.0:
            add_scaled(padded, h * b[i], adjoint.weights, own)
    if adjoint.interpolated:
        add_scaled(padded, 1.0, adjoint.coefficients, adjoint.weights)


def adjoint(address):
    """Pull the weights back over the step that was just done again."""
    pulled = adjoint_at(address)
    state = state_at(pulled.state)
    method = explicit_data_at(slot_at(state, state.active).data)
    transposed = transposed_at(integers(pulled.contexts)[state.active])
    padded, size, width, h = pulled.padded, 8 * pulled.padded, method.all_stages, state.h_old
    c, given = doubles(method.c), pulled.scratch
    begin_stages(pulled, state, method, transposed)
    count = method.stages - 1 if method.fsal else method.stages
    if pulled.interpolated:
        count = width
    for i in range(count - 1, -1, -1):
        own, later = pulled.stages + size * i, given + size * (i + 1)
        row = 8 * width * i
        combine(padded, own, h, transposed.a + row + 8 * (i + 1), count - 1 - i, later, own)
        combine(padded, state.u_new, h, method.a + row, i, state.stages, state.stage)
        if pull_to(pulled, pulled.product, state.t_old + c[i] * h, state.stage, own, given + size * i) != 0:
            return Attempt.CALLBACK.value
        # what a stage gives goes to the start and to the stages it is made of
        add_scaled(padded, 1.0, given + size * i, pulled.weights)
    return Attempt.FINE.value


ENTRIES = {"adjoint": adjoint}
