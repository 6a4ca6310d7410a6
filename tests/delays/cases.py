"""Delay equations whose solution is known in closed form, each with its origin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import symde


@dataclass(frozen=True)
class Case:
    """A problem and its solution.

    Attributes:
        text: The model.
        tspan: Its span.
        exact: The first state at times (k,).
        vanishes: Whether a delay becomes 0, so that some methods refuse it.
    """

    text: str
    tspan: tuple[float, float]
    exact: Callable[[np.ndarray], np.ndarray]
    vanishes: bool = False

    @property
    def problem(self) -> symde.Problem:
        return symde.Problem(symde.ode_def(self.text), tspan=self.tspan)

    @property
    def times(self) -> np.ndarray:
        return np.linspace(*self.tspan, 401)


def by_steps(t: np.ndarray, sign: float, constant: float) -> np.ndarray:
    """x' = sign*x(t - 1) with x = constant before 0 and x(0) = 1, by the method of steps."""
    jump = 1.0 - constant
    total = np.full_like(t, 1.0)
    for k in range(1, 12):
        # the constant history gives (t - k + 1)^k/k!, the jump at 0 the same one delay later
        total += constant * sign**k * np.where(t > k - 1, (t - k + 1) ** k, 0.0) / math.factorial(k)
        total += jump * sign**k * np.where(t > k, (t - k) ** k, 0.0) / math.factorial(k)
    return total


def two_delays(t: np.ndarray) -> np.ndarray:
    """x' = -x(t - 1) - x(t - 1.5), x = 1 until 0: by steps up to t = 2.5."""
    first = 1 - 2 * t
    # from 1 on the first term reads 1 - 2(t - 1)
    second = np.where(t > 1, (t - 1) ** 2, 0.0)
    third = np.where(t > 1.5, (t - 1.5) ** 2, 0.0)
    # from 2 on it reads the square too: its integral, with the sign turned once more
    fourth = np.where(t > 2, -((t - 2) ** 3) / 3, 0.0)
    return first + second + third + fourth


def zigzag(t: np.ndarray) -> np.ndarray:
    """x' = -x'(t - 1), x = t before 0: slopes -1, 1, -1, ..."""
    k = np.floor(t)
    return np.where(k % 2 == 0, -(t - k), t - k - 1)


def wille_baker(t: np.ndarray) -> np.ndarray:
    """y' = y + y(t - 1) - y'(t - 1)/4, y = -t before 0, solved by steps on 0..2."""
    s = t - 1
    first = -0.25 + t + np.exp(t) / 4
    second = -s - 0.5 + (3 * s / 16 + 1.25 + math.e / 4) * np.exp(s)
    return np.where(t <= 1, first, second)


def pantograph(t: np.ndarray) -> np.ndarray:
    """y' = -y(t/2), y(0) = 1: sum of (-1)^k 2^(-k(k-1)/2) t^k / k!."""
    return sum((-1) ** k * 0.5 ** (k * (k - 1) / 2) * t**k / math.factorial(k) for k in range(40))


def own_argument(t: np.ndarray) -> np.ndarray:
    """y' = y(y), y = 0.5 before 2, y(2) = 1: t/2 until y reaches 2, 2 exp(t/2 - 2) until it reaches 4."""
    end = 4 + 2 * math.log(2)
    third = 4 - 2 * np.log(np.maximum(1 + end - t, 1e-9))
    return np.where(t < 4, t / 2, np.where(t < end, 2 * np.exp(t / 2 - 2), third))


CASES = {
    "one delay": Case("state x = 1\nx' = -x(t - 1)", (0, 5.5), lambda t: by_steps(t, -1.0, 1.0)),
    # the solution is continuous, its derivative jumps one delay after the start
    "a jump at the start": Case(
        "state x = 1\nhistory x = 0\nx' = x(t - 1)", (0, 4.5), lambda t: by_steps(t, 1.0, 0.0)
    ),
    "two delays": Case("state x = 1\nx' = -x(t - 1) - x(t - 1.5)", (0, 2.5), two_delays),
    # E. Hairer, S. P. Norsett, G. Wanner (1993), II.17: sin t solves it with its own past
    "a history of t": Case("state x\nhistory x = sin(t)\nx' = x(t - 3*pi/2)", (0, 10), np.sin),
    # K. W. Neves, ACM TOMS 1 (1975); DDETST D1 of W. H. Enright, H. Hayashi, The evaluation of numerical
    # software for delay differential equations (1997): the delay vanishes at t = 1
    "Neves": Case(
        "state y1, y2\nhistory y1 = log(t), y2 = 1/t\ny1' = y2\n"
        "y2' = -y2(exp(1 - y2))*y2^2*exp(1 - y2)\ntime 0.1 .. 5",
        (0.1, 5.0),
        np.log,
        vanishes=True,
    ),
    # DDETST B1, from the same paper, after Neves (1975): y' = 1 - y(exp(1 - 1/t)), y = log t before 0.1
    "DDETST B1": Case(
        "state y\nhistory y = log(t)\ny' = 1 - y(exp(1 - 1/t))", (0.1, 10.0), np.log, vanishes=True
    ),
    # C. A. H. Paul, A test set of functional differential equations (1994): a jump, and kinks where the
    # argument passes it
    "its own argument": Case(
        "state y\ny(2) = 1\nhistory y = 0.5\ntime 2 .. 5.4\ny' = y(y)", (2, 5.4), own_argument
    ),
    "delay by state": Case("state y = 1\ny' = cos(t)*y(y - 2)", (0, 3), lambda t: 1 + np.sin(t)),
    "pantograph": Case("state y = 1\ny' = -y(t/2)", (0, 5), pantograph, vanishes=True),
}
"""Equations that read states; `NEUTRAL` holds those that read derivatives."""


def f2(t: np.ndarray) -> np.ndarray:
    """y' = y'(2t - 0.5), y = exp(-t^2) until 0.25: integrated, y(t) = y(0.25) + (y(2t - 0.5) - y(0))/2."""
    found, scale = np.zeros_like(t), np.ones_like(t)
    while (t > 0.25).any():
        late = t > 0.25
        found = np.where(late, found + scale * (math.exp(-0.0625) - 0.5), found)
        t, scale = np.where(late, 2 * t - 0.5, t), np.where(late, 0.5 * scale, scale)
    return found + scale * np.exp(-(t**2))


SWING = "0.5*t*(1 - cos(2*pi*t))"

NEUTRAL = {
    "zigzag": Case("state x\nhistory x = t\nx' = -x'(t - 1)", (0, 6.5), zigzag),
    # D. R. Wille, C. T. H. Baker, DELSOL, Applied Numerical Mathematics 9 (1992); solved by steps here
    "Wille and Baker": Case("state y\nhistory y = -t\ny' = y + y(t - 1) - y'(t - 1)/4", (0, 2), wille_baker),
    # cos t solves it with its own past; the delay t/2 vanishes at the start
    "Jackiewicz": Case(
        "state y\nhistory y = cos(t)\ny' = 1 + y - 2*y(t/2)^2 - y'(t - pi)", (0, 9), np.cos, vanishes=True
    ),
    # The rest is from W. H. Enright, H. Hayashi, The evaluation of numerical software for delay
    # differential equations (1997), DDETST F to H, and C. A. H. Paul, A test set of functional differential
    # equations (1994); the solutions are seen by putting them in. F1, F3 and F5 read what they are about to
    # find where the delay vanishes, at 0, and at 0.5, 1.5, ...; F1 has y'(0) = 2 there.
    "DDETST F1": Case(
        "state y\nhistory y = 1 + 2*t\n"
        "y' = 2*cos(2*t)*y(t/2)^(2*cos(t)) + log(y'(t/2)) - log(2*cos(t)) - sin(t)",
        (0, 1),
        lambda t: np.exp(np.sin(2 * t)),
        vanishes=True,
    ),
    "DDETST F2": Case(
        "state y\ny(0.25) = exp(-0.0625)\nhistory y = exp(-t^2)\ntime 0.25 .. 0.499\ny' = y'(2*t - 0.5)",
        (0.25, 0.499),
        f2,
    ),
    **{
        name: Case(
            f"state y = log(3)\ny' = exp(-y) + {factor}*(sin(y'({SWING})) - sin(1/(3 + {SWING})))",
            (0, 10),
            lambda t: np.log(t + 3),
            vanishes=True,
        )
        for name, factor in (("DDETST F3", 0.2), ("DDETST F5", 0.6))
    },
    "DDETST G1": Case("state y\nhistory y = 1 - t\ny' = -y'(t - y^2/4)", (0, 1), lambda t: t + 1),
    "DDETST G2": Case("state y\nhistory y = 1 - t\ny' = -y'(y - 2)", (0, 1), lambda t: t + 1),
    "DDETST H1": Case(
        "state y = 0\ny' = -4*t*y^2/(4 + log(cos(2*t))^2) + tan(2*t) + 0.5*atan(y'(t*y^2/(1 + y^2)))",
        (0, 0.225 * math.pi),
        lambda t: -np.log(np.cos(2 * t)) / 2,
        vanishes=True,
    ),
    "DDETST H2": Case(
        "state y = 0\ny' = cos(t)*(1 + y(t*y^2)) + 0.1*y*y'(t*y^2) + 0.9*sin(t)*cos(t*sin(t)^2)"
        " - sin(t + t*sin(t)^2)",
        (0, math.pi),
        np.sin,
        vanishes=True,
    ),
}
