"""Order and step of backward differentiation formulas.

All orders cost the same, so the one that allows the longest step is best. What a step of another size would
have for an error is computed on the points that are there, not as though they were equally far apart; their
difference of one order more is known for the present order and both its neighbours.

Sources: K. E. Brenan, S. L. Campbell, L. R. Petzold, Numerical Solution of Initial-Value Problems in
Differential-Algebraic Equations (1996), 5.2.3 and 5.2.4; A. C. Hindmarsh et al., SUNDIALS, ACM TOMS 31
(2005), 2.1, for biases.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.bdf_past import advance_past, difference, error_weight
from symde.engine.cpu.compiled.control import error_norm
from symde.engine.cpu.compiled.pointers import compiled, doubles
from symde.engine.cpu.layout import DIVERGENCE_CUT, STRONGEST_CUT

BIAS, BIAS_BELOW, BIAS_ABOVE = 6.0, 6.0, 10.0
"""The next error is meant to be the reciprocal, at the present order, one below and one above: as in CVODE.
From (3, 3.5, 3) to these the work on twelve stiff problems at errors 1e-3 to 1e-7 differs by no more than 5
in a hundred; these need the fewest factorisations."""

LEAST_GROWTH, MOST_GROWTH, FIRST_GROWTH = 1.2, 3.0, 1e3
"""Factors of the step: smaller growth is not worth new factors, larger growth not safe but after the first
step, whose size was a guess."""

SHRINKING, STRONGEST_SHRINK = 0.85, 0.5
"""An accepted step's successor is made smaller where the factor is below the first, to no less than the
second."""

PATIENCE, STEP_PATIENCE = 0.5, 1.5
"""Accepted steps before a change of order and before a longer step, in units of the order."""

SMALLEST = 1e-10
"""Errors below this count as this."""


@compiled
def error_per_norm(memory, method, order, h):
    """Error of a step of size h at this order over the norm of the present difference of order + 1."""
    psi = doubles(memory.psi)
    product, total, last = 1.0, 0.0, 0.0
    for i in range(1, order + 2):
        distance = h + psi[i - 1]
        last = h / distance
        product *= distance / psi[i]
        total += last
    return abs(product) * error_weight(method, order, total, last)


@compiled
def growth(state, memory, method, norm, order, bias):
    """Factor of the step that brings the next error at this order to 1/bias, by the power law taken twice."""
    factor = 1.0
    for _ in range(2):
        error = bias * norm * error_per_norm(memory, method, order, factor * state.h)
        factor *= math.exp(-math.log(max(error, SMALLEST)) / (order + 1.0))
        factor = min(max(factor, 1.0 / FIRST_GROWTH), FIRST_GROWTH)
    return factor


@compiled
def neighbour(state, memory, method, order, bias):
    """The same at a neighbouring order, from its own difference."""
    norm = math.sqrt(error_norm(state, difference(state, memory, order + 1)))
    return growth(state, memory, method, norm, order, bias) if norm < math.inf else 0.0


@compiled
def choose_order(state, memory, method, factor):
    """The best order for the next step, of the present one and its neighbours; the factor of the step."""
    k = memory.order
    if memory.waited <= PATIENCE * k:
        return factor
    best = factor
    if k > 1:
        below = neighbour(state, memory, method, k - 1, BIAS_BELOW)
        if below > best:
            best = below
            memory.order = k - 1
    if k < method.max_order:
        above = neighbour(state, memory, method, k + 1, BIAS_ABOVE)
        if above >= best:
            best = above
            memory.order = k + 1
    if memory.order != k:
        memory.waited = 0
    return best


@compiled
def resize(state, memory, factor, changed):
    """The next step: the present one unless a change is due and worth it."""
    size = abs(state.h)
    most = FIRST_GROWTH if state.restarted else MOST_GROWTH
    if factor < SHRINKING:
        memory.waited = 0
        return size * max(factor, STRONGEST_SHRINK)
    # what the largest step forbids is no change, and must not keep the order from being chosen
    if factor < LEAST_GROWTH or size >= state.h_max:
        return size
    if changed or state.restarted or memory.waited > STEP_PATIENCE * memory.order:
        memory.waited = 0
        return size * min(factor, most)
    return size


@compiled
def after_acceptance(state, memory, method):
    """The past with the new point, and the next step and order."""
    k = memory.order
    memory.taken, memory.failures = k, 0
    memory.waited += 1
    advance_past(state, memory)
    factor = growth(state, memory, method, math.sqrt(state.mean_square) / memory.weight, k, BIAS)
    factor = choose_order(state, memory, method, factor)
    size = resize(state, memory, factor, memory.order != k)
    if state.reaches:  # a step cut short by a stop says little: go back to what was allowed before it
        size = max(size, min(state.h_next, MOST_GROWTH * abs(state.h)))
    state.h_next = size


@compiled
def cut(error, order, bias):
    """Factor of the step after an error that was too large."""
    return math.exp(-math.log(max(bias * error, SMALLEST)) / (order + 1.0))


@compiled
def cut_one_below(state, memory, method):
    """The same had the order been one lower, from the difference of the present order."""
    k = memory.order
    d, phi = doubles(state.stages + 16 * state.padded), doubles(difference(state, memory, k))
    out, weight = doubles(state.error), doubles(memory.value)[k]
    for i in range(state.padded):
        out[i] = d[i] + weight * phi[i]
    norm = math.sqrt(error_norm(state, state.error))
    return cut(norm * doubles(method.constant)[k - 1], k - 1, BIAS_BELOW) if norm < math.inf else 0.0


@compiled
def after_rejection(state, memory, method):
    """A smaller step, of lower order where that allows a longer one; of order 1 after three failures."""
    memory.waited = 0
    if not state.mean_square < 1e300:
        state.h_next = DIVERGENCE_CUT * abs(state.h)
        return
    memory.failures += 1
    factor = cut(math.sqrt(state.mean_square), memory.order, BIAS)
    if state.restarted:  # at order 1, with a step that knows nothing of the problem
        state.h_next = abs(state.h) * max(min(factor, 0.5), 1.0 / FIRST_GROWTH)
        return
    if memory.failures > 2:
        memory.order = 1
        state.h_next = DIVERGENCE_CUT * abs(state.h)
        return
    factor = min(factor, 0.9)
    if memory.order > 1:
        below = cut_one_below(state, memory, method)
        if below > factor:
            memory.order -= 1
            factor = min(below, 1.0)
    state.h_next = abs(state.h) * max(factor, STRONGEST_CUT)
