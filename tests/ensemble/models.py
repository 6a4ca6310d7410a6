"""Models of the tests of ensembles."""

from __future__ import annotations

import numpy as np

import symde

LOTKA = symde.ode_def("""
model Lotka
  param a = 1.5, b = 1, c = 3, d = 1
  state x = 1 [kg], y = 1 [kg]
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -c*y + d*x*y
  total = a*x + y
end
""")

DECAY = symde.ode_def("""
model Decay
  param k = 0.5
  param twice = 2*k
  state x = twice
  time 0 .. 2
  x' = -k*x
end
""")

BLOWUP = symde.ode_def("""
model Blowup
  param k = 1
  state x = 1
  time 0 .. 2
  x' = k*x^2
end
""")

ROBER = symde.ode_def("""
model Robertson
  param k1 = 0.04, k2 = 3e7, k3 = 1e4
  state y1 = 1, y2 = 0, y3 = 0
  time 0 .. 1e4
  y1' = -k1*y1 + k3*y2*y3
  y2' = k1*y1 - k2*y2^2 - k3*y2*y3
  y3' = k2*y2^2
end
""")


def lotka_parameters(n: int) -> np.ndarray:
    """Parameters of n members, shape (n, 4)."""
    return np.array([1.5, 1.0, 3.0, 1.0]) * np.random.default_rng(5).uniform(0.7, 1.3, (n, 4))


def rober_parameters(n: int) -> np.ndarray:
    """Parameters of n members, shape (n, 3)."""
    return np.array([0.04, 3e7, 1e4]) * np.random.default_rng(6).uniform(0.8, 1.25, (n, 3))
