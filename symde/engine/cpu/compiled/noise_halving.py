"""Steps that follow the error by halving, where noise does not commute.

Each stretch between times to save is halved, and its halves are, as often as the error asks: steps are the
intervals of a tree that no path changes. The end of a step that was rejected stays the end of a later one,
and none is passed over. So all that was ever asked of the Brownian motion becomes a part of the path, and
what is not known of it, the Levy areas within the steps, has mean zero in each step as in steps of one size.
Steps that may end anywhere pass ends over, which areas beyond them chose, and may come to the limit of
another equation.

Source: J. G. Gaines, T. J. Lyons, Variable step size control in the numerical solution of stochastic
differential equations, SIAM J. Appl. Math. 57 (1997), 1455-1484; J. Foster, A. Jelincic, On the convergence
of adaptive approximations for stochastic differential equations (2024), arXiv:2311.14201, for the conditions:
dyadic steps of which none is skipped, and methods whose Levy areas are not biased.
"""

from __future__ import annotations

from symde.engine.cpu.compiled.pointers import compiled, integers
from symde.engine.cpu.noise_layout import NESTED


@compiled
def next_interval(state, stop):
    """The end of the next step: of the intervals that begin here the largest that is not above what is
    wanted. The ends of those that it lies in are kept, the innermost last."""
    ends = integers(state.interval_ends)
    while state.intervals > 0 and ends[state.intervals - 1] <= state.at:
        state.intervals -= 1
    if state.intervals == 0 or ends[state.intervals - 1] > stop:  # a delay may end within an interval
        keep_end(state, stop)
    while ends[state.intervals - 1] - state.at > max(state.wanted, 1):
        keep_end(state, state.at + ((ends[state.intervals - 1] - state.at) >> 1))
    return ends[state.intervals - 1]


@compiled
def keep_end(state, end):
    """Keep the end of an interval within those that are kept; where there is no room the outermost is
    forgotten, which takes a row of delays each of which ends before the one that began earlier."""
    ends = integers(state.interval_ends)
    if state.intervals == NESTED:
        for k in range(1, NESTED):
            ends[k - 1] = ends[k]
        state.intervals -= 1
    ends[state.intervals] = end
    state.intervals += 1
