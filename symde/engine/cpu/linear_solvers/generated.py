"""The model's own straight-line factorisation in memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.linear_solver import Kernels, Layout, LinearSolver, addresses
from symde.engine.cpu.linear_solvers.dense import dense_data

GeneratedData = structure(
    "GeneratedData",
    "Kernels of a factorisation in static order, and their tables.",
    factor=int64,
    solve=int64,
    substitute=int64,
    accept=int64,
    factor_inputs=int64,
    factor_outputs=int64,
    solve_inputs=int64,
    solve_outputs=int64,
    accept_inputs=int64,
    dense=int64,  # the factorisation with pivoting that takes over where the static one fails
)


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """The kernels' tables; J, M and the shift are where the state has them."""
    solve = layout.State.from_address(state)
    jacobian, mass = solve.jacobian, solve.mass
    shift = state + layout.State.shift.offset
    lu = np.zeros(kernels.lu_length)
    tables = {
        "factor_inputs": [jacobian, shift, mass],
        "factor_outputs": [lu.ctypes.data],
        "solve_inputs": [jacobian, shift, lu.ctypes.data, 0, mass],
        "solve_outputs": [0],
        "accept_inputs": [jacobian, shift, 0, 0, mass],
    }
    arrays = {name: np.array(values, np.int64) for name, values in tables.items()}
    dense, kept = dense_data(kernels.n)
    functions = {name: kernels.address(f"lu_{name}") for name in ("factor", "solve", "substitute", "accept")}
    data = GeneratedData(**functions, **addresses(arrays), dense=ctypes.addressof(dense))
    return Layout(data, (lu, *arrays.values(), dense, *kept))


def suits(kernels: Kernels) -> str:
    """Only where it is short enough to be generated."""
    if kernels.lu_length:
        return ""
    return (
        "this model has no generated factorisation (it would be too long, or f is a function that is called)"
    )


def cost(kernels: Kernels) -> float:
    """By the length of the straight-line code: networks of 3, 10, 20, 60 species take 0.06, 0.36, 1.2 and 9,
    the sparse solver 0.3, 1.3, 3.4 and 16."""
    length = kernels.lu_length
    return 6e-3 * length + 3.5e-6 * length**2


SOLVER = LinearSolver(
    "generated",
    dict.fromkeys(("factor", "solve", "substitute", "accept"), "generated"),
    lay_out,
    cost,
    suits=suits,
    whole_steps=True,
)
