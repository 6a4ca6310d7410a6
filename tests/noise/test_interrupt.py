"""Loops over steps come back to Python often, whatever a step takes, and Ctrl-C ends all threads soon."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

import symde
from symde.engine.cpu.layout import Status
from symde.engine.noise import session


@pytest.mark.parametrize("seconds_a_step", [1e-8, 1e-5, 1e-2, 1.0])
def test_slices_are_as_long_as_steps_allow(seconds_a_step: float, monkeypatch) -> None:
    clock, state, left, slices = [0.0], SimpleNamespace(n=500, budget=0), [300 / seconds_a_step], []

    def take_steps(address: int) -> int:
        steps = min(state.budget, left[0])
        clock[0] += steps * seconds_a_step
        left[0] -= steps
        return Status.BUDGET if left[0] else Status.DONE

    monkeypatch.setattr(session.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(session.ctypes, "addressof", lambda main: 0)
    session.run_in_slices(take_steps, state, state, lambda: slices.append(clock[0]))
    lengths = np.diff(slices)
    # the first may be too long: of 200 steps here
    assert lengths.max() <= max(2 * session.SLICE_SECONDS, seconds_a_step)
    assert len(slices) < 7000 and left == [0]


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the Unix way")
@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_an_interrupted_gradient_stops(sensealg: str) -> None:
    problem = symde.Problem("param a = 0.5, s = 0.3\nstate x = 1\ntime 0 .. 1\ndx = a*x*dt + s*x*dW")
    given = {"n": 400, "seed": 1, "saveat": [1.0], "sensealg": sensealg, "workers": 2}

    def mean(u: np.ndarray):
        return u.mean(), np.ones_like(u) / u.size

    before = symde.value_and_grad(mean, problem, dt0=0.1, **given)[0]
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):  # a block of 32 paths takes a minute
        symde.value_and_grad(mean, problem, dt0=1e-7, memory=2**20, **given)
    assert time.perf_counter() - began < 15
    signal.signal(signal.SIGINT, handler)
    assert symde.value_and_grad(mean, problem, dt0=0.1, **given)[0] == before
