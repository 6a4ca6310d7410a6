"""Solves until an event: `event_fn` of torchdiffeq, whose time and state are differentiable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from symde.compat.function import Columns
from symde.compat.options import Steps
from symde.engine.batched.events.functions import watched_by_torch
from symde.engine.batched.events.interface import EVENT
from symde.engine.batched.forward import Forward
from symde.engine.batched.problem import Batch
from symde.engine.cpu.layout import Status
from symde.problem.event_plan import EventPlan

FAR = 1e12
"""Where a solve ends that no event has ended, times the largest step or 1."""


RESET = 16.0
"""Roundings of the largest state by which a solve may miss the line that it ended at."""


class StopAt:
    """The zeros of all numbers that a function of one state gives, each of which ends a solve; as
    `symde.engine.batched.events.interface` has events.

    Args:
        event_fn: Gives numbers of (t, y).
        function: The right-hand side, for how states lie in a column.
        t, u: Where the solve starts, shape (1,) and (n, 1).

    Raises:
        TypeError: it does not give a tensor of floats.
    """

    floors, has_conditions, ranked = 0, False, False

    def __init__(self, event_fn: Callable[..., Any], function: Columns, t: Tensor, u: Tensor) -> None:
        self._event_fn, self._rhs = event_fn, function
        with torch.no_grad():
            found = event_fn(t[0].to(function.layout.real), function.layout.shaped(u[:, 0].clone()))
        if not isinstance(found, Tensor) or not found.is_floating_point() or not found.numel():
            kind = found.dtype if isinstance(found, Tensor) else type(found).__name__
            raise TypeError(f"event_fn must give a tensor of floats, whose zeros end the solve; found {kind}")
        # behind a reset a state starts on the line, but for the rounding of the solve that led there
        self.rounding = RESET * torch.finfo(u.dtype).eps
        self.count = count = found.numel()
        self.ties, self.purposes = (0.0,) * count, (EVENT,) * count
        self.integers, self.timed = (0,) * count, (False,) * count
        self.plans = tuple(
            EventPlan(f"event {k}", "crossing", k, "both", (), (), True, False, False) for k in range(count)
        )

    def roots(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> Tensor:
        """The numbers, shape (count, S), column by column."""
        layout = self._rhs.layout
        every = t.expand(u.shape[1]).to(layout.real)
        columns = [
            self._event_fn(one, layout.shaped(state)).reshape(-1)
            for one, state in zip(every.unbind(0), u.unbind(1), strict=True)
        ]
        return torch.stack(columns, 1).to(u.dtype)

    def watched(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> tuple[Tensor, Tensor]:
        """The same and their derivatives along the solution."""
        return watched_by_torch(self.roots, self._rhs, t, u, p, modes)

    def conditions(self, t: Tensor, u: Tensor, p: Any, modes: Tensor) -> Tensor:
        """There are none but crossings."""
        return u[:0]

    def effect(self, event: int, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """Nothing is set."""
        return u[:0]

    def priorities(self, t: Tensor, u: Tensor, p: Any) -> Tensor:
        """All are alike."""
        return torch.zeros(self.count, len(t), dtype=torch.float64, device=t.device)

    def times(self, t0: Tensor, p: Any) -> Tensor:
        """None are known."""
        return t0[None][:0]

    def probed(self, t: Tensor, u: Tensor, p: Any) -> list[Tensor]:
        """The numbers at the start, with a history."""
        return [self.roots(t, u, p, u)]


def until_event(
    batch_of: Callable[..., Batch], function: Columns, y0: Tensor, t: Tensor, steps: Steps, event_fn: Any,
    solver: Callable[[Batch], Forward],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The time of the event, without dimensions, and the states at the start and there, shape (2, n).

    Args:
        batch_of: Makes a batch of the right-hand side, states, start, end, times, steps and a count.
        function: The right-hand side.
        y0: Shape (n,).
        t: The start, and a time in the direction of the run.
        steps: How steps are chosen.
        event_fn: Gives numbers of (t, y); the first that becomes zero is the event.
        solver: Solves a batch and raises where it cannot.

    Raises:
        RuntimeError: there is no event before the steps are used up.
        ValueError: an option does not go with events.
    """
    if steps.stops:
        raise ValueError("step_t and jump_t do not go with event_fn: solve in pieces, event by event")
    direction = 1.0 if bool(t[1].detach() > t[0].detach()) else -1.0
    end = t[0].detach() + direction * FAR * max(1.0, steps.largest or 1.0)
    batch = batch_of(function, y0[:, None], t[0], end, None, steps, 1)
    events = StopAt(event_fn, function, batch.t0.detach(), batch.u0.detach())
    found = solver(replace(batch, events=events))
    if int(found.outcome.status[0]) != int(Status.TERMINATED) or found.happened is None:
        raise RuntimeError("event_fn has no zero ahead, as far as the solve went")
    time, _, after = found.happened.logged
    return time[-1], torch.stack([y0, after[:, -1]])
