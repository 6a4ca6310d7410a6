"""Kepler's ellipse of eccentricity 0.6, ten revolutions: the end is the start."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """model Kepler "two bodies, the origin in one of them"
  param e = 0.6
  state x = 1 - e, y = 0, v = 0, w = sqrt((1 + e)/(1 - e))
  time 0 .. 20*pi

  r3 = (x^2 + y^2)^1.5
  x' = v
  y' = w
  v' = -x/r3
  w' = -y/r3
  energy = (v^2 + w^2)/2 - 1/sqrt(x^2 + y^2)
end
"""


def rhs(u, p, t):
    """x'' = -x/r³, y'' = -y/r³."""
    x, y, v, w = u
    r3 = (x * x + y * y) ** 1.5
    return np.stack([v, w, -x / r3, -y / r3])


CASES = (
    Case(
        name="kepler",
        text=TEXT,
        rhs=rhs,
        reference=(0.4, 0.0, 0.0, 2.0),
        digits=15,
        origin="Hairer, Lubich & Wanner (2006), Geometric Numerical Integration, section I.2.3",
        reference_origin="the period is 2 pi: the orbit is closed",
        floor=1.0,
        floor_reason="all components are of size one",
        stiff=False,
        growth=800,  # errors along the orbit grow with the square of the revolutions
    ),
)
