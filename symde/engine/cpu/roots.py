"""The memory of the search for roots: functions of (t, u) whose changes of sign a solve stops at."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from symde.engine.cpu.layout import double, int64, structure

Roots = structure(
    "Roots",
    "Root functions, their values at both ends of a step, and what undoes a step.",
    count=int64,
    kernel=int64,  # (t, u, p) -> values and total time derivatives, 0 where there are no functions
    along=int64,  # u', which the kernel reads where M in M u' = f is not the identity, 0: it does not
    outputs=int64,  # its table of two
    known=int64,  # what is known at (t, u): `NOTHING`, `SIDES` alone, or the values too (`ALL`)
    side=int64,  # +1 or -1 of each function: the side of zero on which it is by what has been handled
    ties=int64,  # the side that counts of each function that is zero and stays so, 0: the one it was on
    noise=int64,  # how far from zero the value of each may be although it is at it
    crossed=int64,  # 1 of each function that is at zero and on its way to the other side
    purposes=int64,  # what each function is for, see `EVENT`
    integers=int64,  # of a floor's functions the place of its value behind the sides
    timed=int64,  # 1 of each function that follows time alone
    any_timed=int64,
    at_zero=int64,  # of each, where no step has been taken since: `BEGUN`, `HANDLED`, `SETTLED`, `POLE`
    at_rest=int64,  # whether one of these says anything
    near=int64,  # whether a function may be at zero at the end of the step
    clear=int64,  # of one that is settled the time until which it has no root; of one at a pole its value
    pole=int64,  # whether the function found has changed its sign through infinity
    settled=int64,  # whether sides changed without a root
    switches=int64,  # whether functions decide branches of the right-hand side
    exits=int64,  # of each the place of the first of its two exits from sliding, 0: none
    sliding=int64,  # number of switches along which the solution slides
    groups=int64,  # of each the number of the switches that decide together how it slides, 0: it is alone
    members=int64,  # those that meet at one place
    meeting=int64,  # their number
    rides=int64,  # of an event's function that is one of a switch its first exit, with its sign, 0: none
    riders=int64,  # whether there are such
    asking=int64,  # whether the host is told of sliding that kernels do not know
    before=int64,  # derivative of each before it was crossed
    reporting=int64,  # whether the host is told of every change of a branch
    settles=int64,  # whether algebraic variables follow branches
    jumped=int64,  # whether branches have moved the state, which the host has not been told yet
    telling=int64,  # whether the host is told of every change of a branch, since events may follow from it
    releases=int64,  # how often switches were released
    switching=int64,  # the step just accepted ends at roots of such alone
    flips=int64,  # of each, successive ones without leaving zero by more than its doubt
    peak=int64,  # how far from zero each was at most since its last one
    doubts=int64,  # kernel: how far from zero each may be for the tolerances of the states
    doubt=int64,  # its values
    weights=int64,  # and these tolerances
    # values and derivatives at the start of the step, at its end, and at both ends of a piece of it
    g=int64, slope=int64, g_new=int64, slope_new=int64,
    g_low=int64, slope_low=int64, g_high=int64, slope_high=int64, g_at=int64, slope_at=int64,
    u_at=int64,  # a state within the step
    found=int64,  # the step just accepted ends at a root
    # the state before the step
    t=double, t_low=double, t_old=double, h_old=double, h_next=double, log_error=double,
    log_error_old=double, restarted=int64, formula=int64,
    memories=int64,  # for each slot: address of a copy, then first place and length of two pieces of memory
    # bounds that states keep
    bounds=int64, bounded=int64, lower=int64, upper=int64,
)  # fmt: skip

NOTHING, SIDES, ALL = 0, 1, 2

BEGUN, HANDLED, SETTLED, POLE = 1, 2, 3, 4
"""What is known of a function that may be zero at the start of a step: that it began there, that it was
handled there, to which side it goes, or that it has a pole there."""

EVENT, SWITCH, FLOOR_LOW, FLOOR_HIGH, INNER = 1, 2, 4, 8, 16
"""What a function is for: an event, a switch of two sides, x - n and n + 1 - x of a floor n, a switch inside
the condition of an event; several may hold."""

TO_POSITIVE, TO_NEGATIVE = 32, 64
"""A function by which a solution that slides along a switch leaves it to one side."""

EXIT = TO_POSITIVE | TO_NEGATIVE

FLOOR = FLOOR_LOW | FLOOR_HIGH

BRANCH = SWITCH | FLOOR

INTEGERS = 4096
"""Place behind the sides from which on the values of floors stand."""

PIECES = 5
"""Numbers for each slot in `memories`."""

MODES = 3
"""Place of the sides in the input table of kernels."""

TO_AND_FRO = 3
"""Changes of a switch in succession within the tolerance that are more than a passage."""

RESTING = -1
"""In place of a number of flips: a switch is released since it rests at zero, where neither side holds."""

OPEN = 2.0
"""In place of the side that counts at zero: neither does."""

MOST_FLIPS = 6
"""Flips in succession after which a switch is released that has not left zero by more than the tolerances of
the states in between."""

CLEAR = 100.0
"""Times its doubt from zero a released switch is clear of it, and locked again."""

WEIGHTS = 7
"""Place of the tolerances in the input table of their kernel."""

ALONG = 6
"""Place of u' in the input table of kernels that read it."""

VALUES = (
    "side", "ties", "noise", "g", "slope", "g_new", "slope_new", "g_low", "slope_low", "g_high",
    "slope_high", "g_at", "slope_at", "peak", "doubt", "clear", "before",
)  # fmt: skip

TRUST = 0.02
"""Part of the changes |h g'| at both ends of a piece by which the change of a value may differ from what the
derivatives say, where steps may be longer than their interpolants are good for."""

LEAST_PIECES = 4
"""Pieces in which a step is searched at least."""

NEARNESS = 0.15
"""Part of the changes |h g'| at both ends that the cubic through them may be wrong by."""

RESOLVED = 0.05
"""Part of the changes |h g'| at both ends of a piece by which the change of a value may differ from their
mean: of an oscillation, pieces of about a radian. Longer ones are divided."""

MOST_PIECES = 256
"""Pieces in which a step is searched at most."""

SAMPLES = 0.21, 0.5, 0.79
"""Places within a step at which functions of time alone are looked at: no step follows these."""

MOST_CORRECTED = 0.05
"""Part of such a step by which its root may be off in the interpolant."""

SHORTEST = 1e-6
"""Part of what is left of the span from which a step counts as long."""

RESTEPS = 12
"""Steps that are tried for one root at most."""


def is_branch(purpose: int) -> bool:
    """Whether a function decides a branch of the right-hand side."""
    return bool(
        purpose & (SWITCH | TO_POSITIVE | TO_NEGATIVE)
        or (purpose & (FLOOR_LOW | FLOOR_HIGH) and not purpose & INNER)
    )


class RootMemory:
    """The arrays of one session behind a `Roots`.

    Args:
        ties: Of each function the side that counts where it is zero and stays so, 0: the one it was on.
        purposes, integers, exits, timed: What each is for, of a floor the place of its value, of a switch
            that of its exits from sliding, whether it follows time alone.
        kernel, doubts: Addresses of their kernels.
        padded: Length of a state vector.
        memories: First place and length of the pieces of each slot's memory that a step changes.
        bounds: Index, lower and upper bound of each bounded state.
        implicit: Whether the kernel reads u', which the right-hand side does not tell.
        groups, rides: Of each as `Roots` has them.
    """

    def __init__(
        self,
        ties: tuple[float, ...],
        purposes: tuple[int, ...],
        integers: tuple[int, ...],
        exits: tuple[int, ...],
        timed: tuple[bool, ...],
        kernel: int,
        doubts: int,
        padded: int,
        memories: list[tuple[tuple[int, int], ...]],
        bounds: list[tuple[int, float, float]],
        implicit: bool = False,
        groups: tuple[int, ...] = (),
        rides: tuple[int, ...] = (),
    ) -> None:
        count = len(ties)
        size = max(count, 1)
        switches = any(purpose & ~EVENT for purpose in purposes)
        self.values = {name: np.zeros(size) for name in VALUES}
        floors = sum(purpose & FLOOR_LOW != 0 for purpose in purposes)
        self.values["side"] = np.zeros(INTEGERS + floors if floors else size)
        self.values["ties"][:count] = ties
        self.crossed, self.flips, self.at_zero = (np.zeros(size, np.int64) for _ in range(3))
        kinds = purposes, integers, exits, timed, groups, rides
        self.purposes, self.integers, self.exits, self.timed, self.groups, self.rides = (
            np.array([*one, 0], np.int64) for one in kinds
        )
        self.members = np.zeros(size, np.int64)
        self.outputs = np.zeros(2, np.int64)
        self.u_at = np.zeros(padded)
        self.copies = [np.zeros(sum(length for _, length in pieces) + 1) for pieces in memories]
        self.memories = np.zeros((len(memories), PIECES), np.int64)
        for row, pieces, copy in zip(self.memories, memories, self.copies, strict=True):
            row[: 1 + 2 * len(pieces)] = copy.ctypes.data, *(number for piece in pieces for number in piece)
        self.bounded = np.array([index for index, _, _ in bounds], np.int64)
        self.lower = np.array([lower for _, lower, _ in bounds], float)
        self.upper = np.array([upper for _, _, upper in bounds], float)
        self.data: Any = Roots(count=count, kernel=kernel, bounds=len(bounds))
        self.data.switches, self.data.any_timed, self.data.riders = switches, any(timed), any(rides)
        self.data.doubts, self.weights = doubts, np.zeros(padded)
        self.along = np.zeros(padded)
        self.data.along = self.along.ctypes.data if implicit else 0
        for name, array in self.values.items():
            setattr(self.data, name, array.ctypes.data)
        own = (
            "weights", "purposes", "integers", "exits", "groups", "rides", "timed", "flips", "at_zero",
            "members", "crossed", "outputs", "u_at", "memories", "bounded", "lower", "upper",
        )  # fmt: skip
        for name in own:
            setattr(self.data, name, getattr(self, name).ctypes.data)

    @property
    def address(self) -> int:
        """Where the structure lies."""
        return ctypes.addressof(self.data)
