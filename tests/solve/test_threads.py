"""Threads share problems, models and compiled code, and nothing of a solve."""

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import symde
from symde.engine.methods import registry
from symde.native import library

# of second order and separable: there is no method that cannot solve it
OSCILLATOR = symde.Problem("hamiltonian H = (p^2 + q^2)/2 for (q, p)", [1.0, 0.5], (0, 2))


@pytest.fixture(autouse=True)
def threads_change_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def _solved(name):
    method = registry.get(name)
    options = {} if method.adaptive else {"dt0": 0.05}
    solution = symde.solve(OSCILLATOR, name, **options)
    return solution.t.tobytes(), solution.u.tobytes(), solution(0.7).tobytes()


def test_every_method_gives_in_threads_what_it_gives_alone():
    alone = {name: _solved(name) for name in registry.NAMES}
    many = [name for _ in range(6) for name in registry.NAMES]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(_solved, many))
    assert [name for name, found in zip(many, together, strict=True) if found != alone[name]] == []


def test_an_exception_reaches_the_thread_whose_function_raised_it():
    def bursts(u, p, t):
        if u[0] < 0.99:
            raise ValueError(f"burst {p[0]:g}")
        return [-float(u[0])]

    problem = symde.Problem(bursts, [1.0], (0, 1), [0.0])

    def told(number):
        with pytest.raises(ValueError, match="burst") as caught:
            symde.solve(symde.remake(problem, p=[number]), "Tsit5")
        return str(caught.value)

    numbers = range(400)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(told, numbers)) == [f"burst {number}" for number in numbers]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_forked_while_a_thread_compiles_can_compile():
    """The child has no thread that would release what was held when it was made."""
    held = threading.Event()

    def compiles():
        with library._lock:
            held.set()
            time.sleep(0.2)

    thread = threading.Thread(target=compiles)
    problem = symde.Problem("x' = -1.2345678*x", [1.0], (0, 1))  # a model that no cache has
    thread.start()
    held.wait()
    process = multiprocessing.get_context("fork").Process(target=symde.solve, args=(problem, "Tsit5"))
    process.start()
    thread.join()
    process.join(60)
    if process.is_alive():
        process.kill()
    assert process.exitcode == 0
