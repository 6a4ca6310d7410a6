"""E5: a pyrolysis with components of 1e-22, over thirteen orders of magnitude in time."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model E5 "Enright, Hull and Lindberg (1975), problem E5"
  param A = 7.89e-10, B = 1.1e7, M = 1e6, C = 1.13e3
  state y1 = 1.76e-3, y2 = 0, y3 = 0, y4 = 0
  time 0 .. 1e13

  dy1 = -A*y1 - B*y1*y3
  dy2 = A*y1 - M*C*y2*y3
  dy3 = A*y1 - B*y1*y3 - M*C*y2*y3 + C*y4
  dy4 = B*y1*y3 - C*y4
end
"""


def rhs(u, p, t):
    """Four reactions; y2 - y3 - y4 stays 0."""
    (y1, y2, y3, y4), (A, B, M, C) = u, p
    split, taken, joined, freed = A * y1, B * y1 * y3, M * C * y2 * y3, C * y4
    return np.stack([-split - taken, split - joined, split - taken - joined + freed, taken - freed])


PUBLISHED = (0.1152903278711829e-290, 0.8867655517642120e-22, 0.8854814626268838e-22, 0.0)
"""Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem E5."""

CASES = (
    Case(
        name="e5",
        text=TEXT,
        rhs=rhs,
        reference=PUBLISHED,
        digits=10,
        origin="Enright, Hull & Lindberg (1975), BIT 15, 10; Hairer & Wanner II (1996), p. 145",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1e-22,
        floor_reason="y2 and y3 are 9e-23 at the end",
        stiff=True,
    ),
)
