"""The next reaction method: every reaction has the time at which it would fire, in an indexed heap.

A reaction whose propensity changes from a to b has its time rescaled, t + (a/b)*(time - t), so that one
random number serves each event; one that could not fire gets a new time, as waiting has no memory. So does
one that was so slow that its time is beyond all numbers, which no factor would bring back.

Source: M. A. Gibson, J. Bruck, Efficient exact stochastic simulation of chemical systems with many species
and many channels, J. Phys. Chem. A 104 (2000), 1876-1889.

Memory: `integers` holds the heap of reactions and behind it the place of each, `doubles` their times.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.jump_loop import advance
from symde.engine.cpu.compiled.jump_network import checked
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers
from symde.engine.cpu.compiled.random import jumps_at, uniform
from symde.engine.cpu.jump_layout import JumpStatus


@compiled
def new_time(state, rate):
    """When a reaction of this propensity fires, seen from now."""
    if not rate > 0.0:
        return math.inf
    return state.t - math.log(1.0 - uniform(state)) / rate


@compiled
def put(heap, places, place, j):
    """Reaction j into a place of the heap."""
    heap[place] = j
    places[j] = place


@compiled
def sift(state, place):
    """Move the reaction in a place to where its time belongs: up, else down."""
    m = state.m
    heap, places, times = integers(state.integers), integers(state.integers + 8 * m), doubles(state.doubles)
    j = heap[place]
    time = times[j]
    while place > 0:
        above = (place - 1) // 2
        if not times[heap[above]] > time:
            break
        put(heap, places, place, heap[above])
        place = above
    while True:
        below = 2 * place + 1
        if below >= m:
            break
        if below + 1 < m and times[heap[below + 1]] < times[heap[below]]:
            below += 1
        if not times[heap[below]] < time:
            break
        put(heap, places, place, heap[below])
        place = below
    put(heap, places, place, j)


@compiled
def begin(state):
    """A time for every reaction, and the heap of them."""
    m = state.m
    heap, places = integers(state.integers), integers(state.integers + 8 * m)
    for j in range(m):
        doubles(state.doubles)[j] = new_time(state, doubles(state.propensities)[j])
        put(heap, places, j, j)
    for place in range(m // 2 - 1, -1, -1):
        sift(state, place)


@compiled
def draw(state):
    """The earliest time."""
    state.t_next = doubles(state.doubles)[integers(state.integers)[0]]


@compiled
def choose(state):
    """The reaction it belongs to."""
    return integers(state.integers)[0]


@compiled
def update(state, j):
    """Times of the reactions whose propensity reaction j changes, and its own."""
    starts, dependents = integers(state.dependent_starts), integers(state.dependents)
    values, times = doubles(state.propensities), doubles(state.doubles)
    places = integers(state.integers + 8 * state.m)
    for k in range(starts[j], starts[j + 1]):
        i = dependents[k]
        old = values[i]
        if not checked(state, i):
            return JumpStatus.PROPENSITY
        if i == j:
            continue
        if not values[i] > 0.0:
            times[i] = math.inf
        elif old > 0.0 and times[i] < math.inf:
            times[i] = state.t + old / values[i] * (times[i] - state.t)
        else:
            times[i] = new_time(state, values[i])
        sift(state, places[i])
    times[j] = new_time(state, values[j])
    sift(state, places[j])
    return JumpStatus.DONE


def next_reaction(address):
    """`int32 next_reaction(JumpState *)`"""
    return advance(jumps_at(address), begin, draw, choose, update)


ENTRIES = {"next_reaction": next_reaction}
