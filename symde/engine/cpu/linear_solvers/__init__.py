"""Solvers of linear systems by name; a solver's file is read when it is first asked for."""

from __future__ import annotations

import importlib
import math

from symde.engine.cpu.linear_solver import Kernels, LinearSolver, no_preconditioner

NAMES = (
    "generated",
    "dense",
    "lapack",
    "banded",
    "sparse",
    "klu",
    "krylov",
)
"""One line a solver; its file is its name."""

AUTO = "auto"


def get(name: str) -> LinearSolver:
    """The solver of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        raise ValueError(f"unknown linear_solver {name!r}: there are {', '.join((AUTO, *NAMES))}")
    return importlib.import_module(f"symde.engine.cpu.linear_solvers.{name}").SOLVER


def check(name: object, preconditioner: object) -> None:
    """Refuse names of no solver, and preconditioners that a solver cannot use.

    Raises:
        ValueError: what was expected and found.
    """
    if name == AUTO:
        no_preconditioner(preconditioner)
    elif isinstance(name, str):
        get(name).check(preconditioner)
    else:
        raise TypeError(f"linear_solver must be a name such as 'sparse', found {name!r}")


def choose(kernels: Kernels, name: str = AUTO) -> LinearSolver:
    """The solver asked for, or the one that is expected to be fastest for the pattern of the Jacobian.

    Raises:
        ValueError: there is none of that name, or it cannot solve this model's systems, with the reason.
    """
    own = getattr(kernels, "choose_solver", None)
    if own is not None:
        return own(name)
    if name != AUTO:
        solver = get(name)
        reason = solver.suits(kernels)
        if reason:
            raise ValueError(f"linear_solver={name!r}: {reason}")
        return solver
    solvers = [get(one) for one in NAMES]
    able = [solver for solver in solvers if solver.choosable and not solver.suits(kernels)]
    best, least = able[0], math.inf
    # an analysis imports SciPy, which takes longer than most solves: only where it may win
    for solver in sorted(able, key=lambda one: _bound(one, kernels)):
        if _bound(solver, kernels) < least:
            cost = solver.cost(kernels)
            if cost < least:
                best, least = solver, cost
    return best


def _bound(solver: LinearSolver, kernels: Kernels) -> float:
    return (solver.bound or solver.cost)(kernels)
