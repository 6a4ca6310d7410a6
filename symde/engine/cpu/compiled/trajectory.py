"""State and slope of a forward solution at any time, from the interpolants of its steps."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers, structure_at
from symde.engine.cpu.trajectory import Trajectory

trajectory_at = structure_at(Trajectory)

NEAR = 4
"""Steps that are walked from the one looked up last before the search is by halves."""


@compiled
def before(path, t, i):
    """Whether t lies before step i."""
    return (t - doubles(path.t)[i]) * path.direction < 0.0


@compiled
def search(path, t):
    """The last step that t does not lie before, by halves."""
    low, high = 0, path.steps
    while high - low > 1:
        middle = (low + high) // 2
        if before(path, t, middle):
            high = middle
        else:
            low = middle
    return low


@compiled
def locate(path, t):
    """The step that t lies in; the first or the last one where it lies outside by rounding."""
    i, last = path.hint, path.steps - 1
    walked = 0
    while walked < NEAR and i > 0 and before(path, t, i):
        i -= 1
        walked += 1
    while walked < NEAR and i < last and not before(path, t, i + 1):
        i += 1
        walked += 1
    if walked == NEAR:
        i = search(path, t)
    path.hint = i
    return i


@compiled
def state_at_time(path, t):
    """path.at = u(t)."""
    i, n = locate(path, t), path.n
    theta = (t - doubles(path.t)[i]) / doubles(path.h)[i]
    degree, out = integers(path.degree)[i], doubles(path.at)
    row = path.u + 8 * path.width * i
    c = doubles(row + 8 * n * degree)
    for k in range(n):
        out[k] = c[k]
    for m in range(degree - 1, -1, -1):
        c = doubles(row + 8 * n * m)
        for k in range(n):
            out[k] = out[k] * theta + c[k]


@compiled
def slope_at_time(path, t):
    """path.slope = du/dt of the interpolant at t."""
    i, n = locate(path, t), path.n
    h = doubles(path.h)[i]
    theta = (t - doubles(path.t)[i]) / h
    degree, out = integers(path.degree)[i], doubles(path.slope)
    row = path.u + 8 * path.width * i
    for k in range(n):
        out[k] = 0.0
    for m in range(degree, 0, -1):
        c = doubles(row + 8 * n * m)
        for k in range(n):
            out[k] = out[k] * theta + (m / h) * c[k]
