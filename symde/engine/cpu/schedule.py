"""Events at known times that the compiled loop carries out by itself: their structure."""

from __future__ import annotations

from symde.engine.cpu.layout import int64, structure

Schedule = structure(
    "Schedule",
    "What is due when, and what has happened.",
    count=int64,  # entries: a time and an event
    next=int64,  # the first that has not taken place
    times=int64,
    events=int64,
    by_loop=int64,  # 1 of each entry that the loop carries out
    effects=int64,  # kernel of each event, 0 where it sets nothing
    starts=int64,  # the states that event j sets are from starts[j] to starts[j + 1] in `targets`
    targets=int64,
    outputs=int64,  # table of one
    values=int64,
    conditions=int64,  # kernel, 0: there are none
    n_conditions=int64,
    truths=int64,  # which held before the event, and which do after it
    truths_after=int64,
    find_sides=int64,  # address: int32 (State *), 0 where there are no root functions
    side=int64,
    n_sides=int64,
    side_before=int64,
    before=int64,  # the whole state before the events of a time, to begin anew
    states=int64,  # of the state vector, those that a record keeps
    log=int64,  # for each entry these before and after it
    multistep=int64,  # of each slot, whether a step has to be chosen anew after a jump
    # columns beside the states
    width=int64,  # 0: none
    entries=int64,  # of each event: number and addresses of rows and columns of R_u, then of R_p
    rows=int64,  # new columns of the states that are set
    moves=int64,  # whether times depend on what columns are for
    dt=int64,  # how that of each entry does, `width` numbers
    slope=int64,  # u' before or after
)

NUMBERS_OF_EVENT = 6
"""Numbers for each event in `entries`."""
