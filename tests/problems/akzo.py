"""The medical problem of Akzo Nobel: an antibody diffuses into tissue and is bound there."""

from __future__ import annotations

import numpy as np

from .case import Case

POINTS = 16
"""The test set takes 200; `text` writes any number. With a power of two the places are binary fractions."""


def text(points: int) -> str:
    """The equations on that many points; the supply stops at t = 5."""
    lines = ['model Akzo "penetration of radio-labelled antibodies"', "  param k = 100, c = 4"]
    for j in range(1, points + 1):
        lines.append(f"  state u{j} = 0, v{j} = 1")
    lines += ["  time 0 .. 20", "", "  supply = 2 if t <= 5 else 0"]
    for j in range(1, points + 1):
        z = f"({j}/{points} - 1)"
        left, right = (f"u{j - 1}" if j > 1 else "supply"), f"u{min(j + 1, points)}"
        drift = f"2*{z}^3/c^2*({right} - {left})*{points / 2}"
        spread = f"{z}^4/c^2*({left} - 2*u{j} + {right})*{points**2}"
        lines.append(f"  u{j}' = {drift} + {spread} - k*u{j}*v{j}")
        lines.append(f"  v{j}' = -k*u{j}*v{j}")
    return "\n".join([*lines, "end", ""])


def rhs(w, p, t):
    """The equations of the test set; t is one number."""
    u, v = w[0::2], w[1::2]
    k, c = p
    points = len(u)
    shape = (-1,) + (1,) * (u.ndim - 1)
    z = (np.arange(1, points + 1) / points - 1).reshape(shape)
    left = np.concatenate([np.full_like(u[:1], 2.0 if t <= 5 else 0.0), u[:-1]])
    right = np.concatenate([u[1:], u[-1:]])
    bound = k * u * v
    result = np.empty_like(w)
    result[0::2] = (
        2 * z**3 / c**2 * (right - left) * points / 2
        + z**4 / c**2 * (left - 2 * u + right) * points**2
        - bound
    )
    result[1::2] = -bound
    return result


CASES = (
    Case(
        name="akzo",
        text=text(POINTS),
        rhs=rhs,
        reference=(
            2.98984623441e-05,
            0,
            6.2584725559e-05,
            0,
            9.61867140686e-05,
            0,
            0.000126836246147,
            0,
            0.000147416181657,
            0,
            0.00014615009993,
            0,
            0.000106540787536,
            0,
            1.42186704643e-05,
            0.0700643414793,
            9.63723019283e-08,
            0.982399142746,
            3.55553820341e-10,
            0.999934861764,
            6.52773266512e-13,
            0.999999881088,
            0,
            0.999999999907,
            0,
            1,
            0,
            1,
            0,
            1,
            0,
            1,
        ),  # fmt: skip
        digits=9,
        origin="Test Set for IVP Solvers (Mazzia & Magherini 2008), problem MEDAKZO, here with N = 16",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="concentrations are of size one",
        stiff=True,
    ),
)
