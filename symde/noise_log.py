"""What has happened on a path with noise: its jumps and events, for its solution."""

from __future__ import annotations

from typing import Any

import numpy as np

from symde.engine.cpu.layout import Status
from symde.engine.noise.lanes import LaneSession
from symde.engine.noise.session import NoiseSession
from symde.noise_system import NoiseSystem
from symde.problem.event_record import EventRecord
from symde.problem.retcode import Retcode

SAME = 1e-9
"""Part of a step of a grid by which an event may miss the time of a saved point that is its own."""


def happened_in(system: NoiseSystem, session: NoiseSession | LaneSession) -> tuple[EventRecord, ...]:
    """The jumps and events of the path that a session has followed."""
    if session.events is not None:
        return session.events.happened().of_each(1)[0].records()
    if session.jumps is None or system.network is None:
        return ()
    names, n = system.network.names, len(system.state_names)
    times, channels, states = session.jumps.log()
    within = np.clip(states, system.arrays.low, system.arrays.high)[:, :, :n]  # as all that is saved
    return tuple(
        EventRecord(float(t), names[channel], before, after)
        for t, channel, (before, after) in zip(times, channels, within, strict=True)
    )


def with_limits(
    t: np.ndarray, u: np.ndarray, happened: tuple[EventRecord, ...], h: float
) -> tuple[np.ndarray, np.ndarray]:
    """Saved times and states of steps of size h, with both limits of each time at which something happened
    among them."""
    times = np.array([one.t for one in happened])
    first = np.flatnonzero(np.diff(times, prepend=-np.inf))  # what happens at one time is one jump
    last = np.append(first[1:], len(times)) - 1
    times, before, after = (
        times[first],
        np.stack([happened[k].before for k in first]),
        np.stack([happened[k].after for k in last]),
    )
    near = np.searchsorted(t, times - SAME * h)
    saved = near < len(t)
    saved[saved] = t[near[saved]] <= times[saved] + SAME * h  # those points hold the state after it
    t = t.copy()
    t[near[saved]] = times[saved]
    own = ~saved
    places, when = np.append(near, near[own]), np.append(times, times[own])
    states = np.concatenate([before, after[own]])
    order = np.lexsort((np.arange(len(when)), when, places))  # of a time the limit before it first
    return np.insert(t, places[order], when[order]), np.insert(u, places[order], states[order], axis=0)


def raise_of_events(session: NoiseSession | LaneSession, codes: np.ndarray) -> None:
    """Raise what events of the paths just followed could not do.

    Raises:
        ValueError: a delay is negative or not finite. MemoryError: no memory to evaluate events.
    """
    if session.events is None or Status.CALLBACK not in codes:
        return
    if session.events.state.broken == 1:
        raise MemoryError("no memory to evaluate events")
    name, delay = session.events.failure
    raise ValueError(f"event `{name}` has a delay of {delay:g}: it must not be negative")


def explain_events(retcode: Retcode, name: str, t: float) -> str:
    """What happened where there is no end to the events of a path."""
    help_ = (
        f"the times of event `{name}` accumulate here: end the path, or let the event leave its condition "
        "by more than a step moves the path"
        if retcode is Retcode.ZENO
        else f"event `{name}` and those that it triggers follow each other without end at this time: leave a "
        "gap between their conditions (hysteresis)"
    )
    return f"{retcode.word}: {retcode.sentence}, at t = {t:.6g}\n  help: {help_}"


def ended_by(session: NoiseSession | LaneSession) -> Any:
    """The name of the event that ended the last path."""
    assert session.events is not None
    return session.events.failure[0]
