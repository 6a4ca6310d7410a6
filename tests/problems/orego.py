"""OREGO: Field and Noyes's model of the Belousov-Zhabotinskii reaction."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model Orego "Field and Noyes (1974), the Oregonator"
  param s = 77.27, q = 8.375e-6, w = 0.161
  state y1 = 1, y2 = 2, y3 = 3
  time 0 .. 360

  dy1 = s*(y2 + y1*(1 - q*y1 - y2))
  dy2 = (y3 - (1 + y1)*y2)/s
  dy3 = w*(y1 - y3)
end
"""


def rhs(u, p, t):
    """HBrO2, bromide and Ce(IV), scaled."""
    (y1, y2, y3), (s, q, w) = u, p
    return np.stack([s * (y2 - y1 * y2 + y1 - q * y1**2), (y3 - y2 - y1 * y2) / s, w * y1 - w * y3])


PUBLISHED = (0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3)
"""Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem OREGO."""

CASES = (
    Case(
        name="orego",
        text=TEXT,
        rhs=rhs,
        reference=(1.00081487032, 1228.17852155, 132.055494285),
        published=PUBLISHED,
        digits=12,
        origin="Field & Noyes (1974), J. Chem. Phys. 60, 1877; Hairer & Wanner II (1996), section IV.10",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1.0,
        floor_reason="no component falls far below one",
        stiff=True,
    ),
)
