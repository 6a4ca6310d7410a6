"""What a solve saves of a jump of its state: the limit after it, beside or in place of the one before."""

from __future__ import annotations

from typing import Any

import numpy as np


def save_jump(session: Any, t: float, u: np.ndarray) -> None:
    """Save the state after a jump: among all steps beside the one before, at requested times in its place."""
    state = session.state
    if state.save_steps:
        count = state.out_count
        if count == session.output.capacity:
            session.output.more()
        session.output.t[count], session.output.u[count] = t, u
        state.out_count = count + 1
        return
    row = state.out_count - 1
    while row >= 0 and session.output.t.item(row) == t:
        session.output.u[row] = u
        row -= 1


def keep_limit(session: Any, t: float, u: np.ndarray) -> None:
    """Keep an interpolant that is constant: for a limit that no step has, before the start and after the
    end."""
    state = session.state
    count = state.dense_count
    if count == session.output.row_capacity:
        session.output.more_rows()
    row = session.output.rows[count]
    row[0], row[1], row[2 : 2 + session.n], row[2 + session.n :] = t, state.direction, u, 0.0
    state.dense_count = count + 1
