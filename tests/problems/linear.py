"""Linear equations with closed forms: decay, a damped rotation, and a forced one that depends on time."""

from __future__ import annotations

import math

import numpy as np

from .case import Case

_CLOSED = "closed form"
_ONE = "all components are of size one at the end"

DECAY_TEXT = """
model Decay "exponential decay"
  param rate = 0.5
  state mass = 3
  time 0 .. 2

  mass' = -rate*mass
end
"""


def decay_rhs(u, p, t):
    """u' = -rate u."""
    return np.stack([-p[0] * u[0]])


def decay_exact(t: float) -> np.ndarray:
    """3 exp(-t/2)."""
    return np.array([3 * math.exp(-0.5 * t)])


ROTATION_TEXT = """
model Rotation "damped rotation: eigenvalues -a ± i w"
  param a = 0.25, w = 3
  state x = 1, y = 0.5
  time 0 .. 4

  x' = -a*x - w*y
  y' = w*x - a*y
end
"""


def rotation_rhs(u, p, t):
    """(x, y)' = [[-a, -w], [w, -a]] (x, y)."""
    (x, y), (a, w) = u, p
    return np.stack([-(a * x + w * y), w * x - a * y])


def rotation_exact(t: float) -> np.ndarray:
    """exp((-a + i w) t) (1 + i/2) as real and imaginary part."""
    decay, cosine, sine = math.exp(-0.25 * t), math.cos(3 * t), math.sin(3 * t)
    return np.array([decay * (cosine - 0.5 * sine), decay * (sine + 0.5 * cosine)])


FORCED_TEXT = """
model Forced "a linear equation driven by a sine"
  param k = 2, w = 5
  state x = 1
  time 0 .. 3

  x' = -k*x + sin(w*t)
end
"""


def forced_rhs(u, p, t):
    """x' = -k x + sin(w t)."""
    k, w = p
    return np.stack([np.sin(w * t) - k * u[0]])


def forced_exact(t: float) -> np.ndarray:
    """(1 + w/(k² + w²)) exp(-k t) + (k sin(w t) - w cos(w t))/(k² + w²)."""
    return np.array([(1 + 5 / 29) * math.exp(-2 * t) + (2 * math.sin(5 * t) - 5 * math.cos(5 * t)) / 29])


def _case(name: str, text: str, rhs, exact, end: float) -> Case:
    return Case(
        name=name, text=text, rhs=rhs, reference=tuple(exact(end).tolist()), digits=15, origin="own",
        reference_origin=_CLOSED, floor=1.0, floor_reason=_ONE, stiff=False, exact=exact,
    )  # fmt: skip


CASES = (
    _case("decay", DECAY_TEXT, decay_rhs, decay_exact, 2.0),
    _case("rotation", ROTATION_TEXT, rotation_rhs, rotation_exact, 4.0),
    _case("forced", FORCED_TEXT, forced_rhs, forced_exact, 3.0),
)
