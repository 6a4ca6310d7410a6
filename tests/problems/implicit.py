"""Differential-algebraic problems with known ends, in the words of `grammar/examples`.

What each is called in `reference` may be a state of what is solved or an observed quantity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import ellipj

import symde

EXAMPLES = Path(__file__).parents[2] / "grammar" / "examples"


@dataclass(frozen=True, slots=True)
class ImplicitCase:
    """A problem with algebraic equations and a known end.

    Attributes:
        name: Name of its file.
        reference: Values at the end of the span, by name.
        reference_origin: Where they are from.
        index: Differentiation index of the equations as written.
        floor: Size below which a value counts as small.
        growth: What the end error may be in units of the relative tolerance of the steps.
    """

    name: str
    reference: dict[str, float]
    reference_origin: str
    index: int
    floor: float
    growth: float

    @property
    def model(self) -> symde.Model:
        """The model, read once."""
        return _model(self.name)

    @property
    def problem(self) -> symde.Problem:
        """The problem to solve."""
        return symde.Problem(self.model)

    def error(self, solution: symde.Solution) -> float:
        """Equal error at the end: the largest |value - reference| / (floor + |reference|)."""
        return max(
            abs(solution[name][-1] - value) / (self.floor + abs(value))
            for name, value in self.reference.items()
        )


@cache
def _model(name: str) -> symde.Model:
    return symde.load(EXAMPLES / f"{name}.symde")


def pendulum_end(t: float = 10.0, g: float = 9.81, length: float = 1.0) -> dict[str, float]:
    """From rest at the height of the pivot: sin(θ/2) = k cd(ω t, k²), with θ from below and k = sin(π/4).

    Source: L. D. Landau, E. M. Lifshitz, Mechanics (1976), section 11, problem 1.
    """
    k, omega = np.sin(np.pi / 4), np.sqrt(g / length)
    sn, cn, dn, _ = ellipj(omega * t, k**2)
    half = np.arcsin(k * cn / dn)
    # d/dt cd(u) = -(1 - k²) sn/dn² ω, and cos(θ/2) θ'/2 = k d/dt cd
    rate = -2 * k * (1 - k**2) * omega * sn / dn**2 / np.cos(half)
    x, y = length * np.sin(2 * half), -length * np.cos(2 * half)
    tension = rate**2 + g * np.cos(2 * half) / length
    return {"x": x, "y": y, "x'": -y * rate, "y'": x * rate, "T": tension}


def capacitor_end(t: float = 0.04) -> dict[str, float]:
    """(C1 + C2) v2' + v2/R = C1 v3' with v3 = U sin(w t) and v2(0) = 0: a linear equation."""
    c1, c2, c3, r, u, w = 1e-6, 2e-6, 5e-7, 1000.0, 5.0, 2 * np.pi * 50
    tau = r * (c1 + c2)
    # v2 = a sin(w t) + b (cos(w t) - exp(-t/tau))
    b = c1 * u * w * r / (1 + (w * tau) ** 2)
    a = b * w * tau
    v2 = a * np.sin(w * t) + b * (np.cos(w * t) - np.exp(-t / tau))
    slope2 = a * w * np.cos(w * t) + b * (-w * np.sin(w * t) + np.exp(-t / tau) / tau)
    v3, slope3 = u * np.sin(w * t), u * w * np.cos(w * t)
    i1, i3 = c1 * (slope3 - slope2), c3 * slope3
    return {"v1": v3 - v2, "v2": v2, "v3": v3, "i1": i1, "i2": c2 * slope2, "i3": i3, "source": i1 + i3}


_TEST_SET = "F. Mazzia, C. Magherini, Test Set for Initial Value Problem Solvers, release 2.4 (2008), "

_CASES = (
    ImplicitCase(
        "robertson_dae",
        {"y1": 0.1786592114209946e-1, "y2": 0.7274751468436319e-7, "y3": 0.9821340061103859},
        "Cash's MEBDF driver for ROBER (2005), after Hairer's test set of stiff problems",
        index=1,
        floor=1e-8,  # y2 is 7e-8 at the end
        growth=30,
    ),
    ImplicitCase(
        "akzo_nobel",
        {
            "y1": 0.1150794920661702,
            "y2": 0.1203831471567715e-2,
            "y3": 0.1611562887407974,
            "y4": 0.3656156421249283e-3,
            "y5": 0.1708010885264404e-1,
            "y6": 0.4873531310307455e-2,
        },  # fmt: skip
        _TEST_SET + "Chemical Akzo Nobel problem",
        index=1,
        floor=1e-3,  # y4 is 4e-4 at the end
        growth=30,
    ),
    ImplicitCase(
        "transistor_amplifier",
        {
            "u1": -0.5562145012262709e-2,
            "u2": 0.3006522471903042e1,
            "u3": 0.2849958788608128e1,
            "u4": 0.2926422536206241e1,
            "u5": 0.2704617865010554e1,
            "u6": 0.2761837778393145e1,
            "u7": 0.4770927631616772e1,
            "u8": 0.1236995868091548e1,
        },  # fmt: skip
        _TEST_SET + "Transistor amplifier",
        index=1,
        floor=1.0,  # volts
        growth=100,
    ),
    ImplicitCase("capacitor_loop", capacitor_end(), "closed form", index=2, floor=1.0, growth=30),
    ImplicitCase(
        "pendulum_cartesian",
        pendulum_end(),
        "closed form",
        index=3,
        floor=1.0,
        growth=300,  # five swings, each of which adds to the error of the phase
    ),
    ImplicitCase(
        "squeezer",
        {
            "β": 0.1581077119629904e2,
            "Θ": -0.1575637105984298e2,
            "γ": 0.4082224013073101e-1,
            "Φ": -0.5347301163226948,
            "δ": 0.5244099658805304,
            "Ω": 0.5347301163226948,
            "ε": 0.1048080741042263e1,
        },  # fmt: skip
        _TEST_SET + "Andrews' squeezing mechanism",
        index=3,
        floor=1.0,
        growth=100,
    ),
)
_BY_NAME = {case.name: case for case in _CASES}

SQUEEZER_FORCES = (
    0.1991753333731910e3, -0.2975531228015052e2, 0.2306654119098399e2, 0.3145271365475927e2,
    0.2264249232082739e2, 0.1161740700019673e2,
)  # fmt: skip
"""Constraint forces of the squeezing mechanism at its end, from the same source."""

SQUEEZER_VELOCITIES = {
    "β'": 0.1139920302151208e4, "Θ'": -0.1424379294994111e4, "γ'": 0.1103291221937134e2,
    "Φ'": 0.1929337464421385e2, "δ'": 0.5735699284790808, "Ω'": -0.1929337464421385e2,
    "ε'": 0.3231791658026955,
}  # fmt: skip
"""The angles' velocities, from the same source."""


def implicit_names() -> tuple[str, ...]:
    """Names of all problems with algebraic equations, simple ones first."""
    return tuple(_BY_NAME)


def get_implicit(name: str) -> ImplicitCase:
    """The problem of a name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]
