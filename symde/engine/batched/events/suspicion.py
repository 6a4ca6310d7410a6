"""Whether functions may change their sign between two places, as their values and derivatives there say.

Source: L. F. Shampine, I. Gladwell, R. W. Brankin, Reliable solution of special event location problems for
ODEs, ACM Transactions on Mathematical Software 17 (1991) 11-25.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from symde.engine.cpu.roots import NEARNESS, RESOLVED

EPSILON = 2.0**-52


def resolution(t: Tensor, h: Tensor) -> Tensor:
    """Times nearer to each other than this are the same."""
    return 4.0 * EPSILON * t.abs() + 1e-13 * h.abs()


def least_of_cubic(a: Tensor, b: Tensor, da: Tensor, db: Tensor) -> Tensor:
    """The minimum within (0, 1) of the cubics with these values and derivatives at the ends, infinite where
    they have none there."""
    difference = b - a
    c2 = 3.0 * difference - 2.0 * da - db
    c3 = da + db - 2.0 * difference
    discriminant = c2 * c2 - 3.0 * c3 * da
    root = torch.sqrt(discriminant.clamp(min=0.0))
    theta = torch.where(c2 > 0.0, -da / (c2 + root), (root - c2) / (3.0 * c3))
    inside = (discriminant > 0.0) & (theta > 0.0) & (theta < 1.0)
    return torch.where(inside, a + theta * (da + theta * (c2 + theta * c3)), math.inf)


def may_touch(a: Tensor, b: Tensor, da: Tensor, db: Tensor) -> Tensor:
    """Whether functions on their side at both ends may get to zero between.

    Args:
        a, b: Values at both ends as seen from their side.
        da, db: Derivatives times the length.
    """
    margin = NEARNESS * (da.abs() + db.abs())
    near = torch.minimum(a, b) <= 2.0 * margin
    return near & (((da < 0.0) & (db > 0.0)) | (least_of_cubic(a.clamp(min=0.0), b, da, db) <= margin))


def unresolved(a: Tensor, b: Tensor, da: Tensor, db: Tensor) -> Tensor:
    """Whether functions that might get to zero bend too much for a cubic."""
    reach = da.abs() + db.abs()
    return (torch.minimum(a, b) <= reach) & (((b - a) - 0.5 * (da + db)).abs() > RESOLVED * reach)


def suspicious(a: Tensor, b: Tensor, da: Tensor, db: Tensor) -> Tensor:
    """Whether a step must be searched, of each function."""
    loses_value = (a == a) & (b != b)
    return (b <= 0.0) | may_touch(a, b, da, db) | unresolved(a, b, da, db) | loses_value
