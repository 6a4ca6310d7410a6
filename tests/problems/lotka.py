"""Lotka-Volterra: rabbits and wolves."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model LotkaVolterra "predator and prey"
  param a = 1.5, b = 1, d = 3, g = 1
  state x = 1, y = 1
  time 0 .. 10

  dx = a*x - b*x*y
  dy = -d*y + g*x*y
end
"""


def rhs(u, p, t):
    """Prey grows and is eaten, the predator starves and eats."""
    (x, y), (a, b, d, g) = u, p
    return np.stack([x * (a - b * y), y * (g * x - d)])


CASES = (
    Case(
        name="lotka",
        text=TEXT,
        rhs=rhs,
        reference=(1.0263447675750892, 0.9096910781360417),
        digits=16,
        origin="Lotka (1925), Volterra (1926); numbers of Rackauckas et al. (2019), DiffEqFlux.jl",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="both animals are of size one",
        stiff=False,
    ),
)
