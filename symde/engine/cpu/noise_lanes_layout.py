"""The memory of the loops over paths side by side: C structures shared by the host and the compiled loops."""

from __future__ import annotations

from symde.engine.cpu.layout import double, int64, structure

WIDTH = 8
"""Paths side by side: one register of AVX-512, two of AVX2."""

DRAWS = 64
"""Counters of random numbers of each path that are turned into pairs of normal ones at a time, or those of
one step: 16 KB of normal numbers of all lanes, which stay in the nearest cache."""

FIRST_OWN = 8
"""Place of the first input of a step that is not a model's own: the time; then sizes, numbers, areas."""

DIRECTION, ADJOINT, CHANGES = 6, 7, 13
"""Places in the input table: the direction of a state, its weight, and the direction of the parameters."""

_d, _i = double, int64

NoiseLanes = structure(
    "NoiseLanes",
    "Paths side by side: element i of a vector of lane k is at WIDTH*i + k.",
    t0=_d, h=_d,  # the grid: t0 + k*h
    steps=_i, step=_i, budget=_i, begun=_i,
    # which paths: numbers first_path + k, with rows of their own, or one that all share where a stride is 0;
    # `active` of them are in the lanes, from `path` on, and `going` have not failed
    path=_i, paths=_i, active=_i, going=_i, first_path=_i, u0=_i, u0_stride=_i, p=_i, p_stride=_i,
    # the equation; `own` states are the path's, and then as many of each derivative along a direction
    n=_i, own=_i, parameters=_i, motions=_i, low=_i, high=_i, bounded=_i,
    # the lanes: states at both ends of a step, parameters, time; which are going, and which are no numbers
    u=_i, old=_i, lane_p=_i, time=_i, alive=_i, doubt=_i,
    kernel=_i, inputs=_i, outputs=_i,  # a whole step
    # its derivative along a direction of states and parameters; these changes, of the paths and in the lanes
    along=_i, directions=_i, changes=_i, changes_stride=_i, lane_changes=_i,
    # output: a row for each time of each path, then how it ended and where
    saveat=_i, n_saveat=_i, next_save=_i, out=_i, codes=_i, ends=_i, taken=_i,
    # random numbers: Philox of (seed; step, path); `count` counters of each path are in memory
    seed=_i, words=_i, normals=_i, spare=_i, per_motion=_i, numbers=_i, block=_i, block_start=_i, count=_i,
    # Levy areas of general noise: by how many terms of their series, a factor of the rest; of which pairs
    terms=_i, rest=_d, pairs=_i, pair_first=_i, pair_second=_i, levy=_i,
)  # fmt: skip

NoiseLanesBack = structure(
    "NoiseLanesBack",
    "The way back over steps of paths side by side: what takes a weight of what was saved to derivatives.",
    forward=_i,  # the NoiseLanes in which steps are done again
    kernel=_i,  # a weighted step by states and parameters; its tables
    inputs=_i, outputs=_i,
    # of the lanes: the weight of the state, what of it falls to the start of a step, derivatives by states
    # and parameters of one step, and by parameters of all
    weight=_i, early=_i, by_states=_i, by_parameters=_i, sums=_i,
    # a row for each time of each path, and rows of results, or one for all where a stride is 0
    weights=_i, by_u0=_i, by_u0_stride=_i, by_p=_i, by_p_stride=_i,
    # states are kept at every `stretch`-th step, and at all of the stretch that is gone back over
    phase=_i, stretch=_i, starts=_i, kept=_i, first=_i,
)  # fmt: skip
