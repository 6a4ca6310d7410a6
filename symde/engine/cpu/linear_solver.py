"""What a solver of linear systems is to the engine: when it pays, its memory and its compiled functions.

Implicit methods solve W x = b with W = shift*M - J through four addresses in the state: `factor` readies W,
`substitute` solves unchecked, `solve` solves to the backward error whatever it takes, `accept` judges a
solution. A fifth, `pivot`, factorises again with more care where a solution was refused. A solver is one file
in `symde.engine.cpu.linear_solvers`, one compiled module and one line in the registry there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

CHECKED = {"solve": "checked", "accept": "checked"}
"""Solvers that only factor and substitute leave the judgement to a shared module."""


class Kernels(Protocol):
    """The compiled functions of a model, by address. 0 where the model has none."""

    n: int
    m: int

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]: ...

    @property
    def lu_length(self) -> int: ...

    def address(self, name: str) -> int: ...


def no_error() -> None:
    """Most solvers run no code of the user."""
    return None


@dataclass(frozen=True, slots=True)
class Layout:
    """A solver's memory for one model.

    Attributes:
        data: The solver's structure, a ctypes object.
        kept: What `data` holds addresses of.
        take_error: Gives the exception that code of the user raised during a solve, once; None without.
    """

    data: Any
    kept: tuple[Any, ...]
    take_error: Callable[[], BaseException | None] = no_error


def suits_all(kernels: Kernels) -> str:
    """Nothing speaks against a model."""
    return ""


def no_preconditioner(preconditioner: Any) -> None:
    """Solvers by factorisation have no use for a preconditioner."""
    if preconditioner is not None:
        raise ValueError("preconditioner=... belongs to linear_solver='krylov'")


def needs_matrix(preconditioner: Any) -> bool:
    """Most solvers need the entries of J."""
    return True


@dataclass(frozen=True, slots=True)
class LinearSolver:
    """How systems with W = shift*M - J are solved.

    Attributes:
        name: As users write it.
        entries: Compiled module of each entry (`factor`, `solve`, `substitute`, `accept`, and `pivot` where
            there is one).
        lay_out: Memory for a model, from (kernels, the address of the state, preconditioner or None).
        cost: Microseconds that one factorisation and eight solves are expected to take (fitted to
            benchmarks/linear_solvers.py); the automatic choice takes the least.
        bound: A lower bound of the cost that needs no analysis of the pattern, where the cost does.
        suits: Why a model cannot be solved this way; empty where it can.
        matrix: Whether the entries of J are needed, from the preconditioner.
        whole_steps: Whether the model's whole steps as one kernel solve the same way.
        check: Raises ValueError for a preconditioner that it cannot use.
        choosable: Whether the automatic choice may take it.
        exact: Whether solutions are good to rounding, not to a tolerance only.
    """

    name: str
    entries: Mapping[str, str]
    lay_out: Callable[[Kernels, int, Any], Layout]
    cost: Callable[[Kernels], float]
    bound: Callable[[Kernels], float] | None = None
    suits: Callable[[Kernels], str] = suits_all
    matrix: Callable[[Any], bool] = needs_matrix
    whole_steps: bool = False
    check: Callable[[Any], None] = no_preconditioner
    choosable: bool = True
    exact: bool = True


def addresses(arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """The addresses of arrays by name, as fields of a structure."""
    return {name: array.ctypes.data for name, array in arrays.items()}
