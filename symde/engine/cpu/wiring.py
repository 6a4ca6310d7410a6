"""What a session gives to its methods: a solver of linear systems, memory, whole steps as kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symde.engine.cpu import linear_solvers
from symde.engine.cpu.linear_solver import Kernels, LinearSolver
from symde.engine.cpu.slots import PackedMethod


def solver_for(kernels: Kernels, methods: Sequence[PackedMethod], name: str) -> LinearSolver | None:
    """The solver of linear systems by name; None where no method solves any.

    Raises:
        ValueError: it cannot solve those of this model, or not as exactly as a method needs it, or there is
            nothing for it to do.
    """
    if not any([method.implicit for method in methods]):
        if name == linear_solvers.AUTO:
            return None
        raise ValueError(
            f"{' and '.join(method.method.name for method in methods)} solves no linear systems, so that "
            f"linear_solver='{name}' has nothing to do: leave it out, or take a method that does, such as "
            "'Rodas5P' or 'QNDF'"
        )
    solver = linear_solvers.choose(kernels, name)
    for method in methods:
        if method.family.to_rounding and not solver.exact:
            raise ValueError(
                f"{method.method.name} solves its stages to rounding, and linear_solver='{solver.name}' only "
                "to a tolerance: leave linear_solver to the choice"
            )
    return solver


def give_memory(
    slots: Any, methods: Sequence[PackedMethod], kernels: Kernels, addresses: Mapping[str, int]
) -> list[Any]:
    """Fill in where each method keeps what it keeps between steps, and what it must know of the model.

    Returns:
        What keeps that alive.
    """
    alive = []
    for index, (slot, packed) in enumerate(zip(slots, methods, strict=True)):
        slot.memory = addresses.get(f"memory{index}", 0)
        slot.context, kept = packed.family.context(kernels, packed.method)
        alive.append(kept)
    return alive


def give_step_kernels(
    slots: Any, methods: Sequence[PackedMethod], kernels: Kernels, solver: LinearSolver | None, padded: int
) -> None:
    """Fill in whole steps as kernels, where the model offers them and they pay."""
    step_address = getattr(kernels, "step_address", None)
    interpolant_address = getattr(kernels, "interpolant_address", None)
    for slot, packed in zip(slots, methods, strict=True):
        whole = solver is None or solver.whole_steps or not packed.implicit
        if step_address is not None and whole:
            slot.step = step_address(packed.method, padded)
        if interpolant_address is not None and packed.interpolant is not None:
            slot.interpolant = interpolant_address(packed.method, packed.interpolant, padded)
