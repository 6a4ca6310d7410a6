"""Problems that break solvers end in a right answer or in a clear return code, with every adaptive method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import symde
from symde import Retcode
from symde.engine.methods import registry

ADAPTIVE = [method for method in registry.methods() if method.adaptive and method.family != "nystrom"]
"""Nystrom methods take equations of second order only; tests/symplectic holds them to theirs."""

METHODS = [None, *(method.name for method in ADAPTIVE)]

MAX_STEPS = 20_000
"""No run may go on for ever: at a few microseconds a step this is a fraction of a second."""

EXPLICIT_STABILITY = [method.name for method in ADAPTIVE if not method.stability.endswith("stable")]
"""Methods that say up to where they are stable, instead of for every decay."""


@dataclass(frozen=True)
class Hard:
    """A problem with the end it must reach.

    Attributes:
        text: The model.
        end: The end state, from a closed form.
        rtol, atol: Tolerances asked for.
        error: Largest relative error of the end, and absolute one where the end is 0.
    """

    text: str
    end: tuple[float, ...]
    rtol: float = 1e-6
    atol: float = 1e-9
    error: float = 1e-4


def run(text, method, rtol=1e-6, atol=1e-9, max_steps=MAX_STEPS):
    """A solve that may fail; whatever it kept is finite, and its clock went forward only."""
    problem = symde.Problem(symde.ode_def(text))
    solution = symde.solve(problem, method, rtol=rtol, atol=atol, max_steps=max_steps, throw=False)
    assert solution.stats.steps <= max_steps
    assert np.isfinite(solution.u).all()
    assert (np.diff(solution.t) > 0).all()
    if not solution.success:
        assert solution.retcode.remedy and solution.message
    return solution


def is_right(solution, hard):
    end = np.array(hard.end)
    return bool((np.abs(solution.u[-1] - end) <= hard.error * np.where(end == 0, 1, np.abs(end))).all())


def model(*lines, end=2.0):
    return "\n".join(["model Hard", *(f"  {line}" for line in lines), f"  time 0 .. {end}", "end"])


ALWAYS = {
    # x + y is kept, so the Jacobian is singular everywhere; x - y = exp(-2 t)
    "singular Jacobian": Hard(
        model("state x = 1, y = 0", "x' = y - x", "y' = x - y"),
        ((1 + np.exp(-4)) / 2, (1 - np.exp(-4)) / 2),
    ),
    # all of J is 0 at the start: x = tan(t²/2) solves x' = t (1 + x²)
    "Jacobian of zeros at the start": Hard(model("state x = 0", "x' = t*(1 + x^2)", end=1), (np.tan(0.5),)),
    "right-hand side of zero": Hard(
        model("state x = 3, y = 0", "x' = 0", "y' = 0"), (3.0, 0.0), atol=0.0, error=0.0
    ),
    "zero states without absolute tolerance": Hard(
        model("state x = 1, y = 0", "x' = -x", "y' = -5*y"), (np.exp(-2), 0.0), atol=0.0
    ),
    "a state that leaves zero without absolute tolerance": Hard(
        model("state x = 1, y = 0", "x' = -x", "y' = x"), (np.exp(-2), 1 - np.exp(-2)), atol=0.0
    ),
    # y = 1e-30 (1 + t) exp(-t) hears of x = 1e30 exp(-t) by a factor of 1e-60
    "states from 1e-30 to 1e30": Hard(
        model(
            "state x = 1e30, y = 1e-30, z = 1", "x' = -x", "y' = 1e-60*x - y", "z' = x*y - (1 + t)*exp(-2*t)"
        ),
        (1e30 * np.exp(-2), 3e-30 * np.exp(-2), 1.0),
        atol=0.0,
    ),
    # An error estimate sees no jump between its stages: the slopes aside of it must not be constant, or the
    # step over it may be the whole span (then ROCK2 ends 1.3 off: such a jump belongs at the end of a span).
    "a jump of the right-hand side in time": Hard(
        model("state x = 0.5", "x' = (1 if t < 0.7 else -3) - x"),
        ((4 - 0.5 * np.exp(-0.7)) * np.exp(-1.3) - 3,),
        error=1e-3,
    ),
    # x = exp(t)/2 until log 2, and exp(2 (t - log 2)) from there on
    "a jump of the right-hand side in the state": Hard(
        model("state x = 0.5", "x' = x if x < 1 else 2*x"), (np.exp(4) / 4,), error=1e-2
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ALWAYS)
def test_a_hard_problem_that_can_be_solved_is_solved(case, method):
    hard = ALWAYS[case]
    solution = run(hard.text, method, hard.rtol, hard.atol)
    assert solution.success, solution.message
    assert is_right(solution, hard), solution.u[-1]


@pytest.mark.parametrize("method", METHODS)
def test_a_right_hand_side_of_zero_takes_few_steps(method):
    assert run(ALWAYS["right-hand side of zero"].text, method).stats.steps <= 50


EITHER = {
    # dx'/dx is infinite at the start: w = sqrt(x) solves 2 w - 2 log(1 + w) = t; at t = 2 - 2 log 2, w = 1
    "a Jacobian that is infinite at the start": Hard(
        model("state x = 0", "x' = 1 + sqrt(x)", end=float(2 - 2 * np.log(2))), (1.0,)
    ),
    # the solution stays where the jump is
    "sliding along a jump": Hard(model("state x = 1", "x' = -sign(x - 0.5)"), (0.5,), error=1e-3),
    # pivots of W are 1e-10 of their rows; x = y = cos t
    "pivots next to zero": Hard(
        model(
            "state x = 1, y = 1",
            "x' = 1e10*(y - cos(t)) - sin(t)",
            "y' = -1e10*(x - cos(t) + 2*(y - cos(t))) - sin(t)",
        ),
        (np.cos(2), np.cos(2)),
    ),
    "a stiff problem": Hard(model("state x = 1", "x' = -1e8*(x - cos(t)) - sin(t)"), (np.cos(2),)),
}
FAILURES = (
    Retcode.MAX_STEPS, Retcode.STEP_TOO_SMALL, Retcode.NON_FINITE, Retcode.STIFF, Retcode.SINGULAR,
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", EITHER)
def test_a_problem_that_some_cannot_solve_is_solved_rightly_or_given_up(case, method):
    hard = EITHER[case]
    solution = run(hard.text, method)
    assert is_right(solution, hard) if solution.success else solution.retcode in FAILURES


@pytest.mark.parametrize("method", [name for name in METHODS if name not in EXPLICIT_STABILITY])
@pytest.mark.parametrize("case", ["pivots next to zero", "a stiff problem"])
def test_methods_for_stiff_equations_solve_the_stiff_ones(case, method):
    assert run(EITHER[case].text, method).success


@pytest.mark.parametrize("method", METHODS)
def test_a_solution_without_bound_is_followed_to_its_pole_and_no_further(method):
    solution = run(model("state x = 1", "x' = x^2"), method)  # 1/(1 - t)
    assert solution.retcode in FAILURES
    assert 0.99 < solution.t[-1] < 1.01


@pytest.mark.parametrize("method", METHODS)
def test_a_slope_that_is_no_number_at_the_start_is_told_before_any_step(method):
    solution = run(model("state x = 1, y = 1", "x' = -y", "y' = sqrt(-x)"), method)
    assert solution.retcode is Retcode.NON_FINITE
    assert solution.stats.accepted == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_slope_that_is_no_number_later_ends_the_solve_there(method):
    solution = run(model("state x = 1", "x' = -1 + 0*sqrt(x)"), method)  # x = 1 - t
    assert solution.retcode in (Retcode.NON_FINITE, Retcode.STEP_TOO_SMALL)
    assert solution.t[-1] == pytest.approx(1, abs=1e-3)
