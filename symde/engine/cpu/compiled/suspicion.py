"""Whether a function may change its sign between two places, as its values and derivatives there say.

Source: L. F. Shampine, I. Gladwell, R. W. Brankin, Reliable solution of special event location problems for
ODEs, ACM Transactions on Mathematical Software 17 (1991) 11-25.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import compiled
from symde.engine.cpu.roots import NEARNESS, RESOLVED


@compiled
def least_of_cubic(a, b, da, db):
    """The minimum within (0, 1) of the cubic with these values and derivatives at the ends, infinite where it
    has none there."""
    difference = b - a
    c2 = 3.0 * difference - 2.0 * da - db
    c3 = da + db - 2.0 * difference
    discriminant = c2 * c2 - 3.0 * c3 * da
    if not discriminant > 0.0:
        return math.inf
    root = math.sqrt(discriminant)
    if c2 > 0.0:
        theta = -da / (c2 + root)
    elif c3 != 0.0:
        theta = (root - c2) / (3.0 * c3)
    else:
        return math.inf
    if not 0.0 < theta < 1.0:
        return math.inf
    return a + theta * (da + theta * (c2 + theta * c3))


@compiled
def suspicious(a, b, da, db):
    """Whether a function may change sign: `a` and `b` are its values at both ends as seen from its side, `da`
    and `db` its derivatives times the length. One that is not a number tells nothing."""
    if b <= 0.0:
        return True
    margin = NEARNESS * (abs(da) + abs(db))
    # the cubic is never more than 4/27 of each derivative below the line between its ends
    if not min(a, b) <= 2.0 * margin:
        return False
    return da < 0.0 < db or least_of_cubic(max(a, 0.0), b, da, db) <= margin


@compiled
def unresolved(a, b, da, db):
    """Whether a function that might get to zero bends too much for a cubic."""
    reach = abs(da) + abs(db)
    return min(a, b) <= reach and abs((b - a) - 0.5 * (da + db)) > RESOLVED * reach


@compiled
def loses_value(a, b):
    """Whether a function has a value at the start and none at the end: it may have crossed zero before."""
    return a == a and b != b
