"""What the steps ask of a right-hand side: values, values into rows, Jacobian, time derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

RightHandSide = Callable[[Tensor, Tensor, Any], Tensor]
"""f(t, u, p) with t of shape (B,), u (n, B), p (m, B), (m, 1) or None; gives (n, B). One column never acts on
another."""


class Equation:
    """A right-hand side with its derivatives: its own where it has some, else by torch.

    A printed model (`symde.codegen.torch_printer`) has `into`, `jacobian_values` and `time_gradient`; any
    other function or module needs nothing but to be called; `autonomous` tells that it does not read t.
    """

    def __init__(self, rhs: RightHandSide) -> None:
        self.rhs = rhs
        self._into = getattr(rhs, "into", None)
        self._values = getattr(rhs, "jacobian_values", None)
        self._gradient = getattr(rhs, "time_gradient", None)
        self.autonomous = bool(getattr(rhs, "autonomous", False))
        self._places: dict[torch.device, Tensor] = {}

    @property
    def writes_rows(self) -> bool:
        """Whether `into` reads and writes rows, and not whole states."""
        return self._into is not None

    def __call__(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """f(t, u, p), shape (n, B), of the type of u."""
        return self.rhs(t, u, p)

    def into(
        self, t: Tensor, u: Sequence[Tensor], p: Sequence[Tensor], whole: Any, out: Sequence[Tensor]
    ) -> None:
        """f into the rows of `out`, from the rows of u and p; `whole` holds u, p and `out` in one piece."""
        if self._into is not None:
            self._into(t, u, p, out)
        else:
            whole[2].copy_(self.rhs(t, whole[0], whole[1]))

    def linearised(self, t: Tensor, u: Tensor, p: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """f (n, B), its Jacobian (B, n, n), and its time derivative (n, B) or None where it is zero."""
        if self._values is not None:
            gradient = None if self.autonomous or self._gradient is None else self._gradient(t, u, p)
            return self.rhs(t, u, p), self._dense(self._values(t, u, p), u), gradient
        return self._by_torch(t, u, p)

    def jacobian(self, t: Tensor, u: Tensor, p: Tensor | None) -> Tensor:
        """The Jacobian, shape (B, n, n)."""
        if self._values is not None:
            return self._dense(self._values(t, u, p), u)
        return self._by_torch(t, u, p)[1]

    def _dense(self, values: Tensor, u: Tensor) -> Tensor:
        n, batch = u.shape
        places = self._places.get(u.device)
        if places is None:
            rows: Any = self.rhs.jacobian_rows
            columns: Any = self.rhs.jacobian_columns
            flat = [row * n + column for row, column in zip(rows, columns, strict=True)]
            places = self._places[u.device] = torch.tensor(flat, dtype=torch.int64, device=u.device)
        full = u.new_zeros(batch, n * n).index_copy(1, places, values.T)
        return full.view(batch, n, n)

    def _by_torch(self, t: Tensor, u: Tensor, p: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """By one reverse product a row: the columns of a batch do not know each other."""
        recorded = torch.is_grad_enabled()
        with torch.enable_grad():
            u = u if u.requires_grad else u.detach().requires_grad_()
            t = t.detach().requires_grad_()
            f = self.rhs(t, u, p)
            rows, times = [], []
            for row in f.unbind(0):
                by_u, by_t = (
                    torch.autograd.grad(
                        row.sum(), (u, t), retain_graph=True, create_graph=recorded, allow_unused=True
                    )
                    if row.requires_grad
                    else (None, None)
                )
                rows.append(torch.zeros_like(u) if by_u is None else by_u)
                times.append(torch.zeros_like(t) if by_t is None else by_t)
            jacobian = torch.stack(rows).permute(2, 0, 1)
            gradient = torch.stack(times).to(u.dtype)
        if recorded:
            return f, jacobian, gradient
        return f.detach(), jacobian.detach(), gradient.detach()
