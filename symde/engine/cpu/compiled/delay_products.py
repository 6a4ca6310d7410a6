"""Products with the derivatives of a right-hand side that reads the past: delayed values are looked up first,
and what the product gives to them goes to the interpolants or the history that they were read of."""

from __future__ import annotations

from symde.engine.cpu.compiled.adjoint_tools import adjoint_at
from symde.engine.cpu.compiled.delays import (
    call_kernel,
    compiled,
    delay_data_at,
    derivative_in_row,
    doubles,
    fill_delayed,
    find_row,
    history_is_finite,
    integers,
    state_at,
)
from symde.engine.cpu.compiled.pointers import structure_at
from symde.engine.cpu.compiled.vectors import copy
from symde.engine.cpu.delay_adjoint import PULLED, DelayAdjoint
from symde.engine.cpu.delays import WINDOW
from symde.engine.cpu.past import DELAYED

pulled_at = structure_at(DelayAdjoint)


@compiled
def time_read(data, k, t):
    """The time at which delayed values of time k were looked up last."""
    if data.all_constant:
        return t - doubles(data.lags)[k]
    return min(doubles(data.s)[k], t)


@compiled
def row_read(data, state, k, s):
    """The row that holds time k at s; 0 where there is none yet."""
    window = doubles(data.windows + 8 * WINDOW * k)
    if window[0] <= s and s < window[1]:
        return integers(data.rows)[k]
    return find_row(data, state, k, s)


@compiled
def second_in_history(own, data, k, s):
    """Second derivatives of the pairs of time k before t0."""
    if s > data.t0 and not history_is_finite(data):
        s = data.t0
    call_kernel(own.history_curvatures, s, data.history_inputs, own.found_outputs)
    first, place = integers(data.pair_first), integers(data.place)
    found, out = doubles(own.found), doubles(own.delayed + 16 * own.pairs)
    for q in range(first[k], first[k + 1]):
        out[place[q]] = found[place[q]]


@compiled
def second_in_rows(own, data, state, k, s):
    """Second derivatives of the pairs of time k since t0."""
    row, n = row_read(data, state, k, s), data.n
    degree = (state.dense_width - 2) // n - 1
    first, place = integers(data.pair_first), integers(data.place)
    states, orders, out = (
        integers(data.pair_state),
        integers(data.order),
        doubles(own.delayed + 16 * own.pairs),
    )
    for q in range(first[k], first[k + 1]):
        if row == 0:
            out[place[q]] = 0.0
        else:
            inverse = 1.0 / doubles(row)[1]
            out[place[q]] = derivative_in_row(row, inverse, n, degree, states[q], orders[q] + 2, s)


@compiled
def fill_second(own, data, state, t):
    """Second derivatives of all pairs."""
    for k in range(data.times):
        s = time_read(data, k, t)
        if integers(data.passed)[k] == 0:
            second_in_history(own, data, k, s)
        else:
            second_in_rows(own, data, state, k, s)


@compiled
def give_to_history(own, adjoint, data, k, s):
    """What the pairs of time k give to the parameters and to the initial state, through the history."""
    weights = doubles(own.history_weights)
    for i in range(data.history_length):
        weights[i] = 0.0
    first, place = integers(data.pair_first), integers(data.place)
    value, slope = integers(data.value), integers(data.slope)
    by_values, by_slopes = doubles(own.by_values), doubles(own.by_slopes)
    given = 0.0
    for q in range(first[k], first[k + 1]):
        j = place[q]
        weights[value[q]] += by_values[j]
        weights[slope[q]] += by_slopes[j]
        given += abs(by_values[j]) + abs(by_slopes[j])
    if given == 0.0:
        return
    if s > data.t0 and not history_is_finite(data):
        s = data.t0
    call_kernel(own.histories, s, own.history_inputs, own.history_outputs)
    by_initial, initial = doubles(own.by_initial), doubles(own.initial)
    for i in range(data.n):
        initial[i] += adjoint.scale * by_initial[i]
    by_history, gradient = doubles(own.by_history), doubles(adjoint.gradient)
    for i in range(adjoint.m):
        gradient[i] += adjoint.scale * by_history[i]


@compiled
def give_to_coefficients(row, weights, n, degree, i, order, s, weight):
    """What the `order`-th derivative of component i in a row at s gives to the row's coefficients."""
    r, w = doubles(row), doubles(weights)
    inverse = 1.0 / r[1]
    theta, power = (s - r[0]) * inverse, weight
    for m in range(order, degree + 1):
        factor = power
        for d in range(order):
            factor *= (m - d) * inverse
        w[2 + m * n + i] += factor
        power *= theta


@compiled
def give_to_rows(own, adjoint, data, state, k, s):
    """What the pairs of time k give to the interpolant that they were read of."""
    row, n = row_read(data, state, k, s), data.n
    first, place = integers(data.pair_first), integers(data.place)
    states, orders = integers(data.pair_state), integers(data.order)
    by_values, by_slopes = doubles(own.by_values), doubles(own.by_slopes)
    initial, scale = doubles(own.initial), adjoint.scale
    if row == 0:
        for q in range(first[k], first[k + 1]):
            if orders[q] == 0:
                initial[states[q]] += scale * by_values[place[q]]
        return
    width = 8 * state.dense_width
    index = (row - own.rows) // width
    target, degree = own.weights + width * index, (state.dense_width - 2) // n - 1
    integers(own.touched)[index] = 1
    for q in range(first[k], first[k + 1]):
        value, slope = scale * by_values[place[q]], scale * by_slopes[place[q]]
        if value != 0.0:
            give_to_coefficients(row, target, n, degree, states[q], orders[q], s, value)
        if slope != 0.0:
            give_to_coefficients(row, target, n, degree, states[q], orders[q] + 1, s, slope)


@compiled
def give_to_past(own, data, t):
    """What a product has given to delayed values goes to where they were read."""
    adjoint, state = adjoint_at(own.adjoint), state_at(data.state)
    for k in range(data.times):
        s = time_read(data, k, t)
        if integers(data.passed)[k] == 0:
            give_to_history(own, adjoint, data, k, s)
        else:
            give_to_rows(own, adjoint, data, state, k, s)


@compiled
def call_product(own, kernel, t, inputs, outputs):
    """A product whose delayed values are known; its code."""
    given, table = integers(outputs), integers(own.outputs)
    table[0], table[1] = given[0], given[1]
    code = call_kernel(kernel, t, inputs, own.outputs)
    give_to_past(own, delay_data_at(own.data), t)
    return code


@compiled
def product_of_second(kernel, t, inputs, outputs):
    """A product with second derivatives."""
    own = pulled_at(integers(inputs)[PULLED])
    data = delay_data_at(own.data)
    fill_delayed(data, t, inputs, 1)
    fill_second(own, data, state_at(data.state), t)
    copy(2 * own.pairs, data.delayed, own.delayed)
    table = integers(inputs)
    table[DELAYED] = own.delayed
    code = call_product(own, kernel, t, inputs, outputs)
    table[DELAYED] = data.delayed
    return code


def adjoint_product(t, inputs, outputs):
    """Kernel: w'J and w'P."""
    own = pulled_at(integers(inputs)[PULLED])
    fill_delayed(delay_data_at(own.data), t, inputs, own.slopes)
    return call_product(own, own.product, t, inputs, outputs)


def adjoint_curvature(t, inputs, outputs):
    """Kernel: derivatives of w'Jk."""
    return product_of_second(pulled_at(integers(inputs)[PULLED]).curvature, t, inputs, outputs)


def adjoint_time(t, inputs, outputs):
    """Kernel: derivatives of w'f_t."""
    return product_of_second(pulled_at(integers(inputs)[PULLED]).time, t, inputs, outputs)


def transposed(t, inputs, outputs):
    """Kernel: values of the transposed Jacobian."""
    own = pulled_at(integers(inputs)[PULLED])
    fill_delayed(delay_data_at(own.data), t, inputs, own.slopes_of_jacobian)
    return call_kernel(own.transposed, t, inputs, outputs)


ENTRIES = {
    "adjoint_product": adjoint_product,
    "adjoint_curvature": adjoint_curvature,
    "adjoint_time": adjoint_time,
    "transposed": transposed,
}
