"""The solver of adjoint states with integrals beside them: that of the adjoint states alone.

It has no line in the registry: adjoint equations choose it (`BackwardSystem.choose_solver`).
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.layout import int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Layout, LinearSolver, addresses

BorderedData = structure(
    "BorderedData",
    "A solver with a state of its own, whose systems are the first of a larger one.",
    inner=int64,  # a State of the adjoint states alone
)


def bordered_solver(products: Any, inner: LinearSolver) -> LinearSolver:
    """The solver of adjoint states and integrals, by that of the adjoint states."""

    def lay_out(kernels: Any, state: int, preconditioner: Any) -> Layout:
        return _lay_out(products, inner, state)

    return LinearSolver(
        inner.name,
        dict.fromkeys(("factor", "solve", "substitute", "accept"), "bordered_solver"),
        lay_out,
        lambda kernels: inner.cost(products),
    )


def _lay_out(products: Any, inner: LinearSolver, address: int) -> Layout:
    outer = layout.State.from_address(address)
    state = layout.State()
    padded = -(-products.n // layout.LANES) * layout.LANES
    arrays = {name: np.zeros(padded) for name in ("residual", "refinement")}
    for name, place in addresses(arrays).items():
        setattr(state, name, place)
    state.n, state.padded, state.entries = products.n, padded, outer.entries
    state.mass, state.mass_rows = outer.mass, outer.mass_rows
    state.jacobian, state.row_pointers, state.columns = outer.jacobian, outer.row_pointers, outer.columns
    inner_layout = inner.lay_out(products, ctypes.addressof(state), None)
    state.linear = ctypes.addressof(inner_layout.data)
    for entry, module in inner.entries.items():
        setattr(state, entry, function_address(module, entry))
    data = BorderedData(inner=ctypes.addressof(state))
    return Layout(data, (state, inner_layout, *arrays.values()))
