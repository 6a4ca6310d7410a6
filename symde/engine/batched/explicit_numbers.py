"""The numbers of an explicit method as Python's and torch's, made once for each type and device: to make them
takes as long as some steps of one trajectory."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch

from symde.engine.batched.numbers import tensor
from symde.engine.cpu.families.explicit import in_chebyshev
from symde.engine.methods.exact import exact_rows


class ExplicitNumbers:
    """A tableau.

    Attributes:
        a, b, c, error, extra_a, extra_c: Python's numbers, as `symde.engine.methods.explicit` names them.
        rows: The first i entries of row i of a, for every stage, as tensors of the states' type.
        whole_a, every_c, weights: a with the rows of extra stages, shape (all stages, all stages), c with
            theirs, shape (all stages,), and b filled up with zeros, shape (all stages,), float64.
        sum, estimate: b, and the weights of the error estimate or None, of the states' type.
        times: c, shape (stages, 1), float64.
        interpolant: Shape (degree, all stages), of theta * T_q, float64.
    """

    def __init__(self, method: Any, dtype: torch.dtype, device: torch.device) -> None:
        like, double = (
            torch.empty(0, dtype=dtype, device=device),
            torch.empty(0, dtype=torch.float64, device=device),
        )
        a = np.asarray(method.a)
        self.a = [[float(one) for one in row] for row in a]
        self.b, self.c, self.extra_c = (
            [float(one) for one in row] for row in (method.b, method.c, method.extra_c)
        )
        self.extra_a = [[float(one) for one in row] for row in np.atleast_2d(method.extra_a)]
        self.error = None if method.error is None else [float(one) for one in method.error]
        self.rows = [tensor(row[:i], like) for i, row in enumerate(a)]
        self.sum = tensor(method.b, like)
        self.estimate = None if method.error is None else tensor(method.error, like)
        self.times = tensor(method.c, double)[:, None]
        self.interpolant = tensor(in_chebyshev(exact_rows(*method.given["interpolant"])).T, double)
        self._basis_weights = np.ascontiguousarray(self.interpolant.cpu().numpy().T)
        stages, every = len(self.b), len(self.b) + len(self.extra_c)
        whole = np.zeros((every, every))
        whole[:stages, :stages] = a
        if self.extra_c:
            whole[stages:] = self.extra_a
        self.whole_a = tensor(whole, double)
        self.every_c = tensor([*self.c, *self.extra_c], double)
        self.weights = tensor([*self.b, *[0.0] * len(self.extra_c)], double)

    def shares(self, theta: np.ndarray) -> np.ndarray:
        """Weights of all stages at the fractions theta of a step, shape (all stages, S), as
        `symde.engine.batched.numbers.chebyshev` and `weights_at` give them, by one product of matrices: the
        last bit depends on S."""
        degree, x = self._basis_weights.shape[1], 2.0 * theta - 1.0
        basis, twice = np.ones((degree, len(theta))), 2.0 * x
        if degree > 1:
            basis[1] = x
        for q in range(2, degree):
            np.multiply(twice, basis[q - 1], out=basis[q])
            basis[q] -= basis[q - 2]
        basis *= theta
        return self._basis_weights @ basis


@functools.lru_cache(64)
def explicit_numbers(method: Any, dtype: torch.dtype, device: torch.device) -> ExplicitNumbers:
    """The numbers of a method; the same object each time, whatever mode the first call is in."""
    with torch.inference_mode(False), torch._C._DisableFuncTorch():  # type: ignore[attr-defined]
        return ExplicitNumbers(method, dtype, device)
