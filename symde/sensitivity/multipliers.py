"""Continuous adjoints of M u' = f(u, p, t) of index 1: what the adjoint state jumps by, and what it says.

With multipliers lambda of the equations, M' lambda' = -J' lambda, the sensitivities M s' = J s + f_p give
d(lambda' M s)/dt = lambda' f_p. At a saved time s follows from M s through the equations without derivatives,
with A the rows of M where M has entries and those of -J where it has none,

    A s = (M s, f_p),    so that    w's = mu_1' M s + mu_2' f_p    with    A' mu = w.

So the multipliers of equations with a derivative jump by mu_1, the derivative by the parameters by mu_2' f_p
at once, and the other multipliers follow from the former: they solve the columns of J' lambda = 0 that M has
no entries in. At the start the derivative by M u, which the start keeps, is lambda.

Parameters in M are no more than others once the equations have been solved for derivatives
(`ModelKernels.for_parameters`).

Source: Y. Cao, S. Li, L. Petzold, R. Serban, Adjoint sensitivity analysis for differential-algebraic
equations: the adjoint DAE system and its numerical solution, SIAM J. Sci. Comput. 24 (2003) 1076-1089,
doi:10.1137/S1064827501380630, sections 2.2 and 3 for index 1; their multipliers of the constraints at the end
are what A' mu = w gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.codegen.adjoints import AdjointKernels
from symde.codegen.evaluate import evaluate
from symde.sensitivity.constrained import ConstraintChanges, keep_constraints, refuse_zero_mass
from symde.sensitivity.divided import moved_parameters
from symde.sensitivity.integrate import consistent_start
from symde.sensitivity.run import Run
from symde.sensitivity.start import start_of
from symde.sensitivity.wrt import Wrt

MOST_AT_ONCE = 1 << 22
"""Entries of the matrices that are solved with together."""


def adjoint_products(run: Run, wrt: Wrt) -> AdjointKernels:
    """Products with the derivatives of the right-hand side, of equations whose M reads no parameter that is
    differentiated by.

    Raises:
        ValueError: there are none, with what to do.
    """
    system: Any = run.problem.system
    if not system.kernels.mass:
        return system.adjoint_kernels
    parameters = moved_parameters(run, wrt)
    refuse_zero_mass(system, run.problem.p, parameters)
    return system.kernels.for_parameters(parameters).adjoint


@dataclass(frozen=True, eq=False)
class Multipliers:
    """The equations of a run as its multipliers see them.

    Attributes:
        run, wrt: What is solved, and differentiated by.
        kernels: Those whose M reads no parameter that is differentiated by.
        mass: M, shape (n, n).
        differential: Which rows have entries, shape (n,).
    """

    run: Run
    wrt: Wrt
    kernels: Any
    mass: np.ndarray
    differential: np.ndarray

    def jumps(
        self, t: np.ndarray, u: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the multipliers jump by at saved times, shape (n_times, n), what their derivatives by the
        parameters add up to (m,), and the size that each equation's terms have had (n,).

        Args:
            t, u: Saved times, and states (n_times, n).
            weights: Derivatives of a number by these states, shape (n_times, n).
        """
        n, m = len(self.mass), len(self.run.problem.p)
        rows, by_parameters, sizes = np.zeros_like(weights), np.zeros(m), np.zeros(n)
        used = np.flatnonzero(weights.any(axis=1))
        most = max(1, MOST_AT_ONCE // (n * (n + m)))
        for first in range(0, len(used), most):
            places = used[first : first + most]
            jacobian, parameters = self._derivatives(t[places], u[places])
            matrix = np.where(self.differential[:, None], self.mass, -jacobian)
            found = np.linalg.solve(matrix.transpose(0, 2, 1), weights[places][..., None])[..., 0]
            rows[places] = np.where(self.differential, found, 0.0)
            by_parameters += np.einsum("ki,kij->j", np.where(self.differential, 0.0, found), parameters)
            terms = (np.abs(jacobian) * np.abs(u[places])[:, None, :]).sum(axis=2)
            sizes = np.maximum(sizes, terms.max(axis=0))
        return rows, by_parameters, sizes

    def sizes(self, states: np.ndarray, terms: np.ndarray) -> np.ndarray:
        """What a multiplier's size over that of the loss is the inverse of: of M u in equations with a
        derivative, of the terms over the whole time in others.

        Args:
            states: Sizes of the states, shape (n,).
            terms: As `jumps` gives them.
        """
        t0, t1 = self.run.problem.tspan
        found = np.where(self.differential, np.abs(self.mass) @ states, terms * abs(t1 - t0))
        found[found == 0.0] = 1.0
        return found

    def through_start(self, multipliers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives by the given initial state (n,) and, through what is solved for at the start, by the
        parameters (m,), from the multipliers at the start (n,)."""
        return through_guesses(self.run, np.where(self.differential, multipliers, 0.0) @ self.mass)

    def _derivatives(self, t: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """J (n_times, n, n) and f_p (n_times, n, m)."""
        model, p = self.kernels.model_graph, self.run.problem.p
        tables = model.jacobian, model.parameter_jacobian
        nodes = [node for table in tables for node in table.nodes]
        values = evaluate(self.kernels.graph, nodes, t, {"u": u.T, "p": p})
        found = []
        for table, width in zip(tables, (len(self.mass), len(p)), strict=True):
            matrix = np.zeros((len(t), len(self.mass), width))
            for i in range(len(self.mass)):
                for k in range(table.indptr[i], table.indptr[i + 1]):
                    matrix[:, i, table.indices[k]] = values[table.nodes[k]]
            found.append(matrix)
        return found[0], found[1]


def multipliers_of(run: Run, wrt: Wrt, products: AdjointKernels) -> Multipliers | None:
    """What the multipliers of a run must know; None where its M is the identity.

    Raises:
        ValueError: M has entries in more columns than rows, so that its transpose has rows that depend on
            each other; a start leaves a constraint when something that is differentiated by changes.
    """
    system: Any = run.problem.system
    if system.kernels.invariants:
        _refuse_broken_start(run, wrt)
    if not system.kernels.mass:
        return None
    kernels = products.kernels
    model, n = kernels.model_graph, kernels.n
    values = evaluate(kernels.graph, model.mass, 0.0, {"u": np.zeros(n), "p": run.problem.p})
    mass = np.zeros((n, n))
    for i in range(n):
        for k in range(model.jacobian.indptr[i], model.jacobian.indptr[i + 1]):
            mass[i, model.jacobian.indices[k]] = float(values[model.mass[k]])
    columns, rows = np.asarray(mass.any(axis=0)), np.asarray(mass.any(axis=1))
    if columns.sum() > rows.sum():
        names = ", ".join(system.state_names[j] for j in np.flatnonzero(columns))
        raise ValueError(
            "continuous adjoints know derivatives in equations that determine each of them, and there are "
            f"fewer such equations than derivatives (of {names}): take sensealg='discrete' or 'forward', or "
            "introduce a state for the sum of derivatives"
        )
    return Multipliers(run, wrt, kernels, mass, rows)


def _refuse_broken_start(run: Run, wrt: Wrt) -> None:
    """As forward sensitivities, whose columns would leave a constraint."""
    start, n, parameters = start_of(run.problem), len(run.problem.u0), moved_parameters(run, wrt)
    columns = np.hstack([start.u0[:, parameters], np.eye(n)[:, list(wrt.states)]])
    keep_constraints(run, wrt, parameters, consistent_start(run), columns)


def through_guesses(run: Run, u0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by the given initial state (n,) and the parameters (m,), from those by the state that the
    solve begins with, some values of which may have been solved for: `move_guesses` turned round."""
    system: Any = run.problem.system
    kernels, m = system.kernels, len(run.problem.p)
    guesses = np.array(kernels.guesses, dtype=bool)
    if not guesses.any():
        return u0, np.zeros(m)
    start = consistent_start(run)
    changes = ConstraintChanges(system, run.problem.tspan[0], start, run.problem.p, range(m))
    zero = np.array(kernels.invariants_kinds[0], dtype=bool)
    by_u, by_p = (matrix[zero] for matrix in changes.derivatives)
    matrix = by_u[:, guesses]
    lengths = np.linalg.norm(matrix, axis=1)
    kept = lengths > 0.0
    solved = np.linalg.pinv(matrix[kept] / lengths[kept, None]).T @ u0[guesses] / lengths[kept]
    given = np.where(guesses, 0.0, u0 - np.where(guesses, 0.0, solved @ by_u[kept]))
    return given, -(solved @ by_p[kept])
