"""What a solve leaves behind for those who do it again: the start and size of every attempt that counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

BETWEEN_LOOKS = 8
"""Attempts from one look at the members to the next, and in one piece of the record. On a GPU a look waits
for all that was asked of it; on a CPU it is cheap, and 8 waste 4 attempts in the mean."""


class Recorded(NamedTuple):
    """One attempt: starts and signed sizes (B,), sizes 0 where it did not count, states at the start (n, B),
    and whose it counted for (B,)."""

    t: Tensor
    h: Tensor
    u: Tensor
    counted: Tensor


@dataclass(slots=True)
class Record:
    """Attempts in their order, `BETWEEN_LOOKS` in a piece.

    Attributes:
        pieces: `Recorded` with a first axis of attempts.
    """

    pieces: list[Recorded] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(piece.t) for piece in self.pieces)

    def add(self, t: Tensor, h: Tensor, u: Tensor, counted: Tensor) -> None:
        """Keep some attempts, all with a first axis of attempts."""
        self.pieces.append(Recorded(t, torch.where(counted, h, 0.0), u, counted))

    def counting(self) -> list[bool]:
        """Which attempts counted for some member; one look for all."""
        if not self.pieces:
            return []
        return torch.cat([piece.counted.any(1) for piece in self.pieces]).tolist()

    def attempt(self, k: int) -> Recorded:
        """Attempt k, in a form that can be done again: where it did not count for a member, that member takes
        part in another's place with size 0, so that nothing infinite comes of it."""
        piece, i = self.pieces[k // BETWEEN_LOOKS], k % BETWEEN_LOOKS
        t, h, u, counted = piece.t[i], piece.h[i], piece.u[i], piece.counted[i]
        some = counted.to(torch.uint8).argmax().reshape(1)
        t = torch.where(counted, t, t.index_select(0, some))
        return Recorded(t, h, torch.where(counted, u, u.index_select(1, some)), counted)

    @property
    def bytes(self) -> int:
        """Memory of the tensors."""
        return sum(one.element_size() * one.nelement() for piece in self.pieces for one in piece)
