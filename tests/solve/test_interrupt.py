"""Ctrl-C ends a solve within a second, with what was computed."""

import os
import signal
import sys
import threading
import time

import pytest

import symde

CHAOS = """model Lorenz
  state x = 1, y = 0, z = 0
  time 0 .. 1e9
  x' = 10*(y - x)
  y' = x*(28 - z) - y
  z' = x*y - 8/3*z
end"""


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """A process started in the background ignores Ctrl-C, and so do its children: here it counts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the Unix way")
def test_an_interrupted_solve_keeps_its_part():
    problem = symde.Problem(symde.ode_def(CHAOS))
    symde.solve(symde.remake(problem, tspan=(0, 1)), "Tsit5")
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(symde.SolveInterrupted) as stop:
        symde.solve(problem, "Tsit5", saveat=1e3, max_steps=10**12)
    assert isinstance(stop.value, KeyboardInterrupt)
    assert stop.value.solution.retcode is symde.Retcode.INTERRUPTED
    assert len(stop.value.solution.t) > 1


def test_solves_release_the_interpreter():
    """While one thread solves, another counts: with the lock held it could not."""
    problem = symde.Problem(symde.ode_def(CHAOS), tspan=(0, 1e4))
    symde.solve(symde.remake(problem, tspan=(0, 1)), "Tsit5")
    done = threading.Event()

    def solve():
        symde.solve(problem, "Tsit5", saveat=[1e4], max_steps=10**9)
        done.set()

    thread = threading.Thread(target=solve)
    ticks = 0
    thread.start()
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    thread.join()
    assert ticks > 5


def test_an_interruption_before_a_called_back_function_begins_is_not_lost():
    """A trace function raises where Ctrl-C may: as the function is entered, outside its `try`. ctypes drops
    such an exception, and the evaluation it cut off would be that of the call before."""
    calls = 0

    def interrupt(frame, event, argument):
        nonlocal calls
        if event == "call" and frame.f_code.co_name == "kernel":
            calls += 1
            if calls == 20:
                raise KeyboardInterrupt

    def decay(u, p, t):
        return -u if u[0] > -1.0 else u  # not to be traced

    problem = symde.Problem(decay, [1.0], (0.0, 10.0))
    sys.settrace(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            symde.solve(problem, "Tsit5", dtmax=0.1)
    finally:
        sys.settrace(None)
    assert 0.0 < caught.value.solution.t[-1] < 10.0
    assert symde.solve(problem, "Tsit5").success
