"""What differentiation must know of M u' = f and of constraints, and what it refuses of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from symde.codegen.derivatives import SparseJacobian, jacobian
from symde.codegen.evaluate import evaluate
from symde.sensitivity.run import Run
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt

SOLVED = 1e-3
"""Part of its terms by which columns that were solved for may miss a constraint's derivative."""

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


def _errors(
    by_u: SparseJacobian,
    values: Mapping[int, Any],
    u: np.ndarray,
    p: np.ndarray,
    by: list[int],
    shape: tuple[int, int],
) -> np.ndarray:
    """What errors of columns that were solved for may make of the constraints' derivatives, where the columns
    themselves say nothing of their size: that of u over that of what they are by."""
    errors = np.zeros((len(by_u.indptr) - 1, shape[1]))
    scales = np.ones(shape[1])
    scales[: len(by)] = [abs(p[j]) or 1.0 for j in by]
    for a in range(len(errors)):
        places = range(by_u.indptr[a], by_u.indptr[a + 1])
        errors[a] = sum(abs(float(values[by_u.nodes[k]]) * u[by_u.indices[k]]) for k in places)
    return 1e-3 * SOLVED * errors / scales


def refuse_broken_constraints(
    system: Any,
    t: float,
    u: np.ndarray,
    p: np.ndarray,
    columns: np.ndarray,
    names: list[str],
    by: list[int],
    event: str | None = None,
) -> None:
    """Refuse derivatives along which the start, or what an event leaves, leaves a constraint: there is nothing
    to be solved from there.

    Args:
        system: The model's own.
        t, u, p: The start, or the state after an event.
        columns: Derivatives of u, shape (n, number of columns).
        names: What each column is by.
        by: The parameter that each of the first columns is by.
        event: The event's name, None for the start.

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
    bound = 1e-8 * size if event is None else SOLVED * size + _errors(by_u, values, u, p, by, columns.shape)
    broken = (np.abs(moved) > bound) & np.array(zero, dtype=bool)[:, None]
    if broken.any():
        a, c = (int(index[0]) for index in np.nonzero(broken))
        if event is not None:
            raise ValueError(
                f"what event `{event}` sets at t = {t:g} leaves the constraint `"
                f"{system.constraints.words(a).text}` when {names[c]} changes, so that there is no derivative by "
                "it: let the event set values that fulfil the constraint for all parameters"
            )
        raise ValueError(
            f"the start leaves the constraint `{system.constraints.words(a).text}` when {names[c]} changes "
            "alone, so that there is no derivative by it: give initial values as expressions of parameters "
            "that keep the constraint, and differentiate by these parameters"
        )
