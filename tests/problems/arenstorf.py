"""Arenstorf's orbit: a satellite that comes back after four loops around earth and moon."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """model Arenstorf "the restricted problem of three bodies"
  param mu = 0.012277471
  state x = 0.994, y = 0, v = 0, w = -2.00158510637908252240537862224
  time 0 .. 17.0652165601579625588917206249

  earth = ((x + mu)^2 + y^2)^1.5
  moon = ((x - 1 + mu)^2 + y^2)^1.5
  x' = v
  y' = w
  v' = x + 2*w - (1 - mu)*(x + mu)/earth - mu*(x - 1 + mu)/moon
  w' = y - 2*v - (1 - mu)*y/earth - mu*y/moon
end
"""


def rhs(u, p, t):
    """The equations of Hairer, Norsett & Wanner I, (0.1)."""
    x, y, v, w = u
    mu = p[0]
    near, far = x + mu, x - 1 + mu
    earth, moon = (near * near + y * y) ** 1.5, (far * far + y * y) ** 1.5
    return np.stack(
        [
            v,
            w,
            x + 2 * w - (1 - mu) * near / earth - mu * far / moon,
            y - 2 * v - (1 - mu) * y / earth - mu * y / moon,
        ]
    )


CASES = (
    Case(
        name="arenstorf",
        text=TEXT,
        rhs=rhs,
        reference=(0.994, 0.0, 0.0, -2.00158510637908252240537862224),
        digits=10,
        origin="Arenstorf (1963), American Journal of Mathematics 85, 27; Hairer, Norsett & Wanner I, II.0",
        reference_origin="the orbit is closed: Hairer, Norsett & Wanner I, (0.1)",
        floor=1.0,
        floor_reason="all components are of size one",
        stiff=False,
        growth=1500,  # each passage of the moon magnifies errors
    ),
)
