"""Ctrl-C ends a solve within a second, with what was computed."""

import os
import signal
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
