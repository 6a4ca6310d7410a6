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
