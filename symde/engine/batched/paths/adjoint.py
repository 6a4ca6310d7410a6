"""The derivative of a path backward: stretches of its steps are done again, the last first.

The noise is counted, so that it need not be kept: memory is that of the states at the ends of some
sqrt(steps) stretches, and of the operations of one of them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from symde.engine.batched.paths.done_again import Sums, done_again
from symde.engine.batched.paths.equation import within
from symde.engine.batched.paths.follow import Followed, Run, follow


def follow_again(run: Run, u0: Tensor, p: Tensor | None, weights: list[Tensor]) -> Followed:
    """Paths whose saved states can be differentiated, once."""
    length = max(math.isqrt(run.grid.steps), 1)

    def forward(u0: Tensor, p: Tensor | None) -> tuple[Tensor, tuple[Followed, list[Tensor]]]:
        segments: list[Tensor] = []
        found = follow(run, u0, p, segments, length)
        return found.u, (dataclasses.replace(found, u=u0), segments)

    def back(
        kept: tuple[Followed, list[Tensor]],
        u0: Tensor,
        p: Tensor | None,
        weights: list[Tensor],
        wanted: Sequence[bool],
        grad: Tensor,
    ) -> list[Tensor | None]:
        sums, segments = Sums(u0, p, weights, wanted), kept[1]
        for index in reversed(range(len(segments))):
            first = index * length
            with torch.enable_grad():
                _stretch(run, sums, segments[index], first, min(first + length, run.grid.steps), grad)
        return sums.found()

    u, (found, _) = done_again(forward, back, u0, p, weights)
    return dataclasses.replace(found, u=u)


def _stretch(run: Run, sums: Sums, start: Tensor, first: int, last: int, grad: Tensor) -> None:
    """The steps from `first` to before `last` done again, and their derivatives."""
    end = old = start = start.detach().requires_grad_()
    outputs, seeds = [], []
    if first == 0:
        for place in run.saves.at_start:
            outputs.append(within(run.stepper.equation, start))
            seeds.append(grad[place])
    for step, found in run.steps(start, sums.p, first, last):
        end = found.u
        for place, state in run.points(step, old, end):
            outputs.append(state)
            seeds.append(grad[place])
        old = end
    sums.add(start, end, outputs, seeds)
