"""The memory of the loop over lanes: several members side by side."""

from __future__ import annotations

from symde.engine.cpu.layout import double, int64, structure

WIDTH = 8
"""Members side by side: one register of AVX-512, or two of AVX2, whose operations then wait less for each
other. Lotka-Volterra by Vern7, the end alone, members a second: 740,000 with AVX-512; with AVX2 640,000, and
430,000 four at a time."""

UNFINISHED, STIFF = 100, 101
"""Codes of members that are left to another loop: what happened is not for lanes, or they look stiff."""

STIFF_HITS = 15
"""Accepted steps in a row at the border of stability after which a member counts as stiff."""

NUMBERS = (
    "time", "time_low", "time_new", "time_new_low", "step", "step_next", "step_max", "end", "direction",
    "log_old", "log_error", "norm", "factor", "refused", "stiffness", "save_time", "rtol",
    "busy", "accepted", "reaches", "tiny_step", "leaving",  # truth values, and a code
    "limit", "hits", "steps", "attempts",
)  # fmt: skip
"""What each lane has one number of, `WIDTH` side by side in one block: doubles, so that what is done in all
lanes is done at once."""

INTEGERS = ("member", "next_save", "save_row", "interpolants")
"""The same of whole numbers."""

VECTORS = ("u", "u_new", "low", "low_new", "p", "first_stage", "stage_values", "coefficients")
"""Vectors of the lanes: element i of lane k at WIDTH*i + k."""

Lanes = structure(
    "Lanes",
    "Members side by side: all that the loop over lanes reads and writes.",
    batch=int64,  # says which members, and begins each
    kernel=int64,  # a step: int32 (double, const double **in, double **out)
    interpolant=int64,
    value=int64,  # the interpolant of one lane at a place within its step
    inputs=int64,  # tables of both
    outputs=int64,
    interpolant_outputs=int64,
    value_inputs=int64,
    value_outputs=int64,
    n=int64,
    m=int64,
    stages=int64,
    degree=int64,
    fsal=int64,
    stability=double,  # |h| rho at the border of stability
    switches=double,  # whether another method waits for members that look stiff
    idle=int64,  # lanes without a member
    budget=int64,
    max_steps=int64,
    per_attempt=int64,  # counts of work of an attempt, in the order of `COUNTERS`
    per_interpolant=int64,  # evaluations
    numbers=int64,  # the blocks
    integers=int64,
    **dict.fromkeys(VECTORS, int64),
)
