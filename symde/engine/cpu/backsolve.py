"""States, adjoint states and the integral by the parameters as one system that is solved backward together.

    u' = f(u, p, t),    lambda' = -J(u, p, t)' lambda,    q' = -P(u, p, t)' lambda

Nothing of the forward solution is kept but a few states, with which the solve is compared. The system is for
explicit methods: backward, what decays grows, and an implicit method would damp it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure
from symde.engine.cpu.library import function_address
from symde.engine.cpu.linear_solver import Kernels, addresses

BacksolveData = structure(
    "BacksolveData",
    "What the kernels and the loop of a reverse solve work on.",
    n=int64,  # states
    integrals=int64,  # entries of q: the number of parameters or 0
    rhs=int64,  # kernels of the model
    product=int64,  # w'J, and w'P where there are integrals
    jacobian_vector=int64,
    by_states=int64,  # w'J
    inputs=int64,
    outputs=int64,
    # the loop
    advance=int64,  # that of every solve
    stop_rows=int64,  # for each stop the row of `jumps` that is added there, -1: none
    stop_checks=int64,  # for each stop the row of `checkpoints` it is compared with, -1: none
    jumps=int64,  # rows of n
    checkpoints=int64,  # rows of `stride` doubles
    stride=int64,
    rtol=double,  # of the comparison
    atol=int64,  # n
    limit=double,  # largest distance, root mean square in units of the tolerance
    distance=double,  # at the last checkpoint
    largest=double,  # so far
)


class BacksolveSystem:
    """The kernels of a reverse solve.

    Args:
        model: The model's own kernels.
        products: Its products.
        integrals: Whether the integral by the parameters is wanted.

    Attributes:
        n: Number of all states.
        m: Number of parameters.
        blocks: (start, rows, columns) of the parts that the error test judges by themselves.
    """

    loop = "backsolve"
    lu_length = 0

    def __init__(self, model: Kernels, products: Kernels, integrals: bool) -> None:
        self.model, self.products = model, products
        self.m = model.m
        self.integrals = self.m if integrals else 0
        n = model.n
        self.n = 2 * n + self.integrals
        self.blocks = ((0, n, 1), (n, n, 1))
        if self.integrals:
            self.blocks += ((2 * n, self.integrals, 1),)

    @property
    def pattern(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the model's Jacobian; explicit methods do not ask."""
        return self.model.pattern

    def address(self, name: str) -> int:
        """The address of `rhs` or `jacobian_vector`."""
        return function_address("backsolve", name)

    def lay_out(self, p: int) -> tuple[Any, tuple[Any, ...]]:
        """Memory for one session, whose parameters lie at address `p`: a `BacksolveData` and what it holds
        addresses of. Jumps and checkpoints are set for each run."""
        arrays = {"inputs": np.array([0, p, *[0] * 6], np.int64), "outputs": np.zeros(2, np.int64)}
        data = BacksolveData(
            n=self.model.n,
            integrals=self.integrals,
            rhs=self.model.address("rhs"),
            product=self.products.address("adjoint" if self.integrals else "adjoint_states"),
            jacobian_vector=self.model.address("jacobian_vector"),
            by_states=self.products.address("adjoint_states"),
            advance=function_address("loop", "advance"),
            **addresses(arrays),
        )
        return data, (data, *arrays.values())
