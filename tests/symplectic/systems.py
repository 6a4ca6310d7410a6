"""Systems of positions and momenta, with known solutions or known invariants."""

from __future__ import annotations

import functools

import numpy as np

import symde
from symde.engine.methods import registry

SPLITTING = [method for method in registry.methods() if method.family == "symplectic"]
NYSTROM = [method for method in registry.methods() if method.family == "nystrom"]
GAUSS = [method for method in registry.methods() if method.family == "gauss"]

# q = 2 + cos t, p = 2 + sin t: both halves nonlinear, and explicit in t
GENERAL = """
model General
  state q = 3, p = 2
  q' = -(p - 2)*p^2/(2 + sin(t))^2
  p' = (q - 2)*q^2/(2 + cos(t))^2
end
"""

# q = 2 + cos t, p = -sin t: what is left to methods for second-order equations
FORCED = """
model Forced
  state q = 3
  q'(t0) = 0
  q'' = -(q - 2)*q^2/(2 + cos(t))^2
end
"""

KEPLER = """
model Kepler
  param e = 0.6
  state x = 1 - e, y = 0, u = 0, v = sqrt((1 + e)/(1 - e))
  time 0 .. 2*pi
  hamiltonian H = (u^2 + v^2)/2 - 1/sqrt(x^2 + y^2) for (x, u), (y, v)
  L = x*v - y*u
end
"""

HENON_HEILES = """
model HenonHeiles
  state x = 0, y = 0.1, px = 0.5, py = 0
  time 0 .. 100
  hamiltonian H = (px^2 + py^2)/2 + (x^2 + y^2)/2 + x^2*y - y^3/3 for (x, px), (y, py)
end
"""

# no positions and momenta: each equation reads both states
COUPLED = """
model Coupled
  state q = 1, p = 0
  time 0 .. 10
  hamiltonian H = (p^2 + 1)*(q^2 + 1)/2 for (q, p)
end
"""


@functools.cache
def model(text: str) -> symde.Model:
    return symde.ode_def(text)


def problem(text: str, **changes) -> symde.Problem:
    return symde.Problem(model(text), **changes)


def known(method) -> tuple[str, object]:
    """The widest of the two systems that a method solves, and its solution."""
    if method.family == "nystrom" or getattr(method, "nystrom", False):
        return FORCED, lambda t: np.stack([2 + np.cos(t), -np.sin(t)], axis=-1)
    return GENERAL, lambda t: np.stack([2 + np.cos(t), 2 + np.sin(t)], axis=-1)


def energies(t, u):
    """The energy of Kepler's problem."""
    return (u[:, 2] ** 2 + u[:, 3] ** 2) / 2 - 1 / np.hypot(u[:, 0], u[:, 1])
