"""State and slope of a forward solution at any time, from the interpolants of its steps."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, structure_at
from symde.engine.cpu.trajectory import Trajectory

trajectory_at = structure_at(Trajectory)

NEAR = 4
"""Steps that are walked from the one looked up last before the search is by halves."""


@compiled
def step_of(path, i):
    """The row of step i: its start, its length, its coefficients."""
    return doubles(path.rows + 8 * path.width * i)


@compiled
def before(path, t, i):
    """Whether t lies before step i."""
    return (t - step_of(path, i)[0]) * path.direction < 0.0


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
def evaluate_row(n, row, degree, theta, out):
    """out = the polynomial of an interpolant's row at theta."""
    o = doubles(out)
    c = doubles(row + 16 + 8 * n * degree)
    for k in range(n):
        o[k] = c[k]
    for m in range(degree - 1, -1, -1):
        c = doubles(row + 16 + 8 * n * m)
        for k in range(n):
            o[k] = o[k] * theta + c[k]


@compiled
def state_at_time(path, t):
    """path.at = u(t)."""
    i = locate(path, t)
    row = step_of(path, i)
    evaluate_row(path.n, path.rows + 8 * path.width * i, path.degree, (t - row[0]) / row[1], path.at)


@compiled
def slope_at_time(path, t):
    """path.slope = du/dt of the interpolant at t."""
    i, n, out = locate(path, t), path.n, doubles(path.slope)
    row = step_of(path, i)
    h = row[1]
    theta = (t - row[0]) / h
    for k in range(n):
        out[k] = 0.0
    for m in range(path.degree, 0, -1):
        c = doubles(path.rows + 8 * path.width * i + 16 + 8 * n * m)
        for k in range(n):
            out[k] = out[k] * theta + (m / h) * c[k]
