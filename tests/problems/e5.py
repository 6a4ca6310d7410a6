"""E5: a pyrolysis with components of 1e-22, over thirteen orders of magnitude in time."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model E5 "Enright, Hull and Lindberg (1975), problem E5"
  param A = 7.89e-10, B = 1.1e7, M = 1e6, C = 1.13e3
  state y1 = 1.76e-3, y2 = 0, y3 = 0, y4 = 0
  time 0 .. 1e13

  # y2 - y3 - y4 stays 0, and far below the rounding of the reactions: the last two equations see to it.
  split = A*y1
  taken = B*y1*y3
  joined = M*C*y2*y3
  freed = C*y4
  f2 = split - joined
  f4 = taken - freed

  dy1 = -split - taken
  dy2 = f2
  dy3 = f2 - f4
  dy4 = f4
end
"""


def rhs(u, p, t):
    """Four reactions; y2 - y3 - y4 stays 0."""
    (y1, y2, y3, y4), (A, B, M, C) = u, p
    split, taken, joined, freed = A * y1, B * y1 * y3, M * C * y2 * y3, C * y4
    return np.stack([-split - taken, split - joined, split - taken - joined + freed, taken - freed])


_ORIGIN = "Enright, Hull & Lindberg (1975), BIT 15, 10; Hairer & Wanner II (1996), p. 145"
_REFERENCE = "own computation, see make_references.py"

# The Test Set for IVP Solvers prints y1 = 1e-290, y2 = 8.868e-23, y3 = 8.855e-23 at 1e13, which is rounding:
# y1 falls at least as exp(-A t) = 1e-3427, and y2 - y3 = y4 is then 0 too.
CASES = (
    Case(
        name="e5_1e5",
        text=TEXT,
        rhs=rhs,
        reference=(7.48132082243e-06, 2.37347815612e-12, 2.21235866896e-12, 1.61119487162e-13),
        digits=12,
        origin=_ORIGIN,
        reference_origin=_REFERENCE,
        floor=1e-13,
        floor_reason="y4 is 2e-13 at the end",
        stiff=True,
        tspan=(0.0, 1e5),
    ),
    Case(
        name="e5",
        text=TEXT,
        rhs=rhs,
        reference=(0.0, 8.86123352129e-23, 8.86123352129e-23, 0.0),
        digits=12,
        origin=_ORIGIN,
        reference_origin=_REFERENCE,
        floor=1e-17,
        floor_reason="y2 - y3 - y4 should stay 0; linear solves in float64 leave some 1e-21 of it",
        stiff=True,
    ),
)
