"""Van der Pol's oscillator, in its own time and in the time of its slow phase."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model VanDerPol "van der Pol (1926), relaxation oscillations"
  param mu = 1000
  state x = 2, y = 0
  time 0 .. 2000

  x' = y
  y' = mu*(1 - x^2)*y - x
end
"""

SCALED_TEXT = """
model VanDerPolScaled "van der Pol in the time of the slow phase"
  param eps = 1e-6
  state x = 2, y = -0.66
  time 0 .. 2

  x' = y
  y' = ((1 - x^2)*y - x)/eps
end
"""


def rhs(u, p, t):
    """x'' = mu (1 - x²) x' - x."""
    x, y = u
    return np.stack([y, p[0] * (y - x * x * y) - x])


def scaled_rhs(u, p, t):
    """eps x'' = (1 - x²) x' - x."""
    x, y = u
    return np.stack([y, (y - x * x * y - x) / p[0]])


PUBLISHED = (0.1706167732170483e1, -0.8928097010247975)
"""At t = 2 of the scaled problem. Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem VDPOL."""

CASES = (
    Case(
        name="vanderpol_1e3",
        text=TEXT,
        rhs=rhs,
        reference=(PUBLISHED[0], PUBLISHED[1] * 1e-3),
        digits=12,
        origin="van der Pol (1926), Phil. Mag. 2, 978; Test Set for IVP Solvers (Mazzia & Magherini 2008)",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1e-3,
        floor_reason="y is -9e-4 in the slow phase, where the span ends",
        stiff=True,
    ),
    Case(
        name="vanderpol_1e6",
        text=SCALED_TEXT,
        rhs=scaled_rhs,
        reference=PUBLISHED,
        digits=12,
        origin="Hairer & Wanner II (1996), eq. IV.1.5', and p. 144: eps = 1e-6, y(0) = (2, -0.66)",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1.0,
        floor_reason="both components are of size one where the span ends",
        stiff=True,
    ),
)
