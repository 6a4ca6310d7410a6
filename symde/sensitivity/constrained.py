"""What differentiation must know of M u' = f and of constraints, and what it refuses of them."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from symde.codegen.derivatives import jacobian
from symde.codegen.evaluate import evaluate
from symde.sensitivity.run import Run
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt

REMEDY = "take forward sensitivities (sensealg='forward', symde.sensitivities)"


def refuse_constrained(system: Any, what: str, remedy: str = REMEDY) -> NoReturn:
    """Refuse a model that is `constrained`: one with a mass matrix, algebraic equations among them, or one
    whose steps are projected.

    Raises:
        ValueError: always.
    """
    if system.kernels.mass:
        raise ValueError(f"{what} of models with equations without a derivative or a mass matrix: {remedy}")
    raise ValueError(f"{what} of models whose steps are projected onto invariants: {remedy}")


def refuse_constrained_adjoint(run: Run, wrt: Wrt) -> None:
    """Refuse what adjoint steps do not know of a constrained model.

    Raises:
        ValueError: there is something, with what to do.
    """
    kernels: Any = run.problem.system.kernels
    if not kernels.mass or any(kernels.invariants_kinds[1]):
        raise ValueError(f"sensealg='discrete' knows no projections onto invariants: {REMEDY}")
    read = kernels.model_graph.mass_reads(range(len(run.problem.p)))
    start = start_of(run.problem)
    moved = np.flatnonzero(start.parameters[:, list(wrt.parameters)].any(axis=1))
    for j in read:
        if j in moved:
            raise ValueError(
                f"sensealg='discrete' knows no derivative by `{run.problem.system.parameter_names[j]}`, "
                f"which the mass matrix depends on: {REMEDY}"
            )


def refuse_broken_constraints(
    system: Any, t: float, u: np.ndarray, p: np.ndarray, columns: np.ndarray, names: list[str], by: list[int]
) -> None:
    """Refuse derivatives along which the start leaves a constraint: no such start is there to be solved.

    Args:
        system: The model's own.
        t, u, p: The start.
        columns: Derivatives of u, shape (n, number of columns).
        names: What each column is by.
        by: The parameter that each of the first columns is by.

    Raises:
        ValueError: there is one, with what to do.
    """
    zero = system.kernels.invariants_kinds[0]
    model = system.kernels.model_graph
    kept = model.lowered.invariants
    by_p = jacobian(model.lowered.graph, kept, [model.lowered.parameters[j] for j in by])
    by_u = model.invariants_jacobian
    values = evaluate(model.lowered.graph, [*by_u.nodes, *by_p.nodes], t, {"u": u, "p": p})
    moved, size = np.zeros((len(kept), columns.shape[1])), np.full((len(kept), columns.shape[1]), 1e-300)
    for a in range(len(kept)):
        for k in range(by_u.indptr[a], by_u.indptr[a + 1]):
            term = float(values[by_u.nodes[k]]) * columns[by_u.indices[k]]
            moved[a] += term
            size[a] += np.abs(term)
        for k in range(by_p.indptr[a], by_p.indptr[a + 1]):
            value = float(values[by_p.nodes[k]])
            moved[a, by_p.indices[k]] += value
            size[a, by_p.indices[k]] += abs(value)
    broken = (np.abs(moved) > 1e-8 * size) & np.array(zero, dtype=bool)[:, None]
    if broken.any():
        a, c = (int(index[0]) for index in np.nonzero(broken))
        raise ValueError(
            f"the start leaves the constraint `{system.constraints.words(a).text}` when {names[c]} changes "
            "alone, so that there is no derivative by it: give initial values as expressions of parameters "
            "that keep the constraint, and differentiate by these parameters"
        )
