"""Products with M in M u' = f, whose entries stand at the places of J's pattern."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import call_solve, compiled, doubles, integers
from symde.engine.cpu.compiled.vectors import clear, copy


@compiled
def mass_times(state, vector, out):
    """out = M * vector, of the states and of every column beside them; out is another vector. What follows
    the columns, integrals of adjoint equations, has rows of the identity."""
    starts, columns, mass = integers(state.row_pointers), integers(state.columns), doubles(state.mass)
    v, o, n, width = doubles(vector), doubles(out), state.mass_rows, state.mass_columns
    for i in range(n):
        total = 0.0
        for k in range(starts[i], starts[i + 1]):
            total += mass[k] * v[columns[k]]
        o[i] = total
        at = n + i * width
        for c in range(width):
            o[at + c] = 0.0
        for k in range(starts[i], starts[i + 1]):
            value, place = mass[k], n + columns[k] * width
            if value != 0.0:
                for c in range(width):
                    o[at + c] += value * v[place + c]
    for i in range(n * (1 + width), state.n):
        o[i] = v[i]


@compiled
def multiply_by_mass(state, vector):
    """vector = M * vector."""
    mass_times(state, vector, state.mass_work)
    copy(state.n, state.mass_work, vector)


@compiled
def is_algebraic(state, row):
    """Whether a row of M has no entry: its equation is a constraint."""
    starts, mass = integers(state.row_pointers), doubles(state.mass)
    for k in range(starts[row], starts[row + 1]):
        if mass[k] != 0.0:
            return False
    return True


@compiled
def find_differential(state, marks):
    """Mark the columns of M that have entries; whether there are as many as rows that have, so that these are
    the differential variables and not only sums of them."""
    starts, columns, mass = integers(state.row_pointers), integers(state.columns), doubles(state.mass)
    m, surplus = doubles(marks), 0
    for i in range(state.mass_rows):
        m[i] = 0.0
    for i in range(state.mass_rows):
        if not is_algebraic(state, i):
            surplus -= 1
        for k in range(starts[i], starts[i + 1]):
            if mass[k] != 0.0 and m[columns[k]] == 0.0:
                m[columns[k]] = 1.0
                surplus += 1
    return surplus == 0


@compiled
def keep_to_constraints(state, address, error):
    """Change an error estimate by what the constraints, linearised, say of it; the solver's code.

    Algebraic variables follow from the others, so their error follows from the errors of these. What an
    embedded solution or an unfinished iteration has beside is no error, and does not shrink with the step:
    with W c = (0, J error) the constraints' J (error + c) is zero, in all other rows W (error + c) = W error.
    Differential variables, where M tells them, keep their own estimate: where an algebraic variable jumps
    within the last stage, c takes away all that shows it.
    """
    starts, columns, jacobian = integers(state.row_pointers), integers(state.columns), doubles(state.jacobian)
    e, rhs = doubles(error), doubles(state.system_rhs)
    clear(state.padded, state.system_rhs)
    for i in range(state.mass_rows):
        if is_algebraic(state, i):
            for k in range(starts[i], starts[i + 1]):
                rhs[i] += jacobian[k] * e[columns[k]]
    code = call_solve(state.substitute, address, state.system_rhs, state.correction)
    c, differential = doubles(state.correction), doubles(state.mass_work)
    told = find_differential(state, state.mass_work)
    for i in range(state.mass_rows):
        if not (told and differential[i] != 0.0):
            e[i] += c[i]
    return code
