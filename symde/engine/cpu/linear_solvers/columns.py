"""The solver of states with sensitivity columns: the model's own solver, used for all of them.

It has no line in the registry: a system with columns chooses it (`ColumnsSystem.choose_solver`).
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu import layout, linear_solvers
from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Layout, LinearSolver, addresses

ColumnsSolverData = structure(
    "ColumnsSolverData",
    "The model's solver with a state of its own, and its work on the columns.",
    inner=int64,  # a State of the model alone
    count=int64,  # columns in use
    block=int64,  # kernel that solves all columns with the model's generated factors; 0: one after another
    block_inputs=int64,  # its tables
    block_outputs=int64,
    work=int64,  # right sides of all columns
    column_rhs=int64,
    column=int64,
    weights=int64,  # of the mixture of columns that is tested
)


def columns_solver(system: Any, name: str) -> LinearSolver:
    """The solver of a `ColumnsSystem`, by the model's solver of this name.

    Raises:
        ValueError: the model has no such solver, or it solves to a tolerance only.
    """
    inner = linear_solvers.choose(system.model, name)
    if not inner.exact:
        raise ValueError(
            f"linear_solver={name!r} solves to a tolerance only, and sensitivities need one factorisation "
            "that serves every column: leave linear_solver to the choice"
        )

    def lay_out(kernels: Any, state: int, preconditioner: Any) -> Layout:
        return _lay_out(kernels, inner, state)

    return LinearSolver(
        inner.name,
        dict.fromkeys(("factor", "solve", "substitute", "accept"), "columns_solver"),
        lay_out,
        lambda kernels: inner.cost(system.model),
    )


def _lay_out(system: Any, inner: LinearSolver, address: int) -> Layout:
    outer, model = layout.State.from_address(address), system.model
    state = layout.State()
    padded = -(-model.n // layout.LANES) * layout.LANES
    names = ("residual", "refinement", "column_rhs", "column")
    arrays: dict[str, np.ndarray] = {name: np.zeros(padded) for name in names}
    arrays["work"] = np.zeros(system.n)
    # irregular, so that errors of different columns do not cancel
    arrays["weights"] = np.cos(1.0 + 2.399963 * np.arange(system.width)) + 1.5
    state.n, state.padded = model.n, padded
    state.jacobian, state.row_pointers, state.columns = outer.jacobian, outer.row_pointers, outer.columns
    state.mass, state.mass_rows = outer.mass, outer.mass_rows
    state.residual, state.refinement = arrays["residual"].ctypes.data, arrays["refinement"].ctypes.data
    inner_layout = inner.lay_out(model, ctypes.addressof(state), None)
    state.linear = ctypes.addressof(inner_layout.data)
    for entry, module in inner.entries.items():
        setattr(state, entry, function_address(module, entry))
    block = 0
    if inner.name == "generated":
        block = system.partials.solve_address(model.lu_plan, system.width)
        lu = inner_layout.kept[0].ctypes.data
        arrays["block_inputs"] = np.array([0, 0, 0, 0, lu], np.int64)
        arrays["block_outputs"] = np.array([0, arrays["work"].ctypes.data], np.int64)
    own = ("work", "column_rhs", "column", "weights", "block_inputs", "block_outputs")
    data = ColumnsSolverData(
        inner=ctypes.addressof(state),
        count=system.count,
        block=block,
        **addresses({name: arrays[name] for name in own if name in arrays}),
    )
    return Layout(data, (state, inner_layout, *arrays.values()))
