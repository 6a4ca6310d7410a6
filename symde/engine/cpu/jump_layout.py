"""The memory of a jump process: a C structure shared by the host (ctypes) and the compiled loops.

Populations are whole numbers kept as float64. Behind the last stands a 1, so that a propensity of order 0, 1
or 2 is rate*u[first]*(u[second] - less) without a branch.
"""

from __future__ import annotations

from enum import IntEnum

from symde.engine.cpu.layout import double, int64, structure

RANDOMS = 64
"""Random numbers drawn at a time; a multiple of 2."""

REFRESH = 1024
"""Events after which sums of propensities are formed anew: each update may be off by one rounding."""

SHRUNK = 1e-3
"""They are formed anew also when they have become this much smaller, and roundings so much larger."""


LARGEST_TOTAL = 1e280
"""A sum of propensities beyond is no number to count with."""

LARGEST_COUNT = 2.0**53
"""Populations below are exact; one that has come here may be off, as 2**53 + 1 is 2**53 in float64."""

FINEST_WAIT = 8
"""Units in the last place of the time that lie between events on average. Rounding the time shortens
exponential waiting times of m units by 1/(24 m^2) on average: here by less than a part in a thousand."""

GROUPS = 64
"""Groups of composition and rejection: powers of 2 that propensities may lie apart."""


class JumpPhase(IntEnum):
    """Where a loop goes on when it is entered again."""

    START = 0  # no propensity known yet
    DRAW = 1  # the next event is to be drawn
    PENDING = 2  # its time is known; output before it may be missing
    EVENT = 3  # it has happened, and is to be saved


class JumpStatus(IntEnum):
    """Why a loop returned; the first group can be re-entered."""

    DONE = 0
    OUTPUT_FULL = 3
    BUDGET = 5  # the host's allowance of events is used up
    MAX_EVENTS = 10
    PROPENSITY = 11  # negative or not finite: of reaction `failed`
    NEGATIVE = 12  # reaction `failed` would make a population negative
    TOTAL = 13  # the sum of propensities is not below LARGEST_TOTAL
    COUNT = 14  # a population is not below LARGEST_COUNT
    MARK = 16  # what jump `failed` draws or sets is no number
    WHOLE = 17  # the reaction changes states by whole numbers
    CLOCK = 15  # events follow each other too closely for the resolution of the time


COUNTERS = ("events", "evaluations", "rejections", "leaps")
"""Counts of work, in the order in which they stand in `JumpState`."""

_d, _i = double, int64

JumpState = structure(
    "JumpState",
    "A path: all that a loop reads and writes.",
    t=_d, t_end=_d, t_next=_d, total=_d, highest=_d, epsilon=_d,
    phase=_i, budget=_i, max_events=_i, failed=_i, chosen=_i, since=_i,
    **dict.fromkeys(COUNTERS, _i),
    # the network: n populations, m reactions; lists of all reactions behind one another with their starts
    n=_i, m=_i, u=_i, propensities=_i, rates=_i, first=_i, second=_i, less=_i,
    general=_i,  # 0: the formula above; 1: a longer product; 2: a kernel
    kernels=_i, inputs=_i, outputs=_i,
    reactant_starts=_i, reactants=_i, orders=_i,
    change_starts=_i, changed=_i, changes=_i,
    dependent_starts=_i, dependents=_i,
    reader_starts=_i, readers=_i,  # by state: the mass action that takes it
    counted=_i,  # by state: 1 where it must not become negative
    # output
    out_t=_i, out_u=_i, out_capacity=_i, out_count=_i, saveat=_i, n_saveat=_i, next_save=_i, save_events=_i,
    # random numbers: Philox of (seed; draw, path)
    seed=_i, path=_i, draw=_i, randoms=_i, random_at=_i,
    # what the method keeps: see its module
    integers=_i, doubles=_i,
    # jumps by anything but whole numbers: their structure, 0 where there are none; int32 (JumpState *), which
    # lets reaction `failed` set states, a call that keeps it out of the loop; the address of this structure
    effects=_i, set_states=_i, own=_i,
)  # fmt: skip
