"""Differential-algebraic problems with known ends."""

from __future__ import annotations

import numpy as np

from tests.dae.systems import with_mass

ROBER = """
model Rober
  param k1 = 0.04, k2 = 3e7, k3 = 1e4
  state y1 = 1, y2 = 0, y3 = 0
  time 0 .. 1e5
  y1' = -k1*y1 + k3*y2*y3
  y2' = k1*y1 - k2*y2^2 - k3*y2*y3
  y3' = {third}
end
"""

AKZO = """
model Akzo
  param k1 = 18.7, k2 = 0.58, k3 = 0.09, k4 = 0.42, K = 34.4, klA = 3.3, Ks = 115.83, pCO2 = 0.9, H = 737
  state y1 = 0.444, y2 = 0.00123, y3 = 0, y4 = 0.007, y5 = 0, y6 = 0.36
  time 0 .. 180
  r1 = k1*y1^4*sqrt(y2)
  r2 = k2*y3*y4
  r3 = k2/K*y1*y5
  r4 = k3*y1*y4^2
  r5 = k4*y6^2*sqrt(y2)
  y1' = -2*r1 + r2 - r3 - r4
  y2' = -0.5*r1 - r4 - 0.5*r5 + klA*(pCO2/H - y2)
  y3' = r1 - r2 + r3
  y4' = -r2 + r3 - 2*r4
  y5' = r2 - r3 + r5
  y6' = Ks*y1*y4 - y6
end
"""

AKZO_END = np.array([
    0.1150794920661702, 0.1203831471567715e-2, 0.1611562887407974, 0.3656156421249283e-3,
    0.1708010885264404e-1, 0.4873531310307455e-2,
])  # fmt: skip
"""At t = 180. Source: F. Mazzia, C. Magherini, Test Set for Initial Value Problem Solvers, 2.4 (2008),
Chemical Akzo Nobel problem, II-2, table of the reference solution."""

AMPLIFIER = """
model Amplifier
  param Ub = 6, UF = 0.026, alpha = 0.99, beta = 1e-6, R0 = 1000, R = 9000
  param C1 = 1e-6, C2 = 2e-6, C3 = 3e-6, C4 = 4e-6, C5 = 5e-6
  state y1 = 0, y2 = 3, y3 = 3, y4 = 6, y5 = 3, y6 = 3, y7 = 6, y8 = 0
  time 0 .. 0.2
  g(x) = beta*(exp(x/UF) - 1)
  y1' = -0.1*sin(200*pi*t)/R0 + y1/R0
  y2' = -Ub/R + y2*(1/R + 1/R) - (alpha - 1)*g(y2 - y3)
  y3' = -g(y2 - y3) + y3/R
  y4' = -Ub/R + y4/R + alpha*g(y2 - y3)
  y5' = -Ub/R + y5*(1/R + 1/R) - (alpha - 1)*g(y5 - y6)
  y6' = -g(y5 - y6) + y6/R
  y7' = -Ub/R + y7/R + alpha*g(y5 - y6)
  y8' = y8/R
end
"""

AMPLIFIER_MASS = (
    ("y1", "y1", -1e-6), ("y1", "y2", 1e-6), ("y2", "y1", 1e-6), ("y2", "y2", -1e-6), ("y3", "y3", -2e-6),
    ("y4", "y4", -3e-6), ("y4", "y5", 3e-6), ("y5", "y4", 3e-6), ("y5", "y5", -3e-6), ("y6", "y6", -4e-6),
    ("y7", "y7", -5e-6), ("y7", "y8", 5e-6), ("y8", "y7", 5e-6), ("y8", "y8", -5e-6),
)  # fmt: skip
"""Capacitors C1 to C5; three pairs of rows depend on each other."""

AMPLIFIER_END = np.array([
    -0.5562145012262709e-2, 0.3006522471903042e1, 0.2849958788608128e1, 0.2926422536206241e1,
    0.2704617865010554e1, 0.2761837778393145e1, 0.4770927631616772e1, 0.1236995868091548e1,
])  # fmt: skip
"""At t = 0.2. Source: Mazzia, Magherini (2008), transistor amplifier, II-9, table of the reference
solution."""

BRIDGE = """
model Bridge
  param V = 10, f = 50, Is = 1e-14, UT = 0.026, G = 1e-9, C = 1e-4, R = 1000
  state p = 0, n = 0
  time 0 .. 0.1
  diode(v) = Is*(exp(v/UT) - 1) + G*v
  source = V*sin(2*pi*f*t)
  C*(p' - n') = diode(-p) + diode(source - p) - (p - n)/R
  C*(p' - n') = diode(n) + diode(n - source) - (p - n)/R
end
"""
"""A bridge rectifier between a source with one end at ground and a capacitor with a load, index 1: the
constraint that no charge gathers on the capacitor is flatter by 1e7 while no diode conducts."""

RECTIFIED = """
model Rectified
  param V = 10, f = 50, Is = 1e-14, UT = 0.026, G = 1e-9, C = 1e-4, R = 1000
  state w = 0
  time 0 .. 0.1
  diode(v) = Is*(exp(v/UT) - 1) + G*v
  source = V*sin(2*pi*f*t)
  w' = (diode((source - w)/2) + diode((-source - w)/2) - w/R)/C
end
"""
"""The same as a differential equation of w = p - n: by the symmetry of the four diodes p + n = source."""


def rober_ode():
    """Robertson's reaction as differential equations."""
    return with_mass(ROBER.format(third="k2*y2^2"))


def rober():
    """The same with the conservation of mass in place of the third."""
    return with_mass(ROBER.format(third="y1 + y2 + y3 - 1"), algebraic=("y3",))


def akzo():
    """The chemical Akzo Nobel problem, index 1."""
    return with_mass(AKZO, algebraic=("y6",))


def amplifier():
    """The transistor amplifier, index 1, with a singular M that has no empty row."""
    return with_mass(AMPLIFIER, AMPLIFIER_MASS)
