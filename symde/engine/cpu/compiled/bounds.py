"""Bounds that states keep: `dom x >= 0`."""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.layout import Stage0
from symde.engine.cpu.roots import ALL, SIDES


@compiled
def put_on_bound(state, roots, i, bound):
    """Let a state be at its bound."""
    doubles(state.u)[i], doubles(state.u_low)[i] = bound, 0.0
    state.stage0 = Stage0.STALE
    state.jacobian_fresh = 0
    if roots.known == ALL:
        roots.known = SIDES


@compiled
def keep_bounds(state, roots):
    """Put states that have left their bounds by less than the tolerance back onto them; False where one has
    left them by more."""
    bounded, lower, upper = integers(roots.bounded), doubles(roots.lower), doubles(roots.upper)
    u, atol = doubles(state.u), doubles(state.atol)
    for k in range(roots.bounds):
        i = bounded[k]
        bound = min(max(u[i], lower[k]), upper[k])
        if u[i] != bound and u[i] == u[i]:
            if abs(u[i] - bound) > atol[i] + state.rtol * abs(bound):
                return False
            put_on_bound(state, roots, i, bound)
    return True


@compiled
def rest_on_bounds(state, roots):
    """Put states that are nearer to a bound than the tolerance onto it: beyond it the model may have no
    values, so that no step from beside it succeeds."""
    bounded, lower, upper = integers(roots.bounded), doubles(roots.lower), doubles(roots.upper)
    u, atol = doubles(state.u), doubles(state.atol)
    for k in range(roots.bounds):
        i = bounded[k]
        bound = lower[k] if u[i] - lower[k] <= upper[k] - u[i] else upper[k]
        if u[i] != bound and abs(u[i] - bound) <= atol[i] + state.rtol * abs(bound):
            put_on_bound(state, roots, i, bound)
