"""The memory of paths of a stochastic differential equation: a C structure shared by the host (ctypes) and
the compiled loops."""

from __future__ import annotations

from enum import IntEnum

from symde.engine.cpu.layout import double, int64, structure

DRAWS = 128
"""Counters of random numbers that are turned into pairs of normal ones at a time, or those of one step."""

LEVELS = 40
"""How often a span is halved: adaptive steps are whole numbers of its 2^-40th part."""

NESTED = 2 * LEVELS
"""Ends of intervals that are kept where steps are halved: halves of a span, and delays that end within."""


class Sizes(IntEnum):
    """How steps get their sizes: all the same; by errors, any, or such that halve others (noise that does not
    commute); or by errors that are foretold."""

    EQUAL = 0
    FREE = 1
    HALVED = 2
    PREVISIBLE = 3


_d, _i = double, int64

NoiseState = structure(
    "NoiseState",
    "Paths one after another: all that a loop reads and writes.",
    t0=_d, h=_d,  # the grid: t0 + k*h
    steps=_i, step=_i, budget=_i, begun=_i,
    # which paths: numbers first_path + k, with rows of their own, or one that all share where a stride is 0
    path=_i, paths=_i, first_path=_i, u0=_i, u0_stride=_i, p=_i, p_stride=_i,
    # the equation: n states, `entries` of the diffusion matrix by rows
    n=_i, motions=_i, entries=_i, rows=_i, columns=_i,
    products=_i, product_rows=_i, product_first=_i, product_second=_i,
    low=_i, high=_i, bounded=_i,  # domains
    u=_i, old=_i, inside=_i, drift_values=_i, diffusion_values=_i, product_values=_i, work=_i,
    inputs=_i, outputs=_i, drift=_i, diffusion=_i, both=_i, milstein=_i, stratonovich=_i,
    # output: a row for each time of each path, then how it ended and where
    saveat=_i, n_saveat=_i, next_save=_i, out=_i, codes=_i, ends=_i, taken=_i,
    # random numbers: Philox of (seed; step, path)
    seed=_i, words=_i, normals=_i, per_motion=_i, numbers=_i, per_step=_i, block=_i, block_start=_i,
    # the Brownian motions over a step: increments, and integrals of W - W(t)
    increments=_i, areas=_i,
    # Levy areas of general noise: by how many terms of their series, a factor of the rest; of which pairs
    terms=_i, rest=_d, pairs=_i, pair_first=_i, pair_second=_i, levy=_i,
    # the coefficients of the method
    stages=_i, table=_i,
    together=_i,  # whether no motion changes the coefficients of another
    # implicit steps: drift and its Jacobian as one kernel and where it writes, the system W x = b of the
    # engine's linear solvers (a `State`), its right side and solution; whether a step could not be solved
    linearised=_i, linearised_outputs=_i, system=_i, rhs=_i, correction=_i, diverged=_i,
    second=_i, second_outputs=_i, still=_i,  # likewise of the derivatives of what was solved
    events=_i,  # a `NoiseEvents`, 0 where there are none
    jumps=_i,  # a `NoiseJumps`, 0 where there are none; then the last state is their hazard
    # adaptive steps: times in ticks, the Brownian motions there and over a step
    adaptive=_i,  # a `Sizes`
    tick=_d, rtol=_d, atol=_i, errors=_i, at=_i, wanted=_i, first_ticks=_i,
    first_tick=_i, last_tick=_i, rejected=_i,
    save_ticks=_i, tree=_i, asked=_i, known=_i, w_start=_i, a_start=_i, w_end=_i, a_end=_i,
    ends_of_steps=_i,
    interval_ends=_i, intervals=_i,  # by halving: ends of the intervals that a step lies in
    pace=_d,  # of steps of previsible size: mean square of errors over squares of sizes
    # derivatives beside the path: `own` states are its, and then as many of each direction
    own=_i, own_entries=_i, own_products=_i, directions=_i, parameters=_i, changes=_i, changes_stride=_i,
    along_inputs=_i, along_outputs=_i, along_drift=_i, along_diffusion=_i, along_both=_i, along_milstein=_i,
    along_stratonovich=_i,
)  # fmt: skip

NoiseBack = structure(
    "NoiseBack",
    "The way back over the steps of paths: what takes a weight of what was saved to derivatives.",
    forward=_i,  # the NoiseState in which steps are done again
    both=_i, drift=_i, diffusion=_i, milstein=_i, stratonovich=_i,  # weighted sums of derivatives: kernels
    inputs=_i, outputs=_i, of_drift=_i, of_diffusion=_i, of_products=_i, by_states=_i, by_parameters=_i,
    work=_i,
    # a row for each time of each path, and rows of results, or one for all where a stride is 0
    weights=_i, by_u0=_i, by_u0_stride=_i, by_p=_i, by_p_stride=_i, parameters=_i, weight=_i, early=_i,
    after=_i,
    # of implicit steps: the transposed system (a `State`), where drift and Jacobian are written, and the
    # place of each entry of the transposed Jacobian in that
    transposed=_i, linearised_outputs=_i, jacobian=_i, places=_i,
    # states are kept at every `stretch`-th step, and at all of the stretch that is gone back over
    phase=_i, steps=_i, stretch=_i, starts=_i, kept=_i, first=_i,
)  # fmt: skip
