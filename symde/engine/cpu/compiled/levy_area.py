"""Levy areas of pairs of Brownian motions over a step: what double integrals of general noise are beside
products of increments,

    I_(i,j) = (W_i W_j - h [i = j])/2 + A_ij,   A_ij = -A_ji.

The Fourier series of the Brownian bridge is followed up to `terms`; of what is left, the part that goes with
the increments is drawn exactly, and the rest as a normal number of the same variance. The mean square error
is at most h^2 m/(12 pi^2 terms^2), where there are m motions.

Source: J. Mrongowius, A. Roessler, On the approximation and simulation of iterated stochastic integrals and
the corresponding Levy areas in terms of a multidimensional Brownian motion, Stoch. Anal. Appl. 40 (2022),
397-425, algorithm and theorem of section 4.

Random numbers of a step: those of the increments, then for each term a coefficient of the cosine and one of
the sine of each motion, then one of the rest for each motion and one for each pair.
"""

from __future__ import annotations

import math

from symde.engine.cpu.compiled.noise_loop import normal
from symde.engine.cpu.compiled.pointers import compiled, doubles, integers

ROOT2 = math.sqrt(2.0)


@compiled
def area_of(state, i, j, pair):
    """A_ij of this step; `pair` is its place among the pairs."""
    m, h, first = state.motions, state.h, state.motions * state.per_motion
    increments = doubles(state.increments)
    v_i, v_j = increments[i] / math.sqrt(h), increments[j] / math.sqrt(h)
    total = 0.0
    for term in range(state.terms):
        at = first + 2 * m * term
        x_i, x_j = normal(state, at + i), normal(state, at + j)
        y_i, y_j = normal(state, at + m + i), normal(state, at + m + j)
        total += (x_i * (y_j - ROOT2 * v_j) - x_j * (y_i - ROOT2 * v_i)) / (term + 1)
    at = first + 2 * m * state.terms
    mixed = normal(state, at + j) * v_i - normal(state, at + i) * v_j + normal(state, at + m + pair)
    return h / (2.0 * math.pi) * (total + state.rest * mixed)


@compiled
def find_areas(state):
    """Levy areas of the pairs that are wanted, into a matrix."""
    first, second, levy = integers(state.pair_first), integers(state.pair_second), doubles(state.levy)
    for pair in range(state.pairs):
        i, j = first[pair], second[pair]
        area = area_of(state, i, j, pair)
        levy[i * state.motions + j] = area
        levy[j * state.motions + i] = -area
