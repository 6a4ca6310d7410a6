"""Linear systems of states with columns: one factorisation of W = shift*M - J serves the states and every
column.

The matrix of the whole is block triangular: below the states' W stands, for each column, minus the derivative
of its slope by u, and on the diagonal W again. So the states are solved first, then every column with what
their solution adds to its right side.
"""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.columns import change_along, columns_data_at, coupling
from symde.engine.cpu.compiled.inner_solver import count_work, factor_inner, ready_inner
from symde.engine.cpu.compiled.pointers import (
    call_kernel,
    call_solve,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.linear_solvers.columns import ColumnsSolverData

solver_data_at = structure_at(ColumnsSolverData)


@compiled
def columns_of_state(state):
    """The columns of a solve."""
    return columns_data_at(integers(state.inputs)[CONTEXT])


@compiled
def right_sides(data, columns, rhs, solution):
    """work = the columns' right sides with what the states' solution adds; the kernel's code."""
    length, first = columns.n * columns.width, 8 * columns.n
    code = 0
    if columns.coupled:
        code = coupling(columns, solution, data.work)
        work, b = doubles(data.work), doubles(rhs + first)
        for i in range(length):
            work[i] = b[i] + work[i]
    else:
        work, b = doubles(data.work), doubles(rhs + first)
        for i in range(length):
            work[i] = b[i]
    return code


@compiled
def solve_columns(data, columns, solver, solution):
    """Every column of work by the inner solver; the worst code."""
    n, width = columns.n, columns.width
    work, x = doubles(data.work), doubles(solution + 8 * n)
    b, y = doubles(data.column_rhs), doubles(data.column)
    for c in range(data.count):
        for i in range(n):
            b[i] = work[i * width + c]
        code = call_solve(solver, data.inner, data.column_rhs, data.column)
        if code != Attempt.FINE:
            return code
        for i in range(n):
            x[i * width + c] = y[i]
    return Attempt.FINE.value


@compiled
def solve_block(data, columns, rhs, solution):
    """Every column at once by the generated kernel, which leaves the right sides in work; the code of the
    model's kernel."""
    first = 8 * columns.n
    if columns.coupled and change_along(columns, solution) != 0:
        return Attempt.CALLBACK.value
    inputs = integers(data.block_inputs)
    inputs[0], inputs[1] = columns.jacobian_change, columns.partials_change
    inputs[2], inputs[3] = columns.linear + first, rhs + first
    integers(data.block_outputs)[0] = solution + first
    call_kernel(data.block, 0.0, data.block_inputs, data.block_outputs)
    return Attempt.FINE.value


@compiled
def accept_mixture(data, columns, inner, solution):
    """Whether a mixture of all columns solves the same mixture of the right sides in work."""
    n, width = columns.n, columns.width
    work, x, weights = doubles(data.work), doubles(solution + 8 * n), doubles(data.weights)
    b, y = doubles(data.column_rhs), doubles(data.column)
    for i in range(n):
        first, second = 0.0, 0.0
        for c in range(data.count):
            first += weights[c] * work[i * width + c]
            second += weights[c] * x[i * width + c]
        b[i], y[i] = first, second
    return call_solve(inner.accept, data.inner, data.column_rhs, data.column)


@compiled
def solve_each(state, data, inner, solver, rhs, solution):
    """The states, then the columns: at once where the states' factors are the generated ones, one after
    another where they had to be pivoted or every solution is to be judged by itself."""
    columns = columns_of_state(state)
    code = call_solve(solver, data.inner, rhs, solution)
    if code != Attempt.FINE:
        return code
    if data.block != 0 and not inner.pivoted and not state.careful:
        code = solve_block(data, columns, rhs, solution)
        if code != Attempt.FINE or solver == inner.substitute:
            return code
        if accept_mixture(data, columns, inner, solution) == Attempt.FINE:
            return Attempt.FINE.value
    if right_sides(data, columns, rhs, solution) != 0:
        return Attempt.CALLBACK.value
    return solve_columns(data, columns, solver, solution)


@compiled
def solve_all(state, data, inner, solver, rhs, solution):
    """The states, then the columns."""
    code = solve_each(state, data, inner, solver, rhs, solution)
    count_work(state, inner)
    return code


def factor(address):
    """Factorise the states' W."""
    state = state_at(address)
    return factor_inner(state, solver_data_at(state.linear))


def substitute(address, rhs, solution):
    """Solve with the last factorisation, unchecked."""
    state = state_at(address)
    data = solver_data_at(state.linear)
    inner = ready_inner(state, data)
    return solve_all(state, data, inner, inner.substitute, rhs, solution)


def solve(address, rhs, solution):
    """Solve with the last factorisation, accurate to the backward error or by pivoting."""
    state = state_at(address)
    data = solver_data_at(state.linear)
    inner = ready_inner(state, data)
    return solve_all(state, data, inner, inner.solve, rhs, solution)


def accept(address, rhs, solution):
    """Whether a solution is accurate to the backward error: the states', and a mixture of all columns."""
    state = state_at(address)
    data = solver_data_at(state.linear)
    columns = columns_of_state(state)
    inner = ready_inner(state, data)
    code = call_solve(inner.accept, data.inner, rhs, solution)
    if code != Attempt.FINE:
        return code
    if right_sides(data, columns, rhs, solution) != 0:
        return Attempt.CALLBACK.value
    return accept_mixture(data, columns, inner, solution)


ENTRIES = {"factor": factor, "solve": solve, "substitute": substitute, "accept": accept}
