"""Lorenz's equations of convection: errors grow e^9-fold over the span."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model Lorenz "Lorenz (1963), deterministic nonperiodic flow"
  param sigma = 10, rho = 28, beta = 8/3
  state x = 1, y = 0, z = 0
  time 0 .. 10

  dx = sigma*(y - x)
  dy = x*(rho - z) - y
  dz = x*y - beta*z
end
"""


def rhs(u, p, t):
    """Three modes of a fluid heated from below."""
    (x, y, z), (sigma, rho, beta) = u, p
    return np.stack([sigma * y - sigma * x, rho * x - x * z - y, x * y - beta * z])


CASES = (
    Case(
        name="lorenz",
        text=TEXT,
        rhs=rhs,
        reference=(-5.857685382424091, -5.831082486426098, 23.93213298702757),
        digits=16,
        origin="Lorenz (1963), J. Atmos. Sci. 20, 130, eqs. 25-27, r = 28",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="all components are of size ten",
        stiff=False,
    ),
)
