"""The ring modulator: a circuit of four diodes that mixes two voltages, with small capacities."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """model RingModulator "15 voltages and currents"
  const C = 1.6e-8, Cs = 2e-12, Cp = 1e-8, R = 25e3, Rp = 50
  const Lh = 4.45, Ls1 = 0.002, Ls2 = 5e-4, Ls3 = 5e-4
  const Rg1 = 36.3, Rg2 = 17.3, Rg3 = 17.3, Ri = 50, Rc = 600
  param gamma = 40.67286402e-9, delta = 17.7493332
  state y1 = 0, y2 = 0, y3 = 0, y4 = 0, y5 = 0, y6 = 0, y7 = 0, y8 = 0
  state y9 = 0, y10 = 0, y11 = 0, y12 = 0, y13 = 0, y14 = 0, y15 = 0
  time 0 .. 1e-3

  in1 = 0.5*sin(2e3*pi*t)
  in2 = 2*sin(2e4*pi*t)
  diode(u) = gamma*(exp(delta*u) - 1)
  q1 = diode(y3 - y5 - y7 - in2)
  q2 = diode(-y4 + y6 - y7 - in2)
  q3 = diode(y4 + y5 + y7 + in2)
  q4 = diode(-y3 - y6 + y7 + in2)
  y1' = (y8 - 0.5*y10 + 0.5*y11 + y14 - y1/R)/C
  y2' = (y9 - 0.5*y12 + 0.5*y13 + y15 - y2/R)/C
  y3' = (y10 - q1 + q4)/Cs
  y4' = (-y11 + q2 - q3)/Cs
  y5' = (y12 + q1 - q3)/Cs
  y6' = (-y13 - q2 + q4)/Cs
  y7' = (-y7/Rp + q1 + q2 - q3 - q4)/Cp
  y8' = -y1/Lh
  y9' = -y2/Lh
  y10' = (0.5*y1 - y3 - Rg2*y10)/Ls2
  y11' = (-0.5*y1 + y4 - Rg3*y11)/Ls3
  y12' = (0.5*y2 - y5 - Rg2*y12)/Ls2
  y13' = (-0.5*y2 + y6 - Rg3*y13)/Ls3
  y14' = (-y1 + in1 - (Ri + Rg1)*y14)/Ls1
  y15' = (-y2 - (Rc + Rg1)*y15)/Ls1
end
"""


def rhs(u, p, t):
    """The equations of the test set, with the same constants."""
    y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15 = u
    gamma, delta = p
    C, Cs, Cp, R, Rp, Lh, Ls1, Ls2 = 1.6e-8, 2e-12, 1e-8, 25e3, 50, 4.45, 0.002, 5e-4
    in1, in2 = 0.5 * np.sin(2e3 * np.pi * t), 2 * np.sin(2e4 * np.pi * t)
    drops = (y3 - y5 - y7 - in2, -y4 + y6 - y7 - in2, y4 + y5 + y7 + in2, -y3 - y6 + y7 + in2)
    q1, q2, q3, q4 = (gamma * (np.exp(delta * drop) - 1) for drop in drops)
    return np.stack(
        [
            (y8 - 0.5 * y10 + 0.5 * y11 + y14 - y1 / R) / C,
            (y9 - 0.5 * y12 + 0.5 * y13 + y15 - y2 / R) / C,
            (y10 - q1 + q4) / Cs,
            (-y11 + q2 - q3) / Cs,
            (y12 + q1 - q3) / Cs,
            (-y13 - q2 + q4) / Cs,
            (-y7 / Rp + q1 + q2 - q3 - q4) / Cp,
            -y1 / Lh,
            -y2 / Lh,
            (0.5 * y1 - y3 - 17.3 * y10) / Ls2,
            (-0.5 * y1 + y4 - 17.3 * y11) / Ls2,
            (0.5 * y2 - y5 - 17.3 * y12) / Ls2,
            (-0.5 * y2 + y6 - 17.3 * y13) / Ls2,
            (-y1 + in1 - 86.3 * y14) / Ls1,
            (-y2 - 636.3 * y15) / Ls1,
        ]
    )


PUBLISHED = (
    -0.02339057358486745, -0.007367485485540825, 0.2582956709291169, -0.4064465721283450, -0.4039455665149794,
    0.2607966765422943, 0.1106761861269975, 2.939904342435596e-07, -2.840029933642329e-08,
    7.267198267264553e-04, 7.929487196960840e-04, -7.255283495698965e-04, -7.941401968526521e-04,
    7.088495416976114e-05, 2.390059075236570e-05,
)  # fmt: skip
"""At t = 1e-3. Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem RINGMOD."""

CASES = (
    Case(
        name="ring",
        text=TEXT,
        rhs=rhs,
        reference=PUBLISHED,
        published=PUBLISHED,
        digits=9,
        origin="Horneber (1976); Test Set for IVP Solvers (Mazzia & Magherini 2008), Cs = 2e-12",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1e-6,
        floor_reason="the currents are between 1e-7 and 1e-3",
        stiff=True,
    ),
)
