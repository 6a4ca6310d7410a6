"""The right-hand side of states with sensitivity columns beside them, and what implicit methods need of it.

The state vector is u (n values), then S by rows: the columns of one state lie side by side, so that every
product with a sparse matrix runs along them. With J and P = df/dp as sparse values,

    u' = f,    S' = J S + [P, 0]

P has the first columns; those of initial values have no term of their own.
"""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT, DIRECTION, ColumnsData, SparsePattern
from symde.engine.cpu.compiled.pointers import call_kernel, compiled, doubles, integers, structure_at
from symde.engine.cpu.compiled.vectors import clear, copy

columns_data_at = structure_at(ColumnsData)
pattern_at = structure_at(SparsePattern)


@compiled
def multiply(rows, pattern, values, matrix, width, out):
    """out = A X: A sparse by compressed rows, X and out with `width` columns side by side.

    Four columns at a time stay in one register.
    """
    places = pattern_at(pattern)
    first, column = integers(places.row_pointers), integers(places.columns)
    a, x, o = doubles(values), doubles(matrix), doubles(out)
    fours = width - width % 4
    for i in range(rows):
        at = i * width
        for c in range(0, fours, 4):
            s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
            for k in range(first[i], first[i + 1]):
                value, place = a[k], column[k] * width + c
                s0 += value * x[place]
                s1 += value * x[place + 1]
                s2 += value * x[place + 2]
                s3 += value * x[place + 3]
            o[at + c], o[at + c + 1], o[at + c + 2], o[at + c + 3] = s0, s1, s2, s3
        for c in range(fours, width):
            total = 0.0
            for k in range(first[i], first[i + 1]):
                total += a[k] * x[column[k] * width + c]
            o[at + c] = total


@compiled
def add_entries(rows, pattern, values, width, out):
    """out += A, as wide as out has columns."""
    places = pattern_at(pattern)
    first, column = integers(places.row_pointers), integers(places.columns)
    a, o = doubles(values), doubles(out)
    for i in range(rows):
        for k in range(first[i], first[i + 1]):
            o[i * width + column[k]] += a[k]


@compiled
def columns_slopes(data, jacobian, matrix, out):
    """out = J S + [P, 0] for the values of the last evaluation."""
    if data.product != 0:
        inputs = integers(data.product_inputs)
        inputs[0], inputs[2] = jacobian, matrix
        integers(data.product_outputs)[0] = out
        call_kernel(data.product, 0.0, data.product_inputs, data.product_outputs)
    else:
        multiply(data.n, data.jacobian, jacobian, matrix, data.width, out)
        add_entries(data.n, data.partials, data.partials_values, data.width, out)


@compiled
def columns_change(data, jacobian, partials, matrix, out):
    """out = J' S + [P', 0] for the values of two derivatives, by their patterns."""
    multiply(data.n, jacobian, data.jacobian_change, matrix, data.width, out)
    add_entries(data.n, partials, data.partials_change, data.width, out)


@compiled
def evaluate_values(data, kernel, t, inputs, f, jacobian):
    """f, J and P at (t, u); further outputs of the kernel where the table has them."""
    outputs = integers(data.outputs)
    outputs[0], outputs[1] = f, jacobian
    return call_kernel(kernel, t, inputs, data.outputs)


def rhs(t, inputs, outputs):
    """Kernel: the slopes of u and S."""
    data = columns_data_at(integers(inputs)[CONTEXT])
    y, out = integers(inputs)[0], integers(outputs)[0]
    code = evaluate_values(data, data.values, t, inputs, out, data.jacobian_values)
    columns_slopes(data, data.jacobian_values, y + 8 * data.n, out + 8 * data.n)
    return code


def rhs_jacobian(t, inputs, outputs):
    """Kernel: the slopes, the values of J, and the partial derivative of the slopes by t. The point is kept:
    linear systems need the derivative of the slopes of S by u there."""
    data = columns_data_at(integers(inputs)[CONTEXT])
    y, out, jacobian, gradient = (
        integers(inputs)[0],
        integers(outputs)[0],
        integers(outputs)[1],
        integers(outputs)[2],
    )
    integers(data.outputs)[3] = gradient
    code = evaluate_values(data, data.by_time, t, inputs, out, jacobian)
    columns_slopes(data, jacobian, y + 8 * data.n, out + 8 * data.n)
    if data.timed:
        columns_change(
            data, data.jacobian_by_time, data.partials_by_time, y + 8 * data.n, gradient + 8 * data.n
        )
    data.t_linear = t
    copy(data.n * (1 + data.width), y, data.linear)
    return code


def jacobian_vector(t, inputs, outputs):
    """Kernel: J times the direction, for the eigenvalues: those of the whole are J's."""
    data = columns_data_at(integers(inputs)[CONTEXT])
    code = call_kernel(data.jacobian_vector, t, inputs, outputs)
    clear(data.n * data.width, integers(outputs)[0] + 8 * data.n)
    return code


@compiled
def change_along(data, direction):
    """The derivatives of J and P at the kept point along a direction of the states; the kernel's code."""
    integers(data.inputs)[DIRECTION] = direction
    return call_kernel(data.along, data.t_linear, data.inputs, data.change_outputs)


@compiled
def coupling(data, direction, out):
    """out = the derivative of J S + [P, 0] by u at the kept point along a direction of the states."""
    code = change_along(data, direction)
    columns_change(data, data.jacobian_along, data.partials_along, data.linear + 8 * data.n, out)
    return code


ENTRIES = {"rhs": rhs, "rhs_jacobian": rhs_jacobian, "jacobian_vector": jacobian_vector}
