"""Linear systems of adjoint equations with integrals: the integrals follow from the adjoint states.

    [ s I + J'       ] [x]   [b]
    [ P'        s I  ] [y] = [c]        so        y = (c - P' x) / s

with one product of x and P for all parameters.
"""

from __future__ import annotations

from symde.engine.cpu.columns import CONTEXT
from symde.engine.cpu.compiled.backward import backward_at, multiply
from symde.engine.cpu.compiled.inner_solver import count_work, factor_inner, ready_inner
from symde.engine.cpu.compiled.pointers import (
    call_solve,
    compiled,
    doubles,
    integers,
    state_at,
    structure_at,
)
from symde.engine.cpu.layout import Attempt
from symde.engine.cpu.linear_solvers.bordered import BorderedData

solver_data_at = structure_at(BorderedData)


@compiled
def solve_integrals(state, rhs, solution):
    """The integrals' part of the solution from that of the adjoint states; the kernel's code."""
    data = backward_at(integers(state.inputs)[CONTEXT])
    integers(data.inputs)[0] = data.linear
    code = multiply(data, data.by_parameters, data.t_linear, solution, data.scratch, 0)
    product, c, y = doubles(data.scratch), doubles(rhs + 8 * data.n), doubles(solution + 8 * data.n)
    scale = 1.0 / state.shift
    for j in range(data.integrals):
        y[j] = scale * (c[j] - product[j])
    return code


@compiled
def solve_all(state, inner, solver, data, rhs, solution):
    """The adjoint states, then the integrals."""
    code = call_solve(solver, data.inner, rhs, solution)
    count_work(state, inner)
    if code == Attempt.FINE and solve_integrals(state, rhs, solution) != 0:
        return Attempt.CALLBACK.value
    return code


def factor(address):
    """Factorise the adjoint states' W."""
    state = state_at(address)
    return factor_inner(state, solver_data_at(state.linear))


def substitute(address, rhs, solution):
    """Solve with the last factorisation, unchecked."""
    state = state_at(address)
    data = solver_data_at(state.linear)
    inner = ready_inner(state, data)
    return solve_all(state, inner, inner.substitute, data, rhs, solution)


def solve(address, rhs, solution):
    """Solve with the last factorisation, accurate to the backward error or by pivoting."""
    state = state_at(address)
    data = solver_data_at(state.linear)
    inner = ready_inner(state, data)
    return solve_all(state, inner, inner.solve, data, rhs, solution)


def accept(address, rhs, solution):
    """Whether the adjoint states' solution is accurate to the backward error; the integrals follow."""
    state = state_at(address)
    data = solver_data_at(state.linear)
    inner = ready_inner(state, data)
    return call_solve(inner.accept, data.inner, rhs, solution)


ENTRIES = {"factor": factor, "solve": solve, "substitute": substitute, "accept": accept}
