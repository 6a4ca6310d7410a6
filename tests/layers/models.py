"""Models with closed solutions in torch, and the seed's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import symde

SEASONS = symde.ode_def("""
model Seasons "logistic growth whose speed follows the seasons"
  param r = 0.7, K = 2
  state x = 0.5
  time 0 .. 3
  x' = r*cos(t)*x*(1 - x/K)
end
""")

FOLLOWING = symde.ode_def("""
model Following "initial value, a parameter and the time span follow parameters"
  param r = 0.7, K = 2*r + 0.6, length = 3
  state x = 0.25*K
  time 0.1*r .. length
  x' = r*cos(t)*x*(1 - x/K)
end
""")

LOTKA = symde.ode_def("""
model Lotka
  param a = 2.2, b = 1, c = 2, d = 0.4
  state x = 1, y = 1
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -c*y + d*x*y
end
""")

SEASONS_PROBLEM = symde.Problem(SEASONS)
FOLLOWING_PROBLEM = symde.Problem(FOLLOWING)
LOTKA_PROBLEM = symde.Problem(LOTKA)

TIGHT: dict[str, Any] = dict(method="Vern9", rtol=1e-11, atol=1e-13)
"""What is left of the solver's error is far below what is compared."""

CLOSE = dict(rtol=1e-7, atol=1e-8)


def seasons(p: Tensor, u0: Tensor, t0: Any, times: Tensor) -> Tensor:
    """The solution of Seasons at some times, shape (T, 1): logistic growth in sin(t)."""
    r, capacity = p.unbind(-1)
    grown = torch.exp(-r * (torch.sin(times) - torch.sin(torch.as_tensor(t0, dtype=times.dtype))))
    return (capacity / (1.0 + (capacity / u0[..., 0] - 1.0) * grown))[..., None]


def double(*values: float) -> Tensor:
    """A vector of float64."""
    return torch.tensor(values, dtype=torch.float64)
