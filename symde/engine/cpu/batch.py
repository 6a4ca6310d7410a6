"""Many members of one problem, solved one after another without Python between them.

A member is the problem with initial values, parameters, a time span and times to save of its own. The loop
restores the session's state as a run has begun it, puts the member's numbers in, runs to the end, writes
straight into the caller's result, and takes the next; every member's numbers are those that a solve of its
own gives, to the last bit.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symde.engine.cpu import layout
from symde.engine.cpu.batch_layout import Batch
from symde.engine.cpu.layout import Status
from symde.engine.cpu.library import function_address
from symde.engine.cpu.session import SLICE_SECONDS, Session

_run_type = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """What the members start from. Each array may have one row, which all members share.

    Attributes:
        u0: Initial states, shape (count, n).
        p: Parameters, shape (count, m).
        spans: Starts and ends, shape (count, 2).
        times: Times to save, in the order of integration, shape (count, n_times).
        count: How many members there are.
        atol: Absolute tolerances, shape (count, n), where members have their own; not for lanes.
    """

    u0: np.ndarray
    p: np.ndarray
    spans: np.ndarray
    times: np.ndarray
    count: int
    atol: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("u0", "p", "spans", "times", *([] if self.atol is None else ["atol"])):
            array = getattr(self, name)
            assert array.ndim == 2 and array.shape[0] in (1, self.count), (name, array.shape)
            assert array.dtype == np.float64 and array.flags.c_contiguous, name


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Where the results of all members go.

    Attributes:
        u: Saved states, shape (count, n_times, n); NaN where a member did not get so far.
        codes: The status each member ended with, shape (count,), int64.
        counters: Its counts of work in the order of `layout.COUNTERS`, shape (count, 12), int64.
        ends: The time it reached, shape (count,).
        events: What tells the events that happened in it, shape (count,), as of `Solution.happened`; None
            where that loop has none.
    """

    u: np.ndarray
    codes: np.ndarray
    counters: np.ndarray
    ends: np.ndarray
    events: np.ndarray

    def rows(self, first: int, last: int) -> Outcome:
        """The part of some members."""
        part = slice(first, last)
        return Outcome(
            self.u[part], self.codes[part], self.counters[part], self.ends[part], self.events[part]
        )

    @classmethod
    def empty(cls, count: int, n_times: int, n: int) -> Outcome:
        """Room for so many members."""
        return cls(
            np.empty((count, n_times, n)),
            np.empty(count, np.int64),
            np.empty((count, len(layout.COUNTERS)), np.int64),
            np.empty(count),
            np.empty(count, object),
        )


@dataclass(frozen=True, slots=True)
class Steps:
    """Options of all members, as of `Session.begin`; `dtmax` None is the member's span."""

    rtol: float
    dt0: float | None
    dtmax: float | None
    max_steps: int


class BatchRun:
    """A session at work on members. The session's `atol` must have been set, unless members have their own.

    Args:
        session: One that no one else uses meanwhile.
        members: What they start from.
        steps: Options of all members.
    """

    def __init__(self, session: Session, members: Members, steps: Steps) -> None:
        self.session, self.members = session, members
        self._image = self._begun(steps)
        self._entry = _run_type(function_address("batch", "run"))
        several = members.count > 1
        self.batch = Batch(
            state=ctypes.addressof(session.state),
            advance=session.advance_address,
            image=ctypes.addressof(self._image),
            image_words=ctypes.sizeof(layout.State) // 8,
            carried=session.address_of("carried"),
            carried_length=len(session.arrays["carried"]),
            direction=session.direction.ctypes.data,
            p=session.address_of("p"),
            m=session.m,
            dtmax=steps.dtmax or 0.0,
            u0_rows=members.u0.ctypes.data,
            u0_stride=_stride(members.u0, several),
            p_rows=members.p.ctypes.data,
            p_stride=_stride(members.p, several),
            spans=members.spans.ctypes.data,
            span_stride=_stride(members.spans, several),
            times=members.times.ctypes.data,
            times_stride=_stride(members.times, several),
            n_times=members.times.shape[1],
        )
        if members.atol is not None:
            self.batch.atol_rows = members.atol.ctypes.data
            self.batch.atol_stride = _stride(members.atol, several)
        self._address = ctypes.addressof(self.batch)

    def _begun(self, steps: Steps) -> Any:
        """A copy of the session's state as a run of the first member has begun it."""
        session, members = self.session, self.members
        t0, t1 = members.spans[0].tolist()
        session.u[...], session.p[...] = members.u0[0], members.p[0]
        session.begin(
            t0, t1, rtol=steps.rtol, saveat=members.times[0], save_steps=False, dense=False, dt0=steps.dt0,
            dtmax=steps.dtmax or abs(t1 - t0), max_steps=steps.max_steps,
        )  # fmt: skip
        return layout.State.from_buffer_copy(session.state)

    def aim(self, ids: np.ndarray, outcome: Outcome, first: int) -> None:
        """Say which members are next, and where their results go; the outcome's first row is that of the
        member `first`."""
        batch = self.batch
        self._aim = ids, outcome
        # addresses of what would be member 0
        batch.out = outcome.u.ctypes.data - first * outcome.u.strides[0]
        batch.codes = outcome.codes.ctypes.data - first * outcome.codes.strides[0]
        batch.counters = outcome.counters.ctypes.data - first * outcome.counters.strides[0]
        batch.ends = outcome.ends.ctypes.data - first * outcome.ends.strides[0]
        batch.ids, batch.position, batch.last, batch.running = ids.ctypes.data, 0, len(ids), 0

    def run(
        self,
        ids: np.ndarray,
        outcome: Outcome,
        first: int,
        on_failure: Callable[[int, Status], None],
        on_slice: Callable[[], None],
    ) -> None:
        """Solve some members.

        Args:
            ids: Which, int64.
            outcome, first: Where their results go, the first row being that of the member `first`.
            on_failure: Called with a member that did not reach its end, and why, while the session still is
                where it ended.
            on_slice: Called about every `SLICE_SECONDS`.
        """
        batch, state, allowance = self.batch, self.session.state, self.session.allowance
        self.aim(ids, outcome, first)
        state.budget = allowance
        started = time.perf_counter()
        while True:
            status = self._entry(self._address)
            if status == Status.DONE:
                return
            if status != Status.BUDGET:
                on_failure(int(ids[batch.position - 1]), Status(status))
                continue
            allowance = next_allowance(allowance, time.perf_counter() - started)
            on_slice()
            state.budget = allowance
            started = time.perf_counter()


def next_allowance(allowance: int, seconds: float) -> int:
    """Attempts of the next slice, when one took so long."""
    if seconds < 0.5 * SLICE_SECONDS:
        return 2 * allowance
    return max(1, allowance // 2)


def _stride(rows: np.ndarray, several: bool) -> int:
    """Bytes from one member's row to the next; 0 where all share one."""
    return rows.strides[0] if several and rows.shape[0] > 1 else 0
