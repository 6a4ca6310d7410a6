"""Hard cases, for every adaptive method and the default: a right answer or a clear return code.

Ends are closed forms. Every solve is bounded by MAX_STEPS, so none can hang.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, e, exp, log, sin
from typing import Any

import numpy as np
import pytest

import symde
from symde import Retcode
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

RTOL, ATOL, MAX_STEPS = 1e-6, 1e-9, 20_000
# errors of single steps add up: those of order 2 come to 4e-4 on the oscillator and to 1e-4 in most cases
RIGHT = 1e-3

SECOND_ORDER = [method for method in registry.methods() if method.family == "nystrom"]
METHODS = [None] + [m for m in registry.methods() if m.adaptive and m not in SECOND_ORDER]
NOT_FINITE = {Retcode.NON_FINITE, Retcode.STEP_TOO_SMALL}
CRAWLING = {Retcode.STIFF, Retcode.MAX_STEPS}
STIFF_FAMILIES = {"rosenbrock", "bdf", "esdirk", "radau", "exponential"}


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda one: getattr(one, "name", "default"))


def solved(text: str, span: tuple[float, float], method: Any, p: Any = None, **options: Any):
    problem = symde.Problem(symde.ode_def(text), p=p, tspan=span)
    options = {"rtol": RTOL, "atol": ATOL, "max_steps": MAX_STEPS, "throw": False, **options}
    return symde.solve(problem, method, dense=False, **options)


@dataclass(frozen=True)
class Solvable:
    """A problem with a solution in closed form; `floor` is the size below which a state counts as small."""

    text: str
    span: tuple[float, float]
    end: list[float]
    options: dict[str, Any] = field(default_factory=dict)
    floor: float = 1e-6


OSCILLATOR = "x' = y\ny' = -x\nstate x = 1, y = 0"
SECOND_OSCILLATOR = "q'' = -q\nstate q = 1\nq'(t0) = 0"

SOLVABLE = {
    "a Jacobian that is singular at the start": Solvable(
        "x' = y^2\ny' = 1\nstate x = 0, y = 0", (0, 2), [8 / 3, 2]
    ),
    "a Jacobian that is singular everywhere": Solvable(
        "x' = x + y\ny' = x + y\nstate x = 1, y = 1", (0, 1), [exp(2), exp(2)]
    ),
    "a jump in time": Solvable(
        "x' = -x + (0 if t < 1 else 1)\nstate x = 1", (0, 3), [exp(-3) + 1 - exp(-2)]
    ),
    "zero states without absolute tolerance": Solvable(
        "x' = 0*x\ny' = -y\nstate x = 0, y = 1", (0, 2), [0, exp(-2)], {"atol": 0.0}
    ),
    "states of all sizes": Solvable(
        "x' = -x\ny' = -2*y\nstate x = 1e-30, y = 1e30", (0, 2), [1e-30 * exp(-2), 1e30 * exp(-4)],
        {"atol": 0.0}, floor=0.0,
    ),
    "nothing moves": Solvable("x' = 0*x\ny' = 0*y\nstate x = 1, y = -2", (0, 2), [1, -2]),
    "nothing moves for long": Solvable("x' = 0*x\ny' = 0*y\nstate x = 1, y = -2", (0, 1e12), [1, -2]),
    "a cyclic Jacobian without diagonal": Solvable(
        "x' = y\ny' = z\nz' = x\nstate x = 1, y = 1, z = 1", (0, 1), [e, e, e]
    ),
    "a tiny span": Solvable(
        "x' = -x\ny' = x\nstate x = 1, y = 0", (0, 1e-12), [1, 1e-12], {"atol": 0.0}, floor=0.0
    ),
    "a huge span": Solvable(
        "x' = -1e-12*x\ny' = 1e-12*x\nstate x = 1, y = 0", (0, 1e12), [exp(-1), 1 - exp(-1)]
    ),
    "backward": Solvable(OSCILLATOR, (3, 0), [cos(3), sin(3)]),
    "far from zero": Solvable(OSCILLATOR, (1e9, 1e9 + 3), [cos(3), -sin(3)]),
    "forced, far from zero": Solvable("x' = cos(t - 1000000)\nstate x = 0", (1e6, 1e6 + 3), [sin(3)]),
}  # fmt: skip

SOLVABLE_SECOND = {
    "backward": Solvable(SECOND_OSCILLATOR, (3, 0), [cos(3), sin(3)]),
    "far from zero": Solvable(SECOND_OSCILLATOR, (1e9, 1e9 + 3), [cos(3), -sin(3)]),
    "nothing moves for long": Solvable("q'' = 0*q\nstate q = 1\nq'(t0) = 0", (0, 1e12), [1, 0]),
    "a tiny span": Solvable("q'' = 1 + 0*q\nstate q = 0\nq'(t0) = 1", (0, 1e-12), [1e-12, 1]),
}


def assert_right(solution, case: Solvable) -> None:
    assert solution.retcode is Retcode.SUCCESS, solution.message
    np.testing.assert_array_less(
        np.abs(solution.u[-1] - case.end), RIGHT * (np.abs(case.end) + case.floor) + 1e-300
    )


@named(METHODS)
@pytest.mark.parametrize("name", SOLVABLE)
def test_what_has_a_solution_is_solved(name, method):
    case = SOLVABLE[name]
    assert_right(solved(case.text, case.span, method, **case.options), case)


@named([None] + [method for method in METHODS if method and packed(method).implicit])
def test_zero_states_without_absolute_tolerance_are_solved_by_dense_linear_algebra(method):
    case = SOLVABLE["zero states without absolute tolerance"]
    assert_right(solved(case.text, case.span, method, **case.options, linear_solver="dense"), case)


@named(SECOND_ORDER)
@pytest.mark.parametrize("name", SOLVABLE_SECOND)
def test_what_has_a_solution_is_solved_at_second_order(name, method):
    case = SOLVABLE_SECOND[name]
    assert_right(solved(case.text, case.span, method, **case.options), case)


# where f is constant on both sides of a jump, an error estimate is a fixed combination of two slopes, and for
# some places of the jump nearly zero: evaluated as it stands, it is off by 0.003 to 0.3 with ROCK2, ROCK4,
# Vern8, KenCarp47, KenCarp58 and the Radau methods
JUMP = "param s = 1\nx' = 2 if x < s else 1\nstate x = 0"


@named(METHODS)
@pytest.mark.parametrize("place", [0.3, 0.91, 1.0, 1.7])
def test_a_jump_in_the_state_is_stepped_to(place, method):
    solution = solved(JUMP, (0, 2), method, p=[place])
    assert solution.retcode is Retcode.SUCCESS
    # constant slopes are integrated without error by all methods
    assert abs(solution.u[-1, 0] - (place + 2 - place / 2)) <= 1e-12


FAILING = {
    # retcodes, and where it ends: 1/(1 - t); sqrt and log leave their domains
    "a pole": ("x' = x^2\nstate x = 1", NOT_FINITE, 1.0),
    "a root at the start": ("x' = sqrt(x)\nstate x = -1", {Retcode.NON_FINITE}, 0.0),
    "a logarithm of zero at the start": ("x' = log(x)\nstate x = 0", {Retcode.NON_FINITE}, 0.0),
    "a root of the state later": ("x' = -1 + 0*sqrt(x)\nstate x = 1", NOT_FINITE, 1.0),
    "a logarithm of the time later": ("x' = -1 + 0*log(1 - t)\nstate x = 10", NOT_FINITE, 1.0),
}
FAILING_SECOND = {
    # q = 1/(1 - t)^2
    "a pole": ("q'' = 6*q^2\nstate q = 1\nq'(t0) = 2", NOT_FINITE, 1.0),
    "a root at the start": ("q'' = sqrt(q)\nstate q = -1\nq'(t0) = 0", {Retcode.NON_FINITE}, 0.0),
    "a root of the state later": ("q'' = 0*sqrt(q)\nstate q = 1\nq'(t0) = -1", NOT_FINITE, 1.0),
}


def assert_ends(case, method) -> None:
    text, codes, time = case
    # methods of order 2 with tight steps come near a pole only slowly
    steps = 100_000
    solution = solved(text, (0, 2), method, max_steps=steps)
    assert solution.retcode in codes, solution.message
    assert abs(solution.t[-1] - time) < 1e-3
    assert np.isfinite(solution.u).all()


@named(METHODS)
@pytest.mark.parametrize("name", FAILING)
def test_what_has_no_solution_ends_where_it_ceases(name, method):
    assert_ends(FAILING[name], method)


@named(SECOND_ORDER)
@pytest.mark.parametrize("name", FAILING_SECOND)
def test_what_has_no_solution_ends_where_it_ceases_at_second_order(name, method):
    assert_ends(FAILING_SECOND[name], method)


STIFF = {
    # x = (k^2 cos t + k sin t - k^2 exp(-k t))/(k^2 + 1)
    "fast": Solvable("x' = -1e6*(x - cos(t))\nstate x = 0", (0, 10), [cos(10) + 1e-6 * sin(10)]),
    "long": Solvable("x' = 1 - x\nstate x = 0", (0, 1e12), [1]),
}


@named(METHODS)
@pytest.mark.parametrize("name", STIFF)
def test_stiffness_is_mastered_or_named(name, method):
    case = STIFF[name]
    solution = solved(case.text, case.span, method)
    if method is None or method.family in STIFF_FAMILIES:
        assert_right(solution, case)
    elif solution.retcode is not Retcode.SUCCESS:
        assert solution.retcode in CRAWLING, solution.message
        assert solution.t[-1] < case.span[1]
    else:
        assert_right(solution, case)


@named([m for m in METHODS if m is not None and m.family not in STIFF_FAMILIES])
def test_few_steps_are_no_more_than_asked_for(method):
    case = STIFF["fast"]
    solution = solved(case.text, case.span, method, max_steps=30)
    assert solution.retcode in CRAWLING and solution.stats.steps <= 30


def diagonal(method) -> float:
    """gamma of the matrices I - gamma h J."""
    return float(method.gamma) if method.family == "rosenbrock" else float(method.a[1][1])


@named([m for m in METHODS if m is not None and m.family in ("rosenbrock", "esdirk")])
def test_pivots_that_vanish_are_no_answer(method):
    # the first attempt has gamma h = 1/2: the diagonal of I - gamma h J is zero, the matrix is not singular
    text = "x' = 2*x + 3*y\ny' = -3*x + 2*y\nstate x = 1, y = 0"
    case = Solvable(text, (0, 4), [exp(8) * cos(12), -exp(8) * sin(12)])
    solution = solved(case.text, case.span, method, dt0=0.5 / diagonal(method))
    assert_right(solution, case)


@named([m for m in METHODS if m is not None and m.family in ("rosenbrock", "esdirk")])
def test_a_matrix_that_is_singular_at_one_step_size_is_left_for_another(method):
    # I - gamma h J = 0 at the first attempt
    case = Solvable("x' = 2*x\nstate x = 1", (0, 4), [exp(8)])
    assert_right(solved(case.text, case.span, method, dt0=0.5 / diagonal(method)), case)


@named(METHODS)
def test_an_infinite_jacobian_is_no_convergence(method):
    # w = sqrt(x) solves 2 w - 2 log(1 + w) = t; W is infinite at the start, and what it solves for is 0
    case = Solvable("x' = 1 + sqrt(x)\nstate x = 0", (0, 2 - 2 * log(2)), [1])
    solution = solved(case.text, case.span, method)
    if solution.retcode is Retcode.SUCCESS:
        assert_right(solution, case)
    else:
        assert solution.retcode in NOT_FINITE and solution.stats.accepted == 0
