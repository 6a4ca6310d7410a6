"""The memory of the loop over members, as `layout` is that of one solve."""

from __future__ import annotations

from symde.engine.cpu.layout import double, int64, structure

Batch = structure(
    "Batch",
    "Members to solve one after another: all that the loop over them reads and writes.",
    state=int64,  # of the session
    advance=int64,  # its loop: int32 (State *)
    image=int64,  # the state as a run begins, restored for each member
    image_words=int64,
    carried=int64,  # doubles that begin as zeros
    carried_length=int64,
    direction=int64,  # where the power iteration begins
    p=int64,  # where the session reads its parameters
    m=int64,
    dtmax=double,  # largest step, 0 where it is the member's span
    # rows of all members, and bytes from one to the next (0: all share one)
    u0_rows=int64,
    u0_stride=int64,
    p_rows=int64,
    p_stride=int64,
    spans=int64,
    span_stride=int64,
    times=int64,
    times_stride=int64,
    n_times=int64,
    atol_rows=int64,  # 0: the session's own for all
    atol_stride=int64,
    # results by member
    out=int64,
    codes=int64,
    counters=int64,
    ends=int64,
    # which members, in which order, and where the loop is
    ids=int64,
    position=int64,
    last=int64,
    running=int64,  # the member has begun: the host had to see to something
)
