"""Systems with a complex shift of states with sensitivity columns, by the states' own factorisation.

As with real shifts (`columns_solver`) the states come first, then every column with what their solution adds
to its right side. What it adds is linear in the solution with real coefficients, so both parts are added by
themselves.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.columns import columns_data_at, coupling
from symde.engine.cpu.compiled.complex_dense import system_at
from symde.engine.cpu.compiled.pointers import call_solve, call_step, compiled, doubles, structure_at
from symde.engine.cpu.compiled.vectors import clear, copy
from symde.engine.cpu.families.radau import ComplexColumns
from symde.engine.cpu.layout import Attempt

complex_columns_at = structure_at(ComplexColumns)


@compiled
def solve_states(system, own, inner, rhs, solution):
    """The states' part; the solver's code."""
    n, part, small = system.n, 8 * system.padded, 8 * inner.padded
    copy(n, rhs, own.rhs)
    copy(n, rhs + part, own.rhs + small)
    code = call_solve(own.solve, own.inner, own.rhs, own.solution)
    copy(n, own.solution, solution)
    copy(n, own.solution + small, solution + part)
    return code


@compiled
def right_sides(system, own, inner, columns, rhs):
    """work = the columns' right sides with what the states' solution adds; the kernel's code."""
    length, first = columns.n * columns.width, 8 * columns.n
    code = 0
    for k in range(2):
        work = own.work + 8 * length * k
        if columns.coupled:
            code |= coupling(columns, own.solution + 8 * inner.padded * k, work)
        else:
            clear(length, work)
        total, b = doubles(work), doubles(rhs + first + 8 * system.padded * k)
        for i in range(length):
            total[i] += b[i]
    return code


@compiled
def solve_columns(system, own, inner, columns, solution):
    """One column after another; the worst code."""
    n, width, small = columns.n, columns.width, inner.padded
    re, im = doubles(own.work), doubles(own.work + 8 * n * width)
    first = solution + 8 * n
    x, y = doubles(first), doubles(first + 8 * system.padded)
    b, found = doubles(own.rhs), doubles(own.solution)
    for c in range(own.count):
        for i in range(n):
            b[i], b[small + i] = re[i * width + c], im[i * width + c]
        code = call_solve(own.solve, own.inner, own.rhs, own.solution)
        if code != Attempt.FINE:
            return code
        for i in range(n):
            x[i * width + c], y[i * width + c] = found[i], found[small + i]
    for i in range(n):
        for c in range(own.count, width):
            x[i * width + c], y[i * width + c] = 0.0, 0.0
    return Attempt.FINE.value


def factor(address):
    """Factorise the states' matrix."""
    system = system_at(address)
    own = complex_columns_at(system.own)
    inner = system_at(own.inner)
    inner.alpha, inner.beta, inner.jacobian = system.alpha, system.beta, system.jacobian
    inner.row_pointers, inner.columns, inner.mass = system.row_pointers, system.columns, system.mass
    return call_step(own.factor, own.inner)


def solve(address, rhs, solution):
    """Solve with the last factorisation."""
    system = system_at(address)
    own = complex_columns_at(system.own)
    inner, columns = system_at(own.inner), columns_data_at(system.context)
    code = solve_states(system, own, inner, rhs, solution)
    if code != Attempt.FINE:
        return code
    if right_sides(system, own, inner, columns, rhs) != 0:
        return Attempt.CALLBACK.value
    code = solve_columns(system, own, inner, columns, solution)
    system.pivotings += inner.pivotings
    inner.pivotings = 0
    return code


ENTRIES = {"factor": factor, "solve": solve}
