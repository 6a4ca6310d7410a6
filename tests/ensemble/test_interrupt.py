"""Ctrl-C ends an ensemble within a second, whatever its members take, and the next one begins as ever."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

import symde

CHAOS = symde.ode_def("""model Lorenz
  param r = 28
  state x = 1, y = 0, z = 0
  time 0 .. 1e9
  x' = 10*(y - x)
  y' = x*(r - z) - y
  z' = x*y - 8/3*z
end""")


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A process started in the background ignores Ctrl-C, and so do its children: here it counts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the Unix way")
@pytest.mark.parametrize("lanes", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_ensemble_stops(lanes, workers):
    problem = symde.Problem(CHAOS)
    given = {"p": {"r": np.linspace(25, 29, 100)}, "lanes": lanes, "workers": workers}
    short = symde.remake(problem, tspan=(0, 1))
    before = symde.ensemble(short, "Tsit5", **given, saveat=[1])
    timer = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        symde.ensemble(problem, "Tsit5", **given, saveat=[1e9], max_steps=10**12)
    # the members would take years
    assert time.perf_counter() - started < 60
    assert np.array_equal(symde.ensemble(short, "Tsit5", **given, saveat=[1]).u, before.u)


ENDLESS = {
    "events": ("param e = 1\nstate x = 1, y = 0\nx' = y\ny' = -e*x\nwhen x >= 0.5: y += 0", {}),
    "delays": ("param e = 1\nstate x = 1\nhistory x = 1\nx' = -e*x(t - 2)/(1 + x(t - 2)^2)", {}),
    "jumps": ("param e = 1\nstate A = 0\njump e: A += 1\njump A: A -= 1", {"seed": 1}),
    "jumps beside equations": (
        "param e = 1\nstate A = 0, x = 0\ndx = e - x\njump 1 + A: A = 0",
        {"seed": 1},
    ),
    "noise": ("param e = 1\nstate x = 0\ndx = -e*x*dt + dW", {"seed": 1, "dt0": 0.01}),
}


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the Unix way")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ENDLESS)
def test_members_of_any_kind_stop_within_themselves(kind, workers):
    text, own = ENDLESS[kind]
    problem = symde.Problem(symde.ode_def(text), tspan=(0, 1e7))
    given = {"p": {"e": np.linspace(1, 2, 4)}, "workers": workers, **own}
    short = symde.remake(problem, tspan=(0, 1))
    before = symde.ensemble(short, **given, saveat=[1])
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        symde.ensemble(problem, **given, saveat=[1e7], max_steps=10**12)
    # a member alone would take more than that
    assert time.perf_counter() - started < 5
    assert np.array_equal(symde.ensemble(short, **given, saveat=[1]).u, before.u)
