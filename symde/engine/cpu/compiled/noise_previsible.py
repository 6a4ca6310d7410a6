"""The loop over steps of paths whose size is chosen before their noise is known.

The error of a step of the method of Euler and Maruyama is foretold from what drift and diffusion are at a
point that the step may come to as well as to any other: u + h f + sqrt(h) sum_j s_j g_j, with signs s_j that
are drawn for this and have nothing to do with the Brownian motion. Over these the mean square of the changes
of g is h sum_ij (L_i g_j)^2, and the mean square error of the step h^2/2 times that sum. A size is wanted
until the foretold error meets the tolerance, and only then is the Brownian motion asked for.

So sizes follow from the path up to the step (they are previsible), and increments have mean zero and variance
h given them: the method keeps its limit whatever the noise, where it does not commute, and where coefficients
have no derivatives, as sqrt(x) at 0. Steps that are rejected when their noise is known do not.

Source for steps of previsible size and their convergence: W. Fang, M. B. Giles, Adaptive Euler-Maruyama
method for SDEs with nonglobally Lipschitz drift, Ann. Appl. Probab. 30 (2020), 526-560; for the mean square
error: P. E. Kloeden, E. Platen (1992), section 10.2.

Memory: `work` holds the point, then drift and diffusion there.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.brownian_tree import pair
from symde.engine.cpu.compiled.noise_adaptive import (
    SAFETY,
    STEP_DUE,
    accept,
    error_of,
    move_on,
    next_stop,
    rounded,
    to_next_step,
    want,
)
from symde.engine.cpu.compiled.noise_loop import both_alone, finish, is_finite
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.layout import Status
from symde.engine.cpu.noise_layout import LEVELS

SIGNS = 2 << LEVELS
"""Numbers of random numbers from here on, beyond those of the intervals of a Brownian motion."""

FORGET = 0.5
"""Part of a step's own mean square error in that by which sizes are chosen; the rest is of those before it,
as signs may hide what motions do together."""


@compiled
def go_astray(state, h):
    """The point that a step of size h may come to."""
    u, point = doubles(state.u), doubles(state.work)
    drift, g = doubles(state.drift_values), doubles(state.diffusion_values)
    rows, columns, signs = integers(state.rows), integers(state.columns), doubles(state.increments)
    root = math.sqrt(h)
    for motion in range(state.motions):
        signs[motion] = 1.0 if pair(state, SIGNS + state.at, motion)[0] > 0.0 else -1.0
    for i in range(state.own):
        point[i] = u[i] + h * drift[i]
    for e in range(state.own_entries):
        point[rows[e]] += root * signs[columns[e]] * g[e]


@compiled
def foretell(state, t, h):
    """The error of a step of size h, over its tolerance."""
    n, drifts = state.own, state.work + 8 * state.own
    diffusions = drifts + 8 * n
    go_astray(state, h)
    both_alone(state, t + h, state.work, drifts, diffusions)
    error, rows = doubles(state.errors), integers(state.rows)
    f, g = doubles(state.drift_values), doubles(state.diffusion_values)
    other_f, other_g = doubles(drifts), doubles(diffusions)
    for i in range(n):
        error[i] = 0.0
    for e in range(state.own_entries):
        error[rows[e]] += (other_g[e] - g[e]) ** 2
    for i in range(n):
        error[i] = math.sqrt(0.5 * h * error[i]) + 0.5 * h * abs(other_f[i] - f[i])
    return error_of(state)


@compiled
def choose(state, t, stop):
    """The end of the next step, or -1 where there is none that meets the tolerance."""
    while True:
        end = min(rounded(state.at, state.at + state.wanted), stop)
        size = end - state.at
        error = foretell(state, t, size * state.tick)
        if error <= 1.0:
            break
        if size == 1:
            return -1 if error >= 1e30 else end
        want(state, size, size * SAFETY / error, False)
        state.rejected += 1
    share = (error / size) ** 2
    state.pace = FORGET * share + (1.0 - FORGET) * state.pace if state.pace >= 0.0 else share
    want(state, size, SAFETY / max(math.sqrt(state.pace), 1e-300), True)
    return end


@compiled
def advance_previsibly(state, read, take):
    """Go on with the paths until all are done, or the allowance of steps is used up. `read(state, t)` finds
    drift and diffusion at the start of a step, and `take(state)` moves on by them."""
    while True:
        status = to_next_step(state)
        if status != STEP_DUE:
            return status
        t = state.t0 + state.at * state.tick
        read(state, t)
        end = choose(state, t, next_stop(state))
        if end >= 0:
            move_on(state, end)
            take(state)
        if end < 0 or not is_finite(state):
            finish(state, Status.NON_FINITE, t)
        else:
            accept(state, end)
