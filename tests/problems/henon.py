"""The Hénon-Heiles model: a star in a galaxy, at the energy where order begins to give way to chaos."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """model HenonHeiles "a star in the plane of a galaxy, energy 1/12"
  state x = 0, y = 0.1, v = sqrt(1/6 - 0.01 + 2/3*0.001), w = 0
  time 0 .. 100

  x' = v
  y' = w
  v' = -x - 2*x*y
  w' = -y - x^2 + y^2
  energy = (v^2 + w^2 + x^2 + y^2)/2 + x^2*y - y^3/3
end
"""


def rhs(u, p, t):
    """H = (v² + w²)/2 + (x² + y²)/2 + x² y - y³/3."""
    x, y, v, w = u
    return np.stack([v, w, -x - 2 * x * y, y * y - y - x * x])


CASES = (
    Case(
        name="henon_heiles",
        text=TEXT,
        rhs=rhs,
        reference=(
            0.08711046349968,
            0.333624041669,
            0.2594017630885,
            0.01330189276098,
        ),
        digits=13,
        origin="Hénon & Heiles (1964), Astronomical Journal 69, 73",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="positions and velocities are below one",
        stiff=False,
    ),
)
