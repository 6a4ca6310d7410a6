"""Size and formula of the next step of Radau IIA methods.

Source: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II (1996), IV.8, (8.21) and (8.25);
Stiff differential equations solved by Radau methods, J. Comput. Appl. Math. 111 (1999), section 3.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.pointers import (
    compiled,
)
from symde.engine.cpu.compiled.radau_memory import SLOW, most_iterations

SAFETY, SMALLEST_FACTOR, LARGEST_FACTOR = 0.9, 0.125, 5.0
"""Of the step size."""

LEAST_LOG_ERROR = math.log(1e-2)
"""Smaller errors of the step before count as this."""

KEEP_UP_TO = 1.2
"""A step that could grow by less keeps its size, and with it the factorisations."""

RAISE_BELOW, LOWER_ABOVE = 0.002, 0.8
"""Rates of convergence for the choice of the order."""

PATIENCE = 10
"""Attempts after a change of order before the next rise."""


@compiled
def safety(state, memory, table):
    """Less where the iteration took long: Hairer & Wanner II, (8.21)."""
    most = most_iterations(state, table.stages)
    return SAFETY * (1.0 + 2.0 * most) / (memory.iterations + 2.0 * most)


@compiled
def growth(state, memory, table, log_error):
    """Factor of an accepted step: by its error, and by what it shows together with the one before.

    Source: Gustafsson (1994); Hairer & Wanner II, (8.21) and (8.25).
    """
    exponent = 1.0 / (table.stages + 1.0)
    log_factor = math.log(safety(state, memory, table)) - exponent * log_error
    if memory.previous_h != 0.0:
        trend = exponent * (memory.previous_log_error - 2.0 * log_error)
        log_factor = min(log_factor, math.log(SAFETY * abs(state.h / memory.previous_h)) + trend)
    return min(max(math.exp(log_factor), SMALLEST_FACTOR), LARGEST_FACTOR)


@compiled
def choose_formula(data, memory, ratio, accepted):
    """The formula of the next attempt by the rate of convergence: Hairer & Wanner (1999), section 3."""
    memory.since_change += 1
    memory.smooth_rate = min(10.0, max(memory.rate, 0.5 * memory.smooth_rate))
    chosen = memory.table
    if memory.iterations > 1 and memory.smooth_rate <= RAISE_BELOW and 0.8 < ratio < 1.2 and accepted:
        if memory.since_change > PATIENCE:
            chosen = min(chosen + 1, data.count - 1)
    if memory.smooth_rate >= LOWER_ABOVE or not accepted:
        chosen = max(chosen - 1, 0)
    if chosen != memory.table:
        memory.table = chosen
        memory.since_change = 0
        memory.factored_h, memory.ratio, memory.relative = 0.0, 0.0, 0.0
        memory.previous_h, memory.reach = 0.0, 1.0


@compiled
def after_acceptance(state, memory, table):
    """The next step's size."""
    size, log_error = abs(state.h), 0.5 * math.log(max(state.mean_square, 1e-20))
    factor = growth(state, memory, table, log_error)
    if state.rejected_last:
        factor = min(factor, 1.0)
    if state.reaches:  # a step cut short by a stop says little
        state.h_next = max(factor * size, state.h_next)
        return
    memory.previous_h, memory.previous_log_error = size, max(log_error, LEAST_LOG_ERROR)
    if memory.rate <= SLOW and 1.0 <= factor <= KEEP_UP_TO:
        factor = 1.0
    state.h_next = factor * size


@compiled
def cut(state, memory, table):
    """Factor of the step after an attempt that failed."""
    if memory.failed:
        return memory.cut
    if not state.mean_square < math.inf:
        return 0.25
    if state.restarted:
        return 0.1
    factor = safety(state, memory, table) * state.mean_square ** (-0.5 / (table.stages + 1.0))
    return min(max(factor, SMALLEST_FACTOR), SAFETY)
