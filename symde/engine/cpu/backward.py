"""Adjoint equations along a forward solution as a system of their own: its memory and its kernels.

    lambda' = -J(u(t), p, t)' lambda,        q' = -P(u(t), p, t)' lambda

lambda is the derivative of a number by the state at t; it jumps at the saved times by the number's derivative
by the saved state. q sums up the derivative by the parameters; it may be left out, and nothing depends on it,
so it stays out of the linear systems. To the engine this is a model like any other.

Source: Y. Cao, S. Li, L. Petzold, R. Serban, Adjoint sensitivity analysis for differential-algebraic
equations, SIAM J. Sci. Comput. 24 (2003), doi:10.1137/S1064827501380630, section 2.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels, LinearSolver, addresses

BackwardData = structure(
    "BackwardData",
    "What the kernels and the loop of adjoint equations work on.",
    n=int64,  # states
    m=int64,  # parameters
    integrals=int64,  # entries of q in the state: m or 0
    trajectory=int64,  # the forward solution, a Trajectory
    # kernels of the model, see symde.codegen.adjoints
    product=int64,  # w'J, and w'P where there are integrals
    by_parameters=int64,  # w'P
    transposed=int64,  # values of the transposed Jacobian
    curvature=int64,
    time=int64,  # 0 where f does not depend on t
    inputs=int64,
    outputs=int64,
    entries=int64,  # of the Jacobian
    scratch=int64,  # n + m doubles
    t_linear=double,  # where rhs_jacobian was called last, and the state there
    linear=int64,
    # the loop
    advance=int64,  # that of every solve
    stop_rows=int64,  # for each stop the row of `jumps` that is added there, -1: none
    stop_pauses=int64,  # for each stop whether the host is wanted
    jumps=int64,  # rows of n
    after_jump=double,  # what the error of the first step after the last jump would have allowed, 0: none yet
    # the integral by quadrature
    quadrature=int64,  # a structure of the strategy that takes it, 0: none
)


class Products(Kernels, Protocol):
    """Products with a model's derivatives; as `Kernels` those of the transposed Jacobian."""

    mass: bool

    @property
    def timed(self) -> bool: ...


class BackwardSystem:
    """The kernels of a model's adjoint equations.

    Args:
        products: The model's products.
        integrals: Whether the integral by the parameters is part of the state.
        implicit: Whether methods that solve linear systems are to be used.
        loop: Compiled module of the loop round that of every solve.

    Attributes:
        n: Number of adjoint states and of integrals.
        m: Number of parameters.
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
    """

    def __init__(self, products: Products, integrals: bool, implicit: bool, loop: str) -> None:
        self.products, self.implicit, self.loop = products, implicit, loop
        self.m = products.m
        self.integrals = self.m if integrals else 0
        self.n = products.n + self.integrals
        self.blocks = ((0, products.n, 1),)
        if self.integrals:
            self.blocks += ((products.n, self.integrals, 1),)

    @property
    def mass(self) -> bool:
        """Whether the adjoint equations are those of M u' = f with another M than the identity."""
        return self.products.mass

    @property
    def curved_rows(self) -> np.ndarray:
        """Their Jacobian follows the forward solution: any row may change."""
        return np.ones(self.products.n, dtype=bool)

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Row pointers and columns of the Jacobian of the adjoint states."""
        return self.products.pattern

    @property
    def lu_length(self) -> int:
        """The generated factorisation of the adjoint states', where they are all."""
        return 0 if self.integrals else self.products.lu_length

    def address(self, name: str) -> int:
        """The address of `rhs`, `rhs_jacobian`, `jacobian_vector` or of the factorisation's kernels."""
        own = name == "mass" or name.startswith("lu_")
        return self.products.address(name) if own else function_address("backward", name)

    def choose_solver(self, name: str) -> LinearSolver:
        """The solver of the whole, by that of the adjoint states of this name.

        Raises:
            ValueError: there is no such solver, or it solves to a tolerance only.
        """
        from symde.engine.cpu.linear_solvers.bordered import bordered_solver

        inner = linear_solvers.choose(self.products, name)
        if not inner.exact:
            raise ValueError(
                f"linear_solver={name!r} works without the entries of the Jacobian, which adjoint equations "
                "do not offer: leave linear_solver to the choice"
            )
        return bordered_solver(self.products, inner) if self.integrals else inner

    def lay_out(self, p: int) -> tuple[Any, tuple[Any, ...]]:
        """Memory for one session, whose parameters lie at address `p`: a `BackwardData` and what it holds
        addresses of. The trajectory and the jumps are set for each run."""
        products = self.products
        n, m = products.n, self.m
        names = ("adjoint_parameters", "transposed", "adjoint_curvature", "adjoint_time")
        wanted = [self.implicit, self.implicit, self.implicit, self.implicit and products.timed]
        kernels = {
            name: products.address(name) if needed else 0 for name, needed in zip(names, wanted, strict=True)
        }
        arrays: dict[str, np.ndarray] = {"linear": np.zeros(n + 8), "scratch": np.zeros(n + m + 8)}
        arrays["inputs"] = np.array([0, p, *[0] * 6], np.int64)
        arrays["outputs"] = np.zeros(2, np.int64)
        data = BackwardData(
            n=n,
            m=m,
            integrals=self.integrals,
            product=products.address("adjoint" if self.integrals else "adjoint_states"),
            by_parameters=kernels["adjoint_parameters"],
            transposed=kernels["transposed"],
            curvature=kernels["adjoint_curvature"],
            time=kernels["adjoint_time"],
            entries=len(products.pattern[1]),
            advance=function_address("loop", "advance"),
            **addresses(arrays),
        )
        return data, (data, *arrays.values())
