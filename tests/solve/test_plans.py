"""Options are remembered from solve to solve only where they cannot have changed since."""

import gc
import re
import threading
import weakref

import numpy as np
import pytest

import symde
from symde.sessions import KEPT

DECAY = "model Decay\n state x = 1\n time 0 .. 1\n x' = -x\nend"


@pytest.fixture
def problem():
    return symde.Problem(symde.ode_def(DECAY))


def test_an_array_changed_in_place_is_read_again(problem):
    times, tolerance = np.array([0.25, 1.0]), np.array([1e-2])
    rtol = np.array(1e-2)
    first = symde.solve(problem, rtol=rtol, atol=tolerance, saveat=times)
    times[0], tolerance[0], rtol[()] = 0.5, 1e-10, 1e-8
    second = symde.solve(problem, rtol=rtol, atol=tolerance, saveat=times)
    assert first.t.tolist() == [0.25, 1.0] and second.t.tolist() == [0.5, 1.0]
    # 1e-7: ten times the relative tolerance, for a dozen steps
    assert abs(second.u[-1, 0] - np.exp(-1)) < 1e-7 < abs(first.u[-1, 0] - np.exp(-1))


class Tolerance:
    """A number that can be changed, and hashed all the same."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return self.value


def test_a_number_that_can_be_changed_is_read_again(problem):
    rtol = Tolerance(1e-2)
    loose = symde.solve(problem, "Tsit5", rtol=rtol)
    rtol.value = 1e-10
    assert symde.solve(problem, "Tsit5", rtol=rtol).stats.accepted > 2 * loose.stats.accepted


# each pair is equal to Python, and hashes the same
LOOKALIKES = {
    "dt0": (1.0, True),
    "dtmax": (1.0, np.True_),
    "max_steps": (1.0, True),
    "rtol": (0.0, False),
    "atol": (1.0, True),
    "saveat": (1.0, True),
}


@pytest.mark.parametrize("name", LOOKALIKES)
@pytest.mark.parametrize("kind", [lambda value, other: other, lambda value, other: complex(value)])
def test_what_only_looks_like_a_checked_number_is_refused(problem, name, kind):
    value, other = LOOKALIKES[name]
    symde.solve(problem, **{name: value}, throw=False)
    with pytest.raises(TypeError, match=name) as caught:
        symde.solve(problem, **{name: kind(value, other)})
    assert caught.value.__context__ is None


def test_a_mistake_stays_one_when_repeated(problem):
    for _ in range(3):
        with pytest.raises(ValueError, match=re.escape("rtol = 2")):
            symde.solve(problem, rtol=2.0)
        with pytest.raises(ValueError, match="has no error estimate"):
            symde.solve(problem, "RK4")


def test_solutions_keep_their_numbers_when_the_session_solves_again(problem):
    first = symde.solve(problem)
    t, u, stats, middle = first.t.copy(), first.u.copy(), first.stats, first(0.5).copy()
    symde.solve(symde.remake(problem, u0=[5.0]), rtol=1e-9)
    symde.solve(symde.remake(problem, u0=[7.0]))
    assert first.stats == stats
    for now, before in ((first.t, t), (first.u, u), (first(0.5), middle)):
        np.testing.assert_array_equal(now, before)


def test_a_spacing_gives_each_span_its_own_times(problem):
    for t1 in (1.0, 2.0, 1.0, -1.0):
        times = symde.solve(symde.remake(problem, tspan=(0, t1)), saveat=0.5).t
        np.testing.assert_array_equal(times, np.arange(0, abs(t1) + 0.5, 0.5) * np.sign(t1))


def test_a_function_of_the_user_is_let_go(problem):
    def make(t, u, shift):
        return lambda r: r / (shift + 1)

    symde.solve(problem, "Rodas5P", linear_solver="krylov", preconditioner=make)
    last = weakref.ref(make)
    del make
    gc.collect()
    assert last() is None


def test_threads_share_a_plan_and_no_session(problem):
    expected = symde.solve(problem, saveat=0.1).u
    wrong = []

    def work(start):
        scaled = symde.remake(problem, u0=[start])
        for _ in range(50):
            if not np.allclose(symde.solve(scaled, saveat=0.1).u, start * expected, rtol=1e-4):
                wrong.append(start)

    threads = [threading.Thread(target=work, args=(float(start),)) for start in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(len(kept) <= KEPT for kept in problem.system.sessions.values())
