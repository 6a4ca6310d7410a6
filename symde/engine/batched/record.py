"""What a solve leaves behind for those who do it again: the start and size of every attempt that counted."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

BETWEEN_LOOKS = 8
"""Attempts in one piece of the record, and from one look at the members to the next on a GPU, where a look
waits for all that was asked of it."""


MOST_BYTES = 64 * 2**20
"""Memory that the stages of a record may take; where there are more, none are kept."""

FEW, LIGHT = 256, 100_000
"""States of all members together up to which stages are kept, and their number times that of the weights of
modules: beyond, n products with Jacobians take longer than it takes torch to ask for one product of every
stage. Measured, Tsit5 and networks with one hidden layer, ms one by one and side by side: 2-50-2 for 64
members 13.7 and 8.8, for 256 23.5 and 23.3; 8-64-8 for 16 5.7 and 4.6, for 32 6.3 and 8.3; 32-64-32 for 1 3.7
and 3.0, for 4 5.1 and 6.1."""


def cheap_looks(device: torch.device) -> bool:
    """Whether a look at the members costs little beside an attempt, so that it is taken after each: a look
    every 8 attempts wastes 4 of them in the mean."""
    return device.type == "cpu"


class Recorded(NamedTuple):
    """One attempt: starts and signed sizes (B,), sizes 0 where it did not count, states at the start (n, B),
    and whose it counted for (B,)."""

    t: Tensor
    h: Tensor
    u: Tensor
    counted: Tensor


@dataclass(slots=True)
class Record:
    """Attempts in their order.

    Attributes:
        pieces: `Recorded` with a first axis of attempts.
        stages: Their stages, shape (attempts, stages, n, B) each; None where they are not kept.
    """

    pieces: list[Recorded] = field(default_factory=list)
    stages: list[Tensor] | None = None
    _ends: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def add(self, t: Tensor, h: Tensor, u: Tensor, counted: Tensor, stages: Tensor | None) -> None:
        """Keep some attempts, all with a first axis of attempts; their stages as long as there is room."""
        self.pieces.append(Recorded(t, torch.where(counted, h, 0.0), u, counted))
        self._ends.append(len(self) + len(t))
        if self.stages is not None and stages is not None:
            self.stages.append(stages)
            if sum(map(_bytes, self.stages)) > MOST_BYTES:
                self.stages = None

    def counting(self) -> list[bool]:
        """Which attempts counted for some member; one look for all."""
        if not self.pieces:
            return []
        return torch.cat([piece.counted.any(1) for piece in self.pieces]).tolist()

    def attempt(self, k: int) -> Recorded:
        """Attempt k, in a form that can be done again: where it did not count for a member, that member takes
        part in another's place with size 0, so that nothing infinite comes of it."""
        place = bisect.bisect_right(self._ends, k)
        piece, i = self.pieces[place], k - (self._ends[place - 1] if place else 0)
        t, h, u, counted = piece.t[i], piece.h[i], piece.u[i], piece.counted[i]
        some = counted.to(torch.uint8).argmax().reshape(1)
        t = torch.where(counted, t, t.index_select(0, some))
        return Recorded(t, h, torch.where(counted, u, u.index_select(1, some)), counted)

    @property
    def side_by_side(self) -> bool:
        """Whether the stages were kept, so that all steps are differentiated side by side."""
        return self.stages is not None

    @property
    def bytes(self) -> int:
        """Memory of the tensors."""
        return sum(map(_bytes, (*(one for piece in self.pieces for one in piece), *(self.stages or ()))))


def _bytes(tensor: Tensor) -> int:
    return tensor.element_size() * tensor.nelement()
