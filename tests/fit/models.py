"""Small models with data of their own solutions, for tests of losses and fits."""

from __future__ import annotations

from functools import cache

import numpy as np

import symde

LOTKA = """
model Lotka
  param a = 1.5 in (0, 10), b = 1 in (0, 10), c = 3 in (0, 10), d = 1 in (0, 10)
  param noise = 0.5 in (0, 10), double = 2*a
  state x = 1, y = a/1.5
  time 0 .. 4
  x' = a*x - b*x*y
  y' = d*x*y - c*y
  product = double*x*y
  spread = noise*(1 + 0.1*x)
end
"""

LINE = """
model Line
  param slope = 1
  state y = 0
  time 0 .. 10
  y' = slope
end
"""

DECAY = """
model Decay
  param k = 0.7 in (0, 20), noise = 0.1 in (0, 10)
  state x = 2
  time 0 .. 5
  x' = -k*x
  squared = x^2
end
"""


@cache
def model(text: str) -> symde.Model:
    """The model of a text, made once."""
    return symde.ode_def(text)


def problem(text: str, **p: float) -> symde.Problem:
    """Its problem under some parameters."""
    return symde.remake(symde.Problem(model(text)), p=p)


def exact(text: str, times: np.ndarray, names: list[str], **conditions) -> np.ndarray:
    """Quantities at times, shape (n_times, k), ten digits or more."""
    solution = symde.solve(
        symde.remake(symde.Problem(model(text)), **conditions), "Vern9", saveat=times, rtol=1e-12, atol=1e-13
    )
    return np.stack([solution[name] for name in names], axis=1)


def differences(function, x: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Central differences of fourth order; the derivative is the last axis."""
    columns = []
    for unit in np.eye(len(x)) * step:
        near = np.asarray(function(x + unit)) - np.asarray(function(x - unit))
        far = np.asarray(function(x + 2 * unit)) - np.asarray(function(x - 2 * unit))
        columns.append((8 * near - far) / (12 * step))
    return np.stack(columns, axis=-1)
