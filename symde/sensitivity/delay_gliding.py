"""Delayed times that keep to a discontinuity of the past for a while.

A solution may hold the time at which it reads itself at t0, or where another discontinuity lies: of
x' = -x(t - 1 + x) with x(0) = 1 it stays at 0 for ever. The derivative of what is read has two values there,
and where parameters move the time to one side or the other a solution has one-sided derivatives alone.
"""

from __future__ import annotations

import warnings
from typing import Any

from symde.diagnostics import users_level
from symde.sensitivity.moving_jump import MovingJumpWarning

SHORT = 1e-2
"""Part of the span for which a time may keep to a discontinuity that it only touches or crosses."""


def warn_of_gliding(session: Any) -> None:
    """Tell that a delayed time has kept to a discontinuity in the run just done."""
    data, state = session.context, session.state
    if data.longest_glide <= SHORT * abs(state.t - data.t0):
        return
    warnings.warn(
        "derivatives may be wrong: a delayed time keeps to a discontinuity, such as t0, for "
        f"{data.longest_glide:.3g} of the time, and what is read there has two derivatives. Change the "
        "history or a parameter so that the time lies on one side, or take one-sided differences",
        MovingJumpWarning,
        stacklevel=users_level(),
    )
