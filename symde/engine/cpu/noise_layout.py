"""The memory of paths of a stochastic differential equation: a C structure shared by the host (ctypes) and
the compiled loops."""

from __future__ import annotations

from symde.engine.cpu.layout import double, int64, structure

DRAWS = 128
"""Counters of random numbers that are turned into pairs of normal ones at a time, or those of one step."""

LEVELS = 40
"""How often a span is halved: adaptive steps are whole numbers of its 2^-40th part."""

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
    inputs=_i, outputs=_i, drift=_i, diffusion=_i, both=_i, milstein=_i,
    # output: a row for each time of each path, then how it ended and where
    saveat=_i, n_saveat=_i, next_save=_i, out=_i, codes=_i, ends=_i, taken=_i,
    # random numbers: Philox of (seed; step, path)
    seed=_i, words=_i, normals=_i, per_motion=_i, per_step=_i, block=_i, block_start=_i,
    # the Brownian motions over a step: increments, and integrals of W - W(t)
    increments=_i, areas=_i,
    # the coefficients of the method
    stages=_i, table=_i,
    jumps=_i,  # a `NoiseJumps`, 0 where there are none; then the last state is their hazard
    # adaptive steps: times in ticks, the Brownian motions there and over a step
    adaptive=_i, tick=_d, rtol=_d, atol=_i, errors=_i, at=_i, wanted=_i, first_ticks=_i, rejected=_i,
    save_ticks=_i, tree=_i, asked=_i, known=_i, w_start=_i, a_start=_i, w_end=_i, a_end=_i,
)  # fmt: skip
