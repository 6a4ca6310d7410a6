"""What a solve leaves behind for those who do it again: the start and size of every attempt that counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(slots=True)
class Record:
    """Attempts in their order; a member that was rejected, or has ended, takes part with size 0.

    Attributes:
        t: Starts, one tensor (B,) an attempt.
        h: Signed sizes, 0 where the attempt did not count.
        u: States at the start, shape (n, B).
        counted: Whose attempts counted, shape (B,).
    """

    t: list[Tensor] = field(default_factory=list)
    h: list[Tensor] = field(default_factory=list)
    u: list[Tensor] = field(default_factory=list)
    counted: list[Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.t)

    @property
    def bytes(self) -> int:
        """Memory of the tensors."""
        parts = (*self.t, *self.h, *self.u, *self.counted)
        return sum(one.element_size() * one.nelement() for one in parts)
