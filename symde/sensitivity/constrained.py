"""What differentiation must know of M u' = f and of constraints, and what it refuses of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from symde.codegen.derivatives import jacobian
from symde.codegen.evaluate import evaluate
from symde.sensitivity.run import Run
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


def refuse_projected_steps(system: Any) -> None:
    """Refuse what adjoint steps do not know of a constrained model.

    Raises:
        ValueError: its steps are projected, with what to do.
    """
    if any(system.kernels.invariants_kinds[1]):
        raise ValueError(
            "sensealg='discrete' knows no projections onto invariants: take forward sensitivities "
            "(sensealg='forward', symde.sensitivities) or an adjoint of the equations, "
            "sensealg='interpolating' or 'gauss'"
        )


def refuse_zero_mass(system: Any, p: np.ndarray, parameters: Sequence[int]) -> None:
    """Refuse derivatives by parameters in M where they make the equations those of another kind: a row of M
    has entries for values nearby, and none for these.

    Raises:
        ValueError: there is one.
    """
    model = system.kernels.model_graph
    for j in model.mass_reads(parameters):
        values = evaluate(model.lowered.graph, model.mass, 0.0, {"u": np.zeros(system.kernels.n), "p": p})
        starts = model.jacobian.indptr
        for i, row in enumerate(model.lowered.mass):
            places = range(starts[i], starts[i + 1])
            if row and not any(float(values[model.mass[k]]) for k in places):
                raise ValueError(
                    f"no derivative by `{system.parameter_names[j]}` is known here: it is in the mass "
                    f"matrix, and for these parameters `{system.equation(i).text}` has no derivative "
                    "left, so that values nearby give equations of another kind"
                )


@dataclass(frozen=True)
class ConstraintChanges:
    """Changes of the invariants with some columns at the start.

    Args:
        system: The model's own.
        t, u, p: The start.
        by: The parameter that each of the first columns is by.
    """

    system: Any
    t: float
    u: np.ndarray
    p: np.ndarray
    by: Sequence[int]

    @cached_property
    def derivatives(self) -> tuple[np.ndarray, np.ndarray]:
        """By the states, shape (number of invariants, n), and by the parameters that are asked for."""
        model = self.system.kernels.model_graph
        lowered = model.lowered
        by_u = model.invariants_jacobian
        by_p = jacobian(lowered.graph, lowered.invariants, [lowered.parameters[j] for j in self.by])
        inputs = {"u": self.u, "p": self.p}
        values = evaluate(lowered.graph, [*by_u.nodes, *by_p.nodes], self.t, inputs)
        found = []
        for entries, width in ((by_u, len(self.u)), (by_p, len(self.by))):
            matrix = np.zeros((len(lowered.invariants), width))
            for a in range(len(matrix)):
                for k in range(entries.indptr[a], entries.indptr[a + 1]):
                    matrix[a, entries.indices[k]] = float(values[entries.nodes[k]])
            found.append(matrix)
        return found[0], found[1]

    def of(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The changes, shape (number of invariants, number of columns), and the sizes of what they sum up.

        Args:
            columns: Derivatives of u, shape (n, number of columns).
        """
        by_u, by_p = self.derivatives
        moved, size = by_u @ columns, np.abs(by_u) @ np.abs(columns)
        moved[:, : len(self.by)] += by_p
        size[:, : len(self.by)] += np.abs(by_p)
        guesses = np.array(self.system.kernels.guesses, dtype=bool)
        if guesses.any():  # solved for together, so that small ones have the rounding of large ones
            size += 1e-6 * np.outer(
                np.abs(by_u[:, guesses]).sum(axis=1), np.abs(columns[guesses]).max(axis=0)
            )
        return moved, size

    def errors(self, count: int) -> np.ndarray:
        """What errors of columns that were solved for may make of it, where the columns themselves say
        nothing of their size, shape (number of invariants, count): by the sizes of u and of what they are
        by."""
        scales = np.ones(count)
        scales[: len(self.by)] = [abs(self.p[j]) or 1.0 for j in self.by]
        return 1e-3 * np.outer(np.abs(self.derivatives[0]) @ np.abs(self.u), 1.0 / scales)


def move_guesses(changes: ConstraintChanges, columns: np.ndarray) -> None:
    """Solve for the derivatives of initial values that constraints determine, as their values are: they
    change so that the constraints which are kept at zero stay there, as far as they can.

    Args:
        changes: At the start that is solved for.
        columns: Derivatives of u, shape (n, number of columns), to be changed.
    """
    kernels = changes.system.kernels
    zero, guesses = np.array(kernels.invariants_kinds[0], dtype=bool), np.array(kernels.guesses, dtype=bool)
    columns[guesses] = 0.0
    moved, _ = changes.of(columns)
    matrix = changes.derivatives[0][np.ix_(zero, guesses)]
    lengths = np.linalg.norm(matrix, axis=1)
    kept = lengths > 0.0
    scaled = matrix[kept] / lengths[kept, None]
    columns[guesses] = np.linalg.lstsq(scaled, -moved[zero][kept] / lengths[kept, None], rcond=None)[0]


def refuse_broken_constraints(
    changes: ConstraintChanges, columns: np.ndarray, names: list[str], event: str | None = None
) -> None:
    """Refuse derivatives along which the start, or the state after an event, leaves a constraint: there is
    nothing to be solved from there.

    Args:
        changes: At the start, or after the event.
        columns: Derivatives of u, shape (n, number of columns).
        names: What each column is by.
        event: The event's name, None for the start.

    Raises:
        ValueError: there is one, with what to do.
    """
    system = changes.system
    zero = system.kernels.invariants_kinds[0]
    moved, size = changes.of(columns)
    bound = 1e-8 * (size + 1e-300) if event is None else SOLVED * (size + changes.errors(columns.shape[1]))
    broken = (np.abs(moved) > bound) & np.array(zero, dtype=bool)[:, None]
    if broken.any():
        a, c = (int(index[0]) for index in np.nonzero(broken))
        if event is not None:
            raise ValueError(
                f"what event `{event}` sets at t = {changes.t:g} leaves the constraint `"
                f"{system.constraints.words(a).text}` when {names[c]} changes, so that there is no "
                "derivative by it: let the event set values that fulfil the constraint for all parameters"
            )
        raise ValueError(
            f"the start leaves the constraint `{system.constraints.words(a).text}` when {names[c]} changes "
            "alone, so that there is no derivative by it: give initial values as expressions of parameters "
            "that keep the constraint, and differentiate by these parameters, or leave values out that the "
            "constraint then determines"
        )


def keep_constraints(
    run: Run, wrt: Wrt, parameters: Sequence[int], u: np.ndarray, columns: np.ndarray
) -> None:
    """The columns at the start along its constraints: those of initial values that constraints determine are
    changed, and what still leaves a constraint is refused.

    Args:
        parameters: Those that have a column.
        u: The start as it is solved for, shape (n,).
        columns: Derivatives of u, shape (n, number of columns), parameters first.

    Raises:
        ValueError: there is no derivative by something.
    """
    system: Any = run.problem.system
    changes = ConstraintChanges(system, run.problem.tspan[0], u, run.problem.p, parameters)
    if any(system.kernels.guesses):
        move_guesses(changes, columns)
    names = [system.parameter_names[j] for j in parameters]
    names += [f"{system.state_names[i]}(0)" for i in wrt.states]
    refuse_broken_constraints(changes, columns, names)
