"""func(t, y) as a right-hand side of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from symde.compat.state import Layout


class Columns:
    """A function of one state, called for each column.

    Args:
        func: Gives slopes of (t, y), with y as the user's states are and t a time of their type.
        layout: How states lie in a column.
        recorded: Whether func may record what it does where the engine does not: functions that call
            torch.autograd.grad need it, and it shows what func is made of.
        within: First and last time at which func may be called; other times are moved there.

    Attributes:
        one_by_one: Columns are evaluated one after the other: to solve more of them at once gains nothing.
        reached: Whether something that func uses beside t and y is to be differentiated.
    """

    one_by_one = True

    def __init__(
        self,
        func: Callable[..., Any],
        layout: Layout,
        recorded: bool,
        within: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self.func, self.layout, self.recorded, self.within = func, layout, recorded, within
        self.reached = False

    def between(self, after: Tensor | None, before: Tensor | None, direction: float) -> Columns:
        """The same, called only behind the time `after` and in front of the time `before`."""
        ends = [torch.tensor(far * direction, dtype=self.layout.real) for far in (-torch.inf, torch.inf)]
        if after is not None:
            first = after.detach().to("cpu", self.layout.real)
            ends[0] = torch.nextafter(first, ends[1])
        if before is not None:
            last = before.detach().to("cpu", self.layout.real)
            ends[1] = torch.nextafter(last, torch.tensor(-torch.inf * direction, dtype=last.dtype))
        low, high = ends if direction > 0 else ends[::-1]
        return Columns(self.func, self.layout, self.recorded, (low, high))

    def __call__(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """(n, B) of (n, B)."""
        if u.shape[1] == 1:
            return self._column(t[0], u[:, 0])[:, None]
        columns = [self._column(*one) for one in zip(t.expand(u.shape[1]), u.T, strict=True)]
        return torch.stack(columns, 1)

    def _column(self, t: Tensor, u: Tensor) -> Tensor:
        t = self._moved(t.to(self.layout.real))
        if torch.is_grad_enabled():
            return self._slopes(t, u)
        # the engine writes into its memory again, and func may keep what it is given
        t, u = t.clone(), u.clone()
        with torch.set_grad_enabled(self.recorded):
            f = self._slopes(t, u)
        self.reached = self.reached or f.requires_grad
        return f.detach()

    def _slopes(self, t: Tensor, u: Tensor) -> Tensor:
        return self.layout.flat_slopes(self.func(t, self.layout.shaped(u)))

    def _moved(self, t: Tensor) -> Tensor:
        """Where func is called, with the derivative of t."""
        if self.within is None:
            return t
        low, high = (one.to(t.device) for one in self.within)
        plain = t.detach()
        return t + (torch.clamp(plain, low, high) - plain)
