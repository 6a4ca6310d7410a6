"""A failed solve tells the time, the state, its equation and line, what is not finite, and what to try."""

import numpy as np
import pytest

import symde
from symde import Retcode


def fail(text, method=None, **options):
    problem = symde.Problem(symde.ode_def(text))
    with pytest.raises(symde.SolveError) as failure:
        symde.solve(problem, method, **options)
    error = failure.value
    assert error.solution.t[0] == problem.tspan[0] and not error.solution.success
    assert np.isfinite(error.solution.u).all()
    return error, str(error)


BLOW_UP = """model Blow
  state y = 1, calm = 0
  time 0 .. 2
  calm' = -calm
  y' = y^2
end"""


@pytest.mark.parametrize("method", [None, "Tsit5", "Vern7", "Rodas5P", "Rosenbrock23"])
def test_a_solution_that_blows_up_is_stopped_at_its_pole(method):
    # y = 1/(1 - t)
    error, words = fail(BLOW_UP, method)
    assert error.retcode in (Retcode.STEP_TOO_SMALL, Retcode.NON_FINITE)
    assert abs(error.solution.t[-1] - 1) < 1e-4
    assert "y' = y^2" in words and "line 5" in words and "worst state: y" in words
    assert "help:" in words and "end the span before" in words


@pytest.mark.parametrize("method", [None, "DP5", "Rodas5P"])
def test_a_logarithm_of_a_negative_number_is_named(method):
    text = "model Log\n  state x = 1\n  time 0 .. 3\n  x' = -2 + 0*log(x)\nend"
    error, words = fail(text, method)
    assert error.retcode in (Retcode.NON_FINITE, Retcode.STEP_TOO_SMALL)
    assert abs(error.solution.t[-1] - 0.5) < 1e-3
    assert "log(x)" in words and "line 4" in words


def test_a_division_by_zero_at_the_start_is_named():
    error, words = fail("model Zero\n  state x = 0, y = 1\n  time 0 .. 1\n  x' = 1\n  y' = y/x\nend")
    assert error.retcode is Retcode.NON_FINITE
    assert "t = 0" in words and "y/x" in words and "line 5" in words and "x = 0" in words


def test_a_failure_can_be_returned_instead_of_raised():
    solution = symde.solve(symde.Problem(symde.ode_def(BLOW_UP)), throw=False)
    assert solution.retcode is Retcode.STEP_TOO_SMALL and "y' = y^2" in solution.message
    assert solution(0.5).shape == (2,)  # the part that was computed is whole
    assert abs(solution(0.5, "y") - 2) < 1e-4


def test_every_return_code_of_a_failure_has_a_sentence_and_a_remedy():
    for code in Retcode:
        assert code.sentence
        assert code.remedy or code.success or code is Retcode.INTERRUPTED


def test_not_a_number_stays_one():
    """A state that is NaN from some time on must not be reported as finite."""
    text = "model Root\n  state x = 1\n  time 0 .. 3\n  x' = -1\n  r = sqrt(1 - t)\nend"
    solution = symde.solve(symde.Problem(symde.ode_def(text)), saveat=[0.5, 2.0])
    assert solution["r"][0] == pytest.approx(0.5**0.5) and np.isnan(solution["r"][1])
