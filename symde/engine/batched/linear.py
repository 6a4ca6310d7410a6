"""Linear systems of every member at once: LU with partial pivoting by LAPACK, or by the GPU's libraries.

A member's factors depend on its matrix alone. Unrolled eliminations were measured: of matrices 3 x 3 they are
as fast at 1000 members, of 8 x 8 half as fast, and of one member 13 times slower.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from symde.engine.batched.once import only_once


class Factors(NamedTuple):
    """Factors of I - s J: `solve` takes right sides (n, B); `singular` tells who has none."""

    lu: Tensor
    pivots: Tensor
    singular: Tensor

    def solve(self, rhs: Tensor) -> Tensor:
        """Solutions, shape (n, B); differentiable."""
        return torch.linalg.lu_solve(self.lu, self.pivots, rhs.T.unsqueeze(-1)).squeeze(-1).T.contiguous()


def factorised(jacobian: Tensor, size: Tensor) -> Factors:
    """The factors of I - size*J for J (B, n, n) and size (B,)."""
    identity = torch.eye(jacobian.shape[-1], dtype=jacobian.dtype, device=jacobian.device)
    lu, pivots, info = torch.linalg.lu_factor_ex(identity - size[:, None, None] * jacobian)
    return Factors(lu, pivots, info != 0)


class ImplicitSolve(torch.autograd.Function):
    """x = W^-1 r with W a constant, the inner derivative of the implicit function theorem.

    At y with r(y; q) = 0 and W = -dr/dy, dy = W^-1 (dr/dq) dq: so y + ImplicitSolve(W, r) - its own value has
    the derivative of y and its value. Second derivatives would need that of W, and are refused.
    """

    @staticmethod
    def forward(ctx: Any, rhs: Tensor, lu: Tensor, pivots: Tensor) -> Tensor:
        ctx.save_for_backward(rhs, lu, pivots)
        return torch.linalg.lu_solve(lu, pivots, rhs.T.unsqueeze(-1)).squeeze(-1).T.contiguous()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        rhs, lu, pivots = ctx.saved_tensors
        with torch.no_grad():
            solved = torch.linalg.lu_solve(lu, pivots, grad.T.unsqueeze(-1), adjoint=True)
        (once,) = only_once([solved.squeeze(-1).T], (grad, rhs), TWICE)
        return once, None, None


TWICE = (
    "implicit stages are differentiated by the implicit function theorem, once: use an explicit method or "
    "Rodas5P for second derivatives"
)
