"""Pleiades: seven stars in a plane, with near encounters."""

from __future__ import annotations

import numpy as np

from .case import Case

_STARS = range(1, 8)
_X = (3.0, 3.0, -1.0, -3.0, 2.0, -2.0, 2.0)
_Y = (3.0, -3.0, 2.0, 0.0, 0.0, -4.0, 4.0)
_VX = (0.0, 0.0, 0.0, 0.0, 0.0, 1.75, -1.5)
_VY = (0.0, 0.0, 0.0, -1.25, 1.0, 0.0, 0.0)


def _states(name: str, values: tuple[float, ...]) -> str:
    return "  state " + ", ".join(f"{name}{i} = {value:g}" for i, value in zip(_STARS, values, strict=True))


def _pull(axis: str, i: int) -> str:
    """The acceleration of a star along an axis."""
    others = [j for j in _STARS if j != i]
    return " + ".join(f"m{j}*({axis}{j} - {axis}{i})/r{min(i, j)}{max(i, j)}" for j in others)


def _text() -> str:
    lines = ['model Pleiades "seven stars in a plane"']
    lines.append("  param " + ", ".join(f"m{i} = {i}" for i in _STARS))
    lines += [_states("x", _X), _states("y", _Y), _states("vx", _VX), _states("vy", _VY), "  time 0 .. 3", ""]
    lines += [
        f"  r{i}{j} = ((x{i} - x{j})^2 + (y{i} - y{j})^2)^1.5    # distance cubed"
        for i in _STARS for j in _STARS if i < j
    ]  # fmt: skip
    lines += [f"  {axis}{i}' = v{axis}{i}" for axis in "xy" for i in _STARS]
    lines += [f"  v{axis}{i}' = {_pull(axis, i)}" for axis in "xy" for i in _STARS]
    return "\n".join([*lines, "end", ""])


def rhs(u, p, t):
    """Newton's law with masses 1 ... 7 and gravitation 1."""
    x, y, vx, vy = u[:7], u[7:14], u[14:21], u[21:]
    dx, dy = x[None] - x[:, None], y[None] - y[:, None]  # [i, j]: from star i to star j
    squared = dx**2 + dy**2
    squared[np.arange(7), np.arange(7)] = 1  # no star pulls itself: its dx and dy are 0
    mass = np.reshape(p, (1, 7) + (1,) * (np.ndim(u) - 1))
    force = mass / (squared * np.sqrt(squared))
    return np.concatenate([vx, vy, (force * dx).sum(axis=1), (force * dy).sum(axis=1)])


PUBLISHED = (
    0.3706139143970502, 3.237284092057233, -3.222559032418324, 0.6597091455775310, 0.3425581707156584,
    1.562172101400631, -0.7003092922212495, -3.943437585517392, -3.271380973972550, 5.225081843456543,
    -2.590612434977470, 1.198213693392275, -0.2429682344935824, 1.091449240428980,
)  # fmt: skip
"""Positions at t = 3. Source: Mazzia & Magherini (2008), Test Set for IVP Solvers, problem Pleiades."""

CASES = (
    Case(
        name="pleiades",
        text=_text(),
        rhs=rhs,
        reference=(
            0.370613914397,
            3.23728409206,
            -3.22255903242,
            0.659709145578,
            0.342558170716,
            1.5621721014,
            -0.700309292221,
            -3.94343758552,
            -3.27138097397,
            5.22508184346,
            -2.59061243498,
            1.19821369339,
            -0.242968234494,
            1.09144924043,
            3.41700380631,
            1.35458450163,
            -2.59006559781,
            2.02505373471,
            -1.15581510016,
            -0.807298817022,
            0.595239635421,
            -3.74124496123,
            0.377345968575,
            0.938685886955,
            0.36679222272,
            -0.347404635381,
            2.34491544818,
            -1.94702043426,
        ),  # fmt: skip
        published=PUBLISHED,
        digits=12,
        origin="Hairer, Nørsett & Wanner I (1993), section II.10",
        reference_origin="own computation; positions: Test Set for IVP Solvers (Mazzia & Magherini 2008)",
        floor=1.0,
        floor_reason="positions and velocities are of size one",
        stiff=False,
    ),
)
