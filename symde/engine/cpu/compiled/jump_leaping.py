"""Tau-leaping: many events at once, over a time in which no propensity changes much.

The leap is the longest for which the relative change of every propensity is expected to stay below epsilon.
Reactions that few molecules of a reactant are left for are critical: at most one of them fires in a leap, so
that populations rarely become negative; a leap in which one would is halved. Where a leap is worth less than
some exact events, exact events are drawn instead. Leaps end at the times to save.

Source: Y. Cao, D. T. Gillespie, L. R. Petzold, Efficient step size selection for the tau-leaping simulation
method, J. Chem. Phys. 124 (2006), 044109: section III, equations (24), (27), (32) and (33).

Memory: `integers`: exact events still to draw; whether each reaction is critical. `doubles`: by state the
bound of its relative change g, mean and variance of its change per time, its change in the leap, and what is
taken of it per time.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.jump_loop import exponential_time
from symde.engine.cpu.compiled.jump_network import evaluate_all, fire, save, save_before
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.poisson import poisson
from symde.engine.cpu.compiled.random import jumps_at, uniform
from symde.engine.cpu.jump_layout import LARGEST_COUNT, JumpPhase, JumpStatus

CRITICAL = 10.0
"""A reaction that its reactants are left for fewer times is critical."""

WORTH = 10.0
"""Events that a leap must stand for on average."""

EXACT = 100
"""Exact events that are drawn where it would not."""

LEAPT, NOT_WORTH = -1, -2


@compiled
def critical_at(state, j):
    return integers(state.integers)[1 + j] != 0


@compiled
def mark_critical(state):
    """Which reactions may use up a reactant within a few firings; the sum of their propensities."""
    u, total = doubles(state.u), 0.0
    starts, changed, changes = integers(state.change_starts), integers(state.changed), doubles(state.changes)
    for j in range(state.m):
        value, critical = doubles(state.propensities)[j], False
        if value > 0.0:
            for k in range(starts[j], starts[j + 1]):
                if changes[k] < 0.0 and u[changed[k]] < -changes[k] * CRITICAL:
                    critical = True
        integers(state.integers)[1 + j] = 1 if critical else 0
        if critical:
            total += value
    return total


@compiled
def order_of(state, j):
    """How many molecules a reaction takes."""
    starts, total = integers(state.reactant_starts), 0
    for k in range(starts[j], starts[j + 1]):
        total += integers(state.orders)[k]
    return total


@compiled
def bounds_of_change(state):
    """g of each state: its relative change times g is that of a propensity. 0 for what is no reactant."""
    g, u = doubles(state.doubles), doubles(state.u)
    starts = integers(state.reactant_starts)
    for i in range(state.n):
        g[i] = 0.0
    for j in range(state.m):
        order = order_of(state, j)
        for k in range(starts[j], starts[j + 1]):
            i, count = integers(state.reactants)[k], integers(state.orders)[k]
            value = 1.0 * count
            for taken in range(1, count):
                if u[i] > taken:
                    value += taken / (u[i] - taken)
            g[i] = max(g[i], value * order / count)


@compiled
def longest_leap(state):
    """The time in which no propensity is expected to change by more than epsilon, by reactions that are not
    critical: equation (33), with what is taken of a species in place of its net change where that is more.

    Near an equilibrium net changes are small, and equation (33) would leap over the time in which the
    population forgets: a leap of length h then multiplies fluctuations by 1 - gh in place of exp(-gh), so
    that variances are too large by 1/(1 - gh/2). Here gh is epsilon at most.
    """
    n = state.n
    g, mean = doubles(state.doubles), doubles(state.doubles + 8 * n)
    variance, u = doubles(state.doubles + 16 * n), doubles(state.u)
    taken = doubles(state.doubles + 32 * n)
    starts, changed, changes = integers(state.change_starts), integers(state.changed), doubles(state.changes)
    for i in range(n):
        mean[i] = variance[i] = taken[i] = 0.0
    for j in range(state.m):
        if critical_at(state, j):
            continue
        value = doubles(state.propensities)[j]
        for k in range(starts[j], starts[j + 1]):
            mean[changed[k]] += changes[k] * value
            taken[changed[k]] += max(-changes[k], 0.0) * value
            variance[changed[k]] += changes[k] * changes[k] * value
    time = math.inf
    for i in range(n):
        if g[i] > 0.0 and variance[i] > 0.0:
            allowed = max(state.epsilon * u[i] / g[i], 1.0)
            time = min(time, allowed * allowed / variance[i])
            fastest = max(abs(mean[i]), taken[i])
            if fastest > 0.0:
                time = min(time, allowed / fastest)
    return time


@compiled
def choose(state, critical, total):
    """A reaction by its share of a total: of all, or of the critical ones."""
    target, last = uniform(state) * total, -1
    for j in range(state.m):
        value = doubles(state.propensities)[j]
        if value > 0.0 and (not critical or critical_at(state, j)):
            target -= value
            last = j
            if target < 0.0:
                break
    return last


@compiled
def fire_many(state, time, single):
    """The changes of a leap: Poisson numbers of the reactions that are not critical, and one of `single`
    where that is a reaction. The number of events; -1 where a population would become negative."""
    change, u = doubles(state.doubles + 24 * state.n), doubles(state.u)
    starts, changed, changes = integers(state.change_starts), integers(state.changed), doubles(state.changes)
    for i in range(state.n):
        change[i] = 0.0
    events = 0.0
    for j in range(state.m):
        value, times = doubles(state.propensities)[j], 0.0
        if critical_at(state, j):
            times = 1.0 if j == single else 0.0
        elif value > 0.0:
            times = poisson(state, value * time)
        if times > 0.0:
            events += times
            for k in range(starts[j], starts[j + 1]):
                change[changed[k]] += changes[k] * times
    for i in range(state.n):
        if u[i] + change[i] < 0.0 and integers(state.counted)[i] != 0:
            return -1.0
    for i in range(state.n):
        u[i] += change[i]
    return events


@compiled
def leap(state):
    """Leap to a later time; LEAPT, or NOT_WORTH where exact events are cheaper."""
    stop = state.t_end
    if state.next_save < state.n_saveat:
        stop = min(stop, doubles(state.saveat)[state.next_save])
    critical = mark_critical(state)
    bounds_of_change(state)
    longest = longest_leap(state)
    while True:
        if longest < WORTH / state.total:
            return NOT_WORTH
        time, single = longest, -1
        if critical > 0.0:
            waiting = -math.log(1.0 - uniform(state)) / critical
            if waiting <= longest:
                time = waiting
                single = choose(state, True, critical)
        t = state.t + time
        if not t < stop:
            single = single if t == stop else -1
            t, time = stop, stop - state.t
        events = fire_many(state, time, single)
        if events >= 0.0:
            state.t = t
            state.events += int(events)
            state.leaps += 1
            return LEAPT
        state.rejections += 1
        longest *= 0.5


@compiled
def exact_event(state):
    """One event at `t_next`."""
    state.t = state.t_next
    status = fire(state, choose(state, False, state.total))
    state.events += 1
    integers(state.integers)[0] -= 1
    return status


@compiled
def save_until_now(state):
    """The times to save up to the present one, at the present populations."""
    while state.next_save < state.n_saveat and doubles(state.saveat)[state.next_save] <= state.t:
        if not save(state, doubles(state.saveat)[state.next_save]):
            return False
        state.next_save += 1
    return True


@compiled
def next_step(state):
    """A leap, or the time of an exact event; a status that is not DONE ends the run."""
    if not save_until_now(state):
        return JumpStatus.OUTPUT_FULL
    if state.events >= state.max_events:
        return JumpStatus.MAX_EVENTS
    if state.budget <= 0:
        return JumpStatus.BUDGET
    state.budget -= 1
    if state.total > 0.0 and integers(state.integers)[0] == 0 and state.t < state.t_end:
        if leap(state) == LEAPT:
            state.phase = JumpPhase.EVENT
            for i in range(state.n):
                if not abs(doubles(state.u)[i]) < LARGEST_COUNT:
                    return JumpStatus.COUNT
            return evaluate_all(state)
        integers(state.integers)[0] = EXACT
    state.t_next = exponential_time(state)
    state.phase = JumpPhase.PENDING
    return JumpStatus.DONE


def tau_leaping(address):
    """`int32 tau_leaping(JumpState *)`"""
    state = jumps_at(address)
    status = JumpStatus.DONE
    if state.phase == JumpPhase.START:
        status = evaluate_all(state)
        integers(state.integers)[0] = 0
        state.phase = JumpPhase.DRAW
    while status == JumpStatus.DONE:
        if state.phase == JumpPhase.EVENT:
            if state.save_events != 0 and not save(state, state.t):
                return JumpStatus.OUTPUT_FULL
            state.phase = JumpPhase.DRAW
        elif state.phase == JumpPhase.DRAW:
            status = next_step(state)
        else:
            if not save_before(state, state.t_next):
                return JumpStatus.OUTPUT_FULL
            if state.t_next > state.t_end:
                if state.save_events != 0 and state.t < state.t_end and not save(state, state.t_end):
                    return JumpStatus.OUTPUT_FULL
                state.t = state.t_end
                return JumpStatus.DONE
            status = exact_event(state)
            if status == JumpStatus.DONE:
                status = evaluate_all(state)
            state.phase = JumpPhase.EVENT
    return status


ENTRIES = {"tau_leaping": tau_leaping}
