"""Krylov's method in memory: products with J in place of J itself, and a preconditioner.

A preconditioner is a name, "jacobi" or "ilu0", or a function of the user, make(t, u, shift) -> apply, where
apply(r) gives about (shift*I - J)^-1 r as an array of shape (n,); `make` is called whenever J or the shift
has changed, both from within the solve.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels, Layout, LinearSolver, addresses
from symde.engine.cpu.linear_solvers.structure import structure_of

KrylovData = structure(
    "KrylovData",
    "Restarted GMRES, preconditioned from the right, in the norm of the error test.",
    directions=int64,  # before a restart
    restarts=int64,
    tolerance=double,  # of the residual over the shift, in the norm of the error test
    product=int64,  # kernel J*v
    prepare=int64,  # int32 (State *): readies the preconditioner, 0 for none
    apply=int64,  # int32 (State *, r, z)
    memory=int64,  # the preconditioner's doubles
    diagonal=int64,  # place of each diagonal entry in J, -1 where it has none
    places=int64,  # n integers, the preconditioner's scratch
    basis=int64,  # (directions + 1) x n
    hessenberg=int64,  # by columns, directions + 1 each
    cosines=int64,
    sines=int64,
    coordinates=int64,  # directions + 1
    weights=int64,  # n
    vector=int64,  # n
    image=int64,  # n
)

DIRECTIONS, RESTARTS = 30, 20
"""Basis vectors kept, and times it is begun anew before a step is given up."""

TOLERANCE = 1e-3
"""Residual over the shift, which is about the error of the solution, in units of the step's tolerance."""

BUILT_IN = ("jacobi", "ilu0")

_prepare_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64)
_apply_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def check(preconditioner: Any) -> None:
    """Refuse what is no preconditioner."""
    if preconditioner is None or callable(preconditioner):
        return
    if not isinstance(preconditioner, str) or preconditioner not in BUILT_IN:
        raise ValueError(
            f"preconditioner={preconditioner!r}: it must be {', '.join(map(repr, BUILT_IN))}, or a function"
            " make(t, u, shift) that returns a function apply(r)"
        )


class UserPreconditioner:
    """A user's functions, called from the compiled loop; their exceptions end the solve."""

    def __init__(self, make: Callable[..., Any], n: int) -> None:
        self.make, self.n = make, n
        self.error: BaseException | None = None
        self._solve: Callable[..., Any] | None = None
        self.prepare = _prepare_type(self._prepare)
        self.apply = _apply_type(self._apply)

    def _vector(self, address: int) -> np.ndarray:
        buffer: Any = (ctypes.c_double * self.n).from_address(address)
        return np.frombuffer(buffer)

    def _prepare(self, address: int) -> int:
        state = layout.State.from_address(address)
        try:
            self._solve = self.make(state.t, self._vector(state.u).copy(), state.shift)
            if not callable(self._solve):
                raise TypeError(
                    f"preconditioner(t, u, shift) must return a function apply(r), found {self._solve!r}"
                )
        except BaseException as error:  # carried through the compiled loop and raised by the solve
            self.error = error
            return layout.Attempt.CALLBACK
        return layout.Attempt.FINE

    def _apply(self, address: int, rhs: int, solution: int) -> int:
        try:
            assert self._solve is not None
            r = self._vector(rhs)
            self._vector(solution)[:] = _applied(self._solve(r.copy()), r)
        except BaseException as error:  # as above
            self.error = error
            return layout.Attempt.CALLBACK
        return layout.Attempt.FINE

    def take_error(self) -> BaseException | None:
        """The exception that was raised, once."""
        error, self.error = self.error, None
        return error


def _applied(found: Any, r: np.ndarray) -> np.ndarray:
    """What a user's apply(r) returned, where it can be a solution of a regular system."""
    what = "the preconditioner's apply(r) returned"
    if np.iscomplexobj(found):
        raise TypeError(f"{what} complex values, expected {len(r)} real numbers")
    try:
        value = np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{what} {found!r}, expected {len(r)} numbers") from None
    if value.shape != r.shape:
        raise ValueError(f"{what} shape {value.shape}, expected {r.shape} as r")
    if np.isfinite(r).all() and not np.isfinite(value).all():
        raise ValueError(f"{what} values that are not finite for a finite r")
    if r.any() and not value.any():
        raise ValueError(f"{what} zeros for an r that is not zero: as a matrix it would be singular")
    return value


def lay_out(kernels: Kernels, state: int, preconditioner: Any) -> Layout:
    """The basis and the preconditioner."""
    n, m = kernels.n, min(DIRECTIONS, kernels.n)
    arrays = {
        "basis": np.zeros((m + 1) * n),
        "hessenberg": np.zeros((m + 1) * m),
        **{name: np.zeros(m + 1) for name in ("cosines", "sines", "coordinates")},
        **{name: np.zeros(n) for name in ("weights", "vector", "image")},
    }
    entries: dict[str, int] = {}
    user = None
    if isinstance(preconditioner, str):
        arrays |= _matrix_places(kernels)
        entries = {name: function_address(preconditioner, name) for name in ("prepare", "apply")}
    elif preconditioner is not None:
        user = UserPreconditioner(preconditioner, n)
        callbacks = {"prepare": user.prepare, "apply": user.apply}
        entries = {name: ctypes.cast(one, ctypes.c_void_p).value or 0 for name, one in callbacks.items()}
    data = KrylovData(
        directions=m,
        restarts=RESTARTS,
        tolerance=TOLERANCE,
        product=kernels.address("jacobian_vector"),
        **entries,
        **addresses(arrays),
    )
    kept = (user, *arrays.values())
    return Layout(data, kept) if user is None else Layout(data, kept, user.take_error)


def _matrix_places(kernels: Kernels) -> dict[str, np.ndarray]:
    """Where the diagonal stands in J, and memory for a preconditioner with W's pattern."""
    known = structure_of(kernels)
    diagonal = np.full(kernels.n, -1, np.int64)
    own = np.flatnonzero(known.rows == known.columns)
    diagonal[known.rows[own]] = own
    return {
        "diagonal": diagonal,
        "memory": np.zeros(known.entries + kernels.n),
        "places": np.full(kernels.n, -1, np.int64),
    }


def suits(kernels: Kernels) -> str:
    """Only W = shift*I - J: without a derivative a row leaves GMRES nothing to begin with."""
    if getattr(kernels, "mass", False):
        return (
            "it solves systems u' = f only, and this model has a mass matrix: take 'sparse', or leave "
            "linear_solver to the choice"
        )
    return ""


def cost(kernels: Kernels) -> float:
    """How many products are needed is not known before: taken only when asked for."""
    return 1e-2 * kernels.n


SOLVER = LinearSolver(
    "krylov",
    {"factor": "krylov", "solve": "krylov", "substitute": "krylov", "accept": "krylov"},
    lay_out,
    cost,
    suits=suits,
    matrix=lambda preconditioner: isinstance(preconditioner, str),
    check=check,
    choosable=False,
    exact=False,
)
