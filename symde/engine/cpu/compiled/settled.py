"""Whether the state that a step has led to solves the equations without a derivative, judged by their own
Jacobian there.

An iteration with the Jacobian of an earlier state judges itself by what it still corrects by. Where an
equation has become much flatter since, as that of a diode which no longer conducts, it corrects by next to
nothing and is far from a solution. No step goes on from there, however short, and what is saved is wrong. So
J is evaluated at the new state, where methods that need it next find it, and with W = shift*M - J

    W d = (0, f)

is what is left in the new state, f in rows without entries of M. Without it a bridge rectifier with
exponential diodes is solved by hardly any of these methods, and by QNDF with 0.3 V left of its constraint.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.control import block_norm, scaled_norm
from symde.engine.cpu.compiled.linearise import linearise
from symde.engine.cpu.compiled.mass import is_algebraic
from symde.engine.cpu.compiled.pointers import call_solve, call_step, compiled, doubles, integers, state_at
from symde.engine.cpu.compiled.vectors import clear
from symde.engine.cpu.layout import Attempt, Stage0

NEGLIGIBLE = 1e-2
"""Distance from a solution, in units of the tolerance, with which a state stays as it is."""

ROUNDING = 16 * 2.0**-53
"""Relative changes of the states that may explain what is left: rounding."""


@compiled
def exchange(state):
    """The new state becomes the present one, and the other way round."""
    state.u, state.u_new = state.u_new, state.u
    state.t, state.t_new = state.t_new, state.t


@compiled
def take_constraints(state, f, out):
    """out = f in rows of M without entries, 0 in others, of all columns too; whether all of it is more than
    what rounding of the states leaves."""
    starts, columns, jacobian = integers(state.row_pointers), integers(state.columns), doubles(state.jacobian)
    x, o, u, n, width = doubles(f), doubles(out), doubles(state.u), state.mass_rows, state.mass_columns
    clear(state.padded, out)
    more = False
    for i in range(n):
        if is_algebraic(state, i):
            o[i] = x[i]
            size = 0.0
            for k in range(starts[i], starts[i + 1]):
                size += abs(jacobian[k] * u[columns[k]])
            more = more or not abs(x[i]) <= ROUNDING * size
            for c in range(n + i * width, n + (i + 1) * width):
                o[c] = x[c]
    return more


@compiled
def distance(state, vector):
    """The scaled norm of the states' part."""
    if state.mass_columns == 0:
        return scaled_norm(state, vector)
    return math.sqrt(block_norm(state, vector, state.u, 0, state.mass_rows))


@compiled
def judge(state, address):
    """FINE, DIVERGED where more is left than the tolerance, or what a kernel or the solver says. What is left
    is taken out of the state; `moved` tells whether anything was."""
    state.stage0, state.jacobian_fresh = Stage0.STALE, 0
    if linearise(state, state.rhs_jacobian) != 0:
        return Attempt.CALLBACK.value
    state.factored_shift, state.renewed = 0.0, 1
    code = call_step(state.factor, address)
    if code != Attempt.FINE:
        return code
    state.factored_shift, state.jacobian_known = state.shift, 1
    if not take_constraints(state, state.f0, state.system_rhs):
        return Attempt.FINE.value
    code = call_solve(state.solve, address, state.system_rhs, state.correction)
    if code != Attempt.FINE:
        return code
    size = distance(state, state.correction)
    if size <= NEGLIGIBLE:
        return Attempt.FINE.value
    if not size <= 1.0:
        return Attempt.DIVERGED.value if size < math.inf else Attempt.NON_FINITE.value
    u, d = doubles(state.u), doubles(state.correction)
    increment, displacement = doubles(state.increment), doubles(state.displacement)
    for i in range(state.n):
        u[i] += d[i]
        increment[i] += d[i]
        displacement[i] += d[i]
    state.moved = 1
    return Attempt.FINE.value


def settle(address):
    """Judge the new state of a step; a code of `Attempt`. Where it stays as it is, J and f are of there."""
    state = state_at(address)
    exchange(state)
    code = judge(state, address)
    exchange(state)
    state.linearised = code == Attempt.FINE and state.moved == 0
    if code != Attempt.FINE:
        state.jacobian_known = 0
    state.stage0, state.jacobian_fresh = Stage0.STALE, 0
    return code


ENTRIES = {"settle": settle}
