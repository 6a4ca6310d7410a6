"""ROBER: Robertson's autocatalytic reaction, rate constants over nine orders of magnitude."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model Rober "Robertson (1966), autocatalysis"
  param k1 = 0.04, k2 = 3e7, k3 = 1e4
  state y1 = 1, y2 = 0, y3 = 0
  time 0 .. 1e5

  dy1 = -k1*y1 + k3*y2*y3
  dy2 =  k1*y1 - k2*y2^2 - k3*y2*y3
  dy3 =  k2*y2^2
end
"""


def rhs(u, p, t):
    """A -> B, 2 B -> C + B, B + C -> A + C."""
    (y1, y2, y3), (k1, k2, k3) = u, p
    slow, fast, back = k1 * y1, k2 * y2 * y2, k3 * y2 * y3
    return np.stack([back - slow, slow - back - fast, fast])


_ORIGIN = "Robertson (1966), in Walsh, Numerical Analysis, p. 178; Hairer & Wanner II (1996), section IV.1"
_REFERENCE = "own computation, see make_references.py; Test Set for IVP Solvers (Mazzia & Magherini 2008)"

PUBLISHED_1E5 = (0.1786592114209946e-1, 0.7274751468436319e-7, 0.9821340061103859)
"""Source: Cash's MEBDF driver for ROBER (2005), after Hairer's test set of stiff problems."""

PUBLISHED_1E11 = (0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050)
"""Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem ROBER."""

CASES = (
    Case(
        name="rober_1e5",
        text=TEXT,
        rhs=rhs,
        reference=(0.0178659211421, 7.274751468436e-08, 0.9821340061104),
        published=PUBLISHED_1E5,
        digits=13,
        origin=_ORIGIN,
        reference_origin=_REFERENCE,
        floor=1e-8,
        floor_reason="y2 is 7e-8 at the end and never more than 4e-5",
        stiff=True,
    ),
    Case(
        name="rober_1e11",
        text=TEXT,
        rhs=rhs,
        reference=(2.083340149701e-08, 8.333360770335e-14, 0.9999999791665),
        published=PUBLISHED_1E11,
        digits=13,
        origin=_ORIGIN,
        reference_origin=_REFERENCE,
        floor=1e-13,
        floor_reason="y2 is 8e-14 at the end and y1 2e-8",
        stiff=True,
        tspan=(0.0, 1e11),
    ),
)
