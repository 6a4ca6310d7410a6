"""The functions of events at some members, without gradients, to the same last bit whoever else is asked
for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symde.engine.batched import lanes
from symde.engine.batched.events.interface import Events
from symde.engine.batched.saves import parameters_of


class Calls:
    """Events, and the right-hand side, at members of a batch.

    Args:
        events: The events.
        rhs: The right-hand side.
        p: Parameters of all members.
    """

    def __init__(self, events: Events, rhs: Any, p: Tensor | None) -> None:
        self.events, self._rhs, self._p = events, rhs, p

    def padded(self, member: Tensor) -> Tensor:
        """Members with copies of the last one, so many that none is computed apart."""
        count = len(member)
        wanted = lanes.full(self._rhs, count)
        return lanes.filled(member, count, wanted)

    def parameters(self, member: Tensor) -> Tensor | None:
        """Those of some members."""
        return parameters_of(self._p, member)

    def _filled(self, member: Tensor, *tensors: Tensor) -> tuple[Any, ...]:
        count = len(member)
        wanted = lanes.full(self._rhs, count)
        p = self.parameters(lanes.filled(member, count, wanted))
        return (*(lanes.filled(one, count, wanted) for one in tensors), p)

    def slopes(self, member: Tensor, t: Tensor, u: Tensor) -> Tensor:
        """f, shape (n, S)."""
        t, u, p = self._filled(member, t, u)
        return self._rhs(t, u, p)[:, : len(member)]

    def watched(self, member: Tensor, t: Tensor, u: Tensor, modes: Tensor) -> tuple[Tensor, Tensor]:
        """Root functions and their time derivatives, shape (count, S) each, float64."""
        t, u, modes, p = self._filled(member, t, u, modes)
        g, slope = self.events.watched(t, u, p, modes.to(u.dtype))
        return tuple(one[:, : len(member)].to(torch.float64) for one in (g, slope))  # type: ignore[return-value]

    def conditions(self, member: Tensor, t: Tensor, u: Tensor, modes: Tensor) -> Tensor:
        """Which conditions hold, shape (conditions, S), bool."""
        if not self.events.has_conditions:
            return torch.zeros(0, len(member), dtype=torch.bool, device=t.device)
        t, u, modes, p = self._filled(member, t, u, modes)
        return self.events.conditions(t, u, p, modes.to(u.dtype))[:, : len(member)] > 0.5

    def effect(self, event: int, member: Tensor, t: Tensor, u: Tensor) -> Tensor:
        """What an event sets, and its delay."""
        t, u, p = self._filled(member, t, u)
        return self.events.effect(event, t, u, p)[:, : len(member)]

    def priorities(self, member: Tensor, t: Tensor, u: Tensor) -> Tensor:
        """Of each event, shape (events, S)."""
        t, u, p = self._filled(member, t, u)
        return self.events.priorities(t, u, p)[:, : len(member)]
