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
  state x = 2, y = 0
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
"""The scaled problem at t = 2. Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem VDPOL."""

CASES = (
    Case(
        name="vanderpol_1e3",
        text=TEXT,
        rhs=rhs,
        reference=(1.70616773217, -0.0008928097010248),
        published=(PUBLISHED[0], 1e-3 * PUBLISHED[1]),
        digits=13,
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
        reference=(1.70616773217, -0.8928097010248),
        published=PUBLISHED,
        digits=13,
        origin="Hairer & Wanner II (1996), section IV.1; u0 = (2, 0) as in the Test Set for IVP Solvers",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1.0,
        floor_reason="both components are of size one where the span ends",
        stiff=True,
    ),
)
