"""Members added so that no member is computed apart.

A CPU computes the members of a row several at a time, and the last few that do not fill a register one by
one: by torch's vector functions here, by the C library's there, which differ in the last bit for powers,
atan2 and sinh. One member alone is summed as a vector is, not as a column of a matrix is. So copies of the
last member fill the row, and are left out of the result.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

WIDTH = 32
"""Members that fill registers of every CPU, twice 512 bits of float32."""

FEWEST = 2


def full(rhs: Any, count: int) -> int:
    """How many members a printed right-hand side is to be given for `count`; any other, as many as there are:
    it may look at all of them."""
    uneven = getattr(rhs, "uneven", None)
    if uneven is None:
        return count
    return -(-count // WIDTH) * WIDTH if uneven else max(count, FEWEST)


def filled(value: Tensor, count: int, wanted: int) -> Tensor:
    """A tensor whose last axis has `count` members, with copies of the last one; differentiable."""
    if wanted == count or value.ndim == 0 or value.shape[-1] != count:
        return value
    index = torch.arange(wanted, device=value.device).clamp(max=count - 1)
    return value.index_select(-1, index)
