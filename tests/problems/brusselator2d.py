"""Brusselator with diffusion on a square without borders, and a source that is switched on at t = 1.1."""

from __future__ import annotations

import numpy as np

from .case import Case

POINTS = 6
"""Points of a side in the library; Hairer & Wanner take 128. `text` writes any number."""

CENTRE, RADIUS, SWITCH = (0.3, 0.6), 0.1, 1.1


def _inside(i: int, j: int, points: int) -> bool:
    x, y = i / points, j / points
    return (x - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2 <= RADIUS**2


def text(points: int, end: float = 1.5) -> str:
    """The equations on points x points places (i/points, j/points), periodic: 2 points² states."""
    lines = ['model Brusselator2D "a chemical oscillator on a torus"', "  param alpha = 0.1"]
    places = [(i, j) for j in range(points) for i in range(points)]
    for i, j in places:
        x, y = f"({i}/{points})", f"({j}/{points})"
        lines.append(f"  state u{i}_{j} = 22*{y}*(1 - {y})^1.5, v{i}_{j} = 27*{x}*(1 - {x})^1.5")
    lines += [f"  time 0 .. {end}", "", f"  d = alpha*{points**2}    # alpha/dx^2"]
    lines.append(f"  source = 5 if t >= {SWITCH} else 0")
    for i, j in places:
        right, left, up, down = (
            f"{(i + a) % points}_{(j + b) % points}" for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
        )
        spread = {w: f"d*({w}{left} + {w}{right} + {w}{down} + {w}{up} - 4*{w}{i}_{j})" for w in "uv"}
        u, v = f"u{i}_{j}", f"v{i}_{j}"
        fed = " + source" if _inside(i, j, points) else ""
        lines.append(f"  {u}' = 1 + {u}^2*{v} - 4.4*{u} + {spread['u']}{fed}")
        lines.append(f"  {v}' = 3.4*{u} - {u}^2*{v} + {spread['v']}")
    return "\n".join([*lines, "end", ""])


def rhs(state, p, t):
    """u' = 1 + u² v - 4.4 u + alpha Δu + f, v' = 3.4 u - u² v + alpha Δv; t is one number."""
    points = round((len(state) / 2) ** 0.5)
    grid = state.reshape((points, points, 2) + state.shape[1:])  # [j, i, u or v]
    u, v = grid[:, :, 0], grid[:, :, 1]
    near = sum(np.roll(grid, shift, axis) for shift in (1, -1) for axis in (0, 1))
    result = p[0] * points**2 * (near - 4 * grid)
    made = u * u * v
    result[:, :, 0] += 1 + made - 4.4 * u
    result[:, :, 1] += 3.4 * u - made
    if t >= SWITCH:
        for j in range(points):
            for i in range(points):
                if _inside(i, j, points):
                    result[j, i, 0] += 5
    return result.reshape(state.shape)


CASES = (
    Case(
        name="brusselator2d",
        text=text(POINTS),
        rhs=rhs,
        reference=(
            1.15860573211,
            2.01764850801,
            1.1795291386,
            2.00871919413,
            1.20308440471,
            1.99959705857,
            1.18330855991,
            2.00518385118,
            1.16238071904,
            2.01411697682,
            1.15317100735,
            2.01939346519,
            1.15442442472,
            2.01818266442,
            1.16655092354,
            2.01205006029,
            1.17849293866,
            2.00603035748,
            1.17032316308,
            2.00852981209,
            1.15819525109,
            2.01466297023,
            1.15161936971,
            2.0190308231,
            1.16215886106,
            2.01424482654,
            1.18309181335,
            2.0053170907,
            1.20665561312,
            1.99619931588,
            1.18687039105,
            2.00179795769,
            1.16593304365,
            2.01072947602,
            1.15672038846,
            2.01599551875,
            1.18035344912,
            2.00786499203,
            1.23513351371,
            1.98935247754,
            1.32174284156,
            1.96674190012,
            1.23893254769,
            1.98581188646,
            1.18413837095,
            2.00433861028,
            1.1661180026,
            2.01240681974,
            1.19886548469,
            2.00350004333,
            1.3166540298,
            1.97152809687,
            1.67158515888,
            1.91588942325,
            1.32047605393,
            1.96795557476,
            1.20266099768,
            1.99995483871,
            1.17302825917,
            2.01112462271,
            1.17679450543,
            2.01127490169,
            1.23155629858,
            1.99277016809,
            1.31814617439,
            1.97016677573,
            1.23535627818,
            1.98921325892,
            1.1805802846,
            2.00773228299,
            1.1625655315,
            2.01580805246,
        ),  # fmt: skip
        digits=12,
        origin="Hairer & Wanner II (1996), section IV.10, BRUSS-2D, here with N = 6, to t = 1.5",
        reference_origin="own computation, see make_references.py",
        floor=1.0,
        floor_reason="all components are of size one",
        stiff=True,
    ),
)
