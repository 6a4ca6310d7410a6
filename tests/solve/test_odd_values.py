"""Values that look like numbers but are none, or lie beyond float64, are refused; none is converted."""

import datetime
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import symde

DECAY = symde.ode_def(
    "model Decay\n param k = 1\n state x = 1, y = 2\n time 0 .. 1\n x' = -k*x\n y' = -y\nend"
)
PROBLEM = symde.Problem(DECAY)
HUGE = 10**400
MASKED = np.ma.array([0.25, 0.5], mask=[False, True])

NO_NUMBERS = {
    "text": ("1", TypeError),
    "truth value": (np.True_, TypeError),
    "duration": (np.timedelta64(1, "s"), TypeError),
    "date": (datetime.date(2020, 1, 1), TypeError),
    "integer beyond float64": (HUGE, ValueError),
    "masked": (np.ma.masked, ValueError),
}
OPTIONS = ("rtol", "atol", "saveat", "dt0", "dtmax", "max_steps")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", NO_NUMBERS)
def test_an_option_that_is_no_number_is_refused_by_name(name, option):
    value, kind = NO_NUMBERS[name]
    with pytest.raises(kind, match=option):
        symde.solve(PROBLEM, **{option: value})


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_a_value_that_is_no_number_is_refused_by_name(name):
    value, kind = NO_NUMBERS[name]
    with pytest.raises(kind, match="`k`"):
        symde.Problem(DECAY, p={"k": value})
    with pytest.raises(kind, match="`y`"):
        symde.remake(PROBLEM, u0={"y": value})
    with pytest.raises(kind, match=re.escape("tspan[1]")):
        symde.remake(PROBLEM, tspan=(0, value))


TIMES = {
    "texts": (["0.25", "0.5"], TypeError),
    "truth values": ([False, True], TypeError),
    "complex numbers": (np.array([0.25 + 0j, 0.5]), TypeError),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), TypeError),
    "records": (np.zeros(2, dtype=[("t", float)]), TypeError),
    "masked values": (MASKED, ValueError),
    "a set": ({0.25, 0.5}, TypeError),
    "rows of different lengths": ([[0.25], [0.5, 0.75]], ValueError),
    "a list with None": ([0.25, None], TypeError),
    "an integer beyond float64": ([0, HUGE], ValueError),
}


@pytest.mark.parametrize("name", TIMES)
def test_times_that_are_no_numbers_are_refused(name):
    times, kind = TIMES[name]
    with pytest.raises(kind, match="saveat"):
        symde.solve(PROBLEM, saveat=times)
    with pytest.raises(kind):
        symde.solve(PROBLEM)(times)


def test_fractions_decimals_and_integers_are_times():
    solution = symde.solve(PROBLEM, saveat=[0, Fraction(1, 4), Decimal("0.5"), 1])
    assert solution.t.tolist() == [0, 0.25, 0.5, 1]


def test_saved_times_do_not_follow_the_callers_array():
    times = np.array([0.25, 0.5, 1.0])[::-1][::-1]

    def spoil(t, u):
        times[:] = 99

    assert symde.solve(PROBLEM, saveat=times, callback=spoil).t.tolist() == [0.25, 0.5, 1.0]


def test_what_has_no_order_is_no_span_and_no_state():
    with pytest.raises(TypeError, match="tspan"):
        symde.Problem(DECAY, tspan={0, 1})
    with pytest.raises(TypeError, match="tspan"):
        symde.Problem(DECAY, tspan={0: 1, 1: 2})
    with pytest.raises(TypeError, match="order"):
        symde.Problem(DECAY, u0={1.0, 2.0})


def test_a_span_beyond_float64_is_refused():
    with pytest.raises(ValueError, match="longer than float64"):
        symde.Problem(DECAY, tspan=(-1.7e308, 1.7e308))


def test_any_whole_number_limits_the_steps():
    assert symde.solve(PROBLEM, max_steps=10**30).success


def test_other_objects_are_no_problems():
    for call in (symde.solve, symde.Integrator, symde.remake):
        with pytest.raises(TypeError, match="Problem"):
            call(DECAY)
    with pytest.raises(TypeError, match="callback"):
        symde.solve(PROBLEM, callback="print")


def test_a_solution_is_asked_for_names_and_indices_only():
    solution = symde.solve(PROBLEM)
    for index in (2, -3, 10**30):
        with pytest.raises(IndexError, match="no state of index"):
            solution[index]
    for other in (True, np.timedelta64(1, "s"), 1.0, None):
        with pytest.raises(ValueError, match="unknown quantity"):
            solution[other]
    with pytest.raises(TypeError, match="list of names"):
        solution(0.5, 3)
    with pytest.raises(ValueError, match="names is empty"):
        solution(0.5, [])
    with pytest.raises(ValueError, match="unknown quantity `1`"):
        solution(0.5, [1])


def test_a_solution_without_steps_says_so():
    failed = symde.solve(symde.Problem("x' = log(-x)", [1.0], (0, 1)), throw=False)
    with pytest.raises(ValueError, match="no step was taken"):
        failed(0.0)


RETURNED = {
    "numbers as texts": (["1", "2"], TypeError),
    "an array of texts": (np.array(["1", "2"]), TypeError),
    "dates": (np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"), TypeError),
    "records": (np.zeros(2, dtype=[("a", float)]), TypeError),
    "None in a list": ([1.0, None], TypeError),
    "masked values": (MASKED, ValueError),
    "a mapping": ({"x": 1}, TypeError),
    "a generator": ((one for one in (1.0, 2.0)), TypeError),
    "rows of different lengths": ([[1.0], 2.0], TypeError),
    "an integer beyond float64": ([HUGE, 0], ValueError),
    "complex values": ([1j, 0], TypeError),
    "too many": ([1.0, 2.0, 3.0], ValueError),
}


@pytest.mark.parametrize("name", RETURNED)
def test_a_function_that_returns_no_numbers_is_told(name):
    value, kind = RETURNED[name]
    with pytest.raises(kind, match=r"the function f\(u, p, t\)"):
        symde.solve(symde.Problem(lambda u, p, t: value, [1.0, 2.0], (0, 1)))


def test_a_function_needs_a_state():
    with pytest.raises(ValueError, match="u0 is empty"):
        symde.Problem(lambda u, p, t: u, [], (0, 1))
