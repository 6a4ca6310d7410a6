"""POLLU: chemistry of air pollution, 20 substances and 25 reactions."""

from __future__ import annotations

import numpy as np

from .case import Case

TEXT = """
model Pollu "Verwer (1994), the chemistry of air pollution"
  param k1 = 0.35, k2 = 26.6, k3 = 1.23e4, k4 = 8.6e-4, k5 = 8.2e-4
  param k6 = 1.5e4, k7 = 1.3e-4, k8 = 2.4e4, k9 = 1.65e4, k10 = 9e3
  param k11 = 0.022, k12 = 1.2e4, k13 = 1.88, k14 = 1.63e4, k15 = 4.8e6
  param k16 = 3.5e-4, k17 = 0.0175, k18 = 1e8, k19 = 4.44e11, k20 = 1240
  param k21 = 2.1, k22 = 5.78, k23 = 0.0474, k24 = 1780, k25 = 3.12

  state y1 = 0, y2 = 0.2, y3 = 0, y4 = 0.04, y5 = 0, y6 = 0, y7 = 0.1, y8 = 0.3, y9 = 0.01, y10 = 0
  state y11 = 0, y12 = 0, y13 = 0, y14 = 0, y15 = 0, y16 = 0, y17 = 0.007, y18 = 0, y19 = 0, y20 = 0
  time 0 .. 60

  r1 = k1*y1
  r2 = k2*y2*y4
  r3 = k3*y5*y2
  r4 = k4*y7
  r5 = k5*y7
  r6 = k6*y7*y6
  r7 = k7*y9
  r8 = k8*y9*y6
  r9 = k9*y11*y2
  r10 = k10*y11*y1
  r11 = k11*y13
  r12 = k12*y10*y2
  r13 = k13*y14
  r14 = k14*y1*y6
  r15 = k15*y3
  r16 = k16*y4
  r17 = k17*y4
  r18 = k18*y16
  r19 = k19*y16
  r20 = k20*y17*y6
  r21 = k21*y19
  r22 = k22*y19
  r23 = k23*y1*y4
  r24 = k24*y19*y1
  r25 = k25*y20

  dy1 = -r1 - r10 - r14 - r23 - r24 + r2 + r3 + r9 + r11 + r12 + r22 + r25
  dy2 = -r2 - r3 - r9 - r12 + r1 + r21
  dy3 = -r15 + r1 + r17 + r19 + r22
  dy4 = -r2 - r16 - r17 - r23 + r15
  dy5 = -r3 + 2*r4 + r6 + r7 + r13 + r20
  dy6 = -r6 - r8 - r14 - r20 + r3 + 2*r18
  dy7 = -r4 - r5 - r6 + r13
  dy8 = r4 + r5 + r6 + r7
  dy9 = -r7 - r8
  dy10 = -r12 + r7 + r9
  dy11 = -r9 - r10 + r8 + r11
  dy12 = r9
  dy13 = -r11 + r10
  dy14 = -r13 + r12
  dy15 = r14
  dy16 = -r18 - r19 + r16
  dy17 = -r20
  dy18 = r20
  dy19 = -r21 - r22 - r24 + r23 + r25
  dy20 = -r25 + r24
end
"""

_REACTIONS = (
    "1 > 2 3", "2 4 > 1", "5 2 > 1 6", "7 > 5 5 8", "7 > 8",
    "7 6 > 5 8", "9 > 5 8 10", "9 6 > 11", "11 2 > 1 10 12", "11 1 > 13",
    "13 > 1 11", "10 2 > 1 14", "14 > 5 7", "1 6 > 15", "3 > 4",
    "4 > 16", "4 > 3", "16 > 6 6", "16 > 3", "17 6 > 5 18",
    "19 > 2", "19 > 1 3", "1 4 > 19", "19 1 > 20", "20 > 1 19",
)  # fmt: skip
"""Numbers of the substances each reaction takes and makes."""


def rhs(u, p, t):
    """Mass action, reaction by reaction."""
    result = np.zeros_like(u)
    for rate, reaction in zip(p, _REACTIONS, strict=True):
        taken, made = ([int(number) - 1 for number in side.split()] for side in reaction.split(">"))
        for i in taken:
            rate = rate * u[i]
        for i in taken:
            result[i] -= rate
        for i in made:
            result[i] += rate
    return result


PUBLISHED = (
    0.5646255480022769e-1, 0.1342484130422339, 0.4139734331099427e-8, 0.5523140207484359e-2,
    0.2018977262302196e-6, 0.1464541863493966e-6, 0.7784249118997964e-1, 0.3245075353396018,
    0.7494013383880406e-2, 0.1622293157301561e-7, 0.1135863833257075e-7, 0.2230505975721359e-2,
    0.2087162882798630e-3, 0.1396921016840158e-4, 0.8964884856898295e-2, 0.4352846369330103e-17,
    0.6899219696263405e-2, 0.1007803037365946e-3, 0.1772146513969984e-5, 0.5682943292316392e-4,
)  # fmt: skip
"""Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem POLLU."""

CASES = (
    Case(
        name="pollu",
        text=TEXT,
        rhs=rhs,
        reference=(
            0.0564625548002277,
            0.134248413042234,
            4.13973433109943e-09,
            0.00552314020748436,
            2.0189772623022e-07,
            1.46454186349397e-07,
            0.0778424911899796,
            0.324507535339602,
            0.00749401338388041,
            1.62229315730156e-08,
            1.13586383325707e-08,
            0.00223050597572136,
            0.000208716288279863,
            1.39692101684016e-05,
            0.00896488485689829,
            4.3528463693301e-18,
            0.00689921969626341,
            0.000100780303736595,
            1.77214651396998e-06,
            5.68294329231639e-05,
        ),  # fmt: skip
        published=PUBLISHED,
        digits=15,
        origin="Verwer (1994), SIAM J. Sci. Comput. 15, 1243",
        reference_origin="the Test Set for IVP Solvers (Mazzia & Magherini 2008) and own computation",
        floor=1e-6,
        floor_reason="the end values of the reactive substances lie between 1e-8 and 1e-5",
        stiff=True,
    ),
)
