"""HIRES: high irradiance responses of a plant's photomorphogenesis, eight reacting substances."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model Hires "Schäfer (1975), high irradiance responses of photomorphogenesis"
  param k = 280, source = 0.0007
  state y1 = 1, y2 = 0, y3 = 0, y4 = 0, y5 = 0, y6 = 0, y7 = 0, y8 = 0.0057
  time 0 .. 321.8122

  dy1 = -1.71*y1 + 0.43*y2 + 8.32*y3 + source
  dy2 = 1.71*y1 - 8.75*y2
  dy3 = -10.03*y3 + 0.43*y4 + 0.035*y5
  dy4 = 8.32*y2 + 1.71*y3 - 1.12*y4
  dy5 = -1.745*y5 + 0.43*y6 + 0.43*y7
  dy6 = -k*y6*y8 + 0.69*y4 + 1.71*y5 - 0.43*y6 + 0.69*y7
  dy7 = k*y6*y8 - 1.81*y7
  dy8 = -k*y6*y8 + 1.81*y7
end
"""

_LINEAR = np.array([
    [-1.71, 0.43, 8.32, 0, 0, 0, 0, 0],
    [1.71, -8.75, 0, 0, 0, 0, 0, 0],
    [0, 0, -10.03, 0.43, 0.035, 0, 0, 0],
    [0, 8.32, 1.71, -1.12, 0, 0, 0, 0],
    [0, 0, 0, 0, -1.745, 0.43, 0.43, 0],
    [0, 0, 0, 0.69, 1.71, -0.43, 0.69, 0],
    [0, 0, 0, 0, 0, 0, -1.81, 0],
    [0, 0, 0, 0, 0, 0, 1.81, 0],
])  # fmt: skip


def rhs(u, p, t):
    """A linear network, one source, and one reaction of two substances."""
    k, source = p
    result = _LINEAR @ u
    bound = k * u[5] * u[7]
    result[0] += source
    result[5] -= bound
    result[6] += bound
    result[7] -= bound
    return result


PUBLISHED = (
    0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2,
    0.2386356198831331e-2, 0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2,
)  # fmt: skip
"""Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem HIRES."""

CASES = (
    Case(
        name="hires",
        text=TEXT,
        rhs=rhs,
        reference=(
            0.000737131257333,
            0.000144248572632,
            5.88872974097e-05,
            0.00117565134328,
            0.00238635619883,
            0.00623896825274,
            0.00284999839519,
            0.00285000160481,
        ),  # fmt: skip
        published=PUBLISHED,
        digits=12,
        origin="Schäfer (1975); Gottwald (1977); Hairer & Wanner II (1996), section IV.10",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1e-4,
        floor_reason="the end values lie between 6e-5 and 6e-3",
        stiff=True,
    ),
)
