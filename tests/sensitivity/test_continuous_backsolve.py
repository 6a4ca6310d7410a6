"""Reverse solves: where they find their way back, and where they are refused."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.sensitivity.backsolve import CHECKPOINTS, ReverseError, record
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import wrt_of
from tests.problems import get

REMEDY = r"Use sensealg='interpolating', which keeps the forward solution, or 'discrete' or 'forward'"

LORENZ = """
model Lorenz
  param s = 10, r = 28, b = 8/3
  state x = 1, y = 0, z = 0
  time 0 .. 100
  dx = s*(y - x)
  dy = x*(r - z) - y
  dz = x*y - b*z
end
"""


def end(u):
    """The sum of the end state."""
    return float(u.sum()), np.ones_like(u)


@pytest.mark.parametrize("name", ["pollu", "hires", "rober_1e5", "vanderpol_1e3", "orego"])
@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", None])
def test_stiff_problems_are_refused_with_a_remedy(name, method):
    with pytest.raises(ReverseError, match=f"the reverse solve from t = .*{REMEDY}"):
        symde.value_and_grad(end, get(name).problem, method, sensealg="backsolve")


def test_lorenz_over_a_hundred_time_units_is_refused():
    """It contracts volumes by exp(-13.7 t), so that backward everything nearby is lost at once."""
    problem = symde.Problem(symde.ode_def(LORENZ))
    with pytest.raises(ReverseError, match=rf"times the tolerance away from the forward solution at t = 9.*{REMEDY}"):
        symde.value_and_grad(end, problem, "Vern9", sensealg="backsolve", rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [1.0, 3.25])
def test_lorenz_over_a_short_span_is_right(length):
    problem = symde.Problem(symde.ode_def(LORENZ), tspan=(0.0, length))
    _, found = symde.value_and_grad(end, problem, "Vern9", sensealg="backsolve", rtol=1e-10, atol=1e-10)
    _, exact = symde.value_and_grad(end, problem, "Vern9", sensealg="forward", rtol=1e-13, atol=1e-13)
    # 100 times the tolerance is let pass at a checkpoint, and grows from there
    assert found["p"] == pytest.approx(exact["p"], rel=1e-6)
    assert found["u0"] == pytest.approx(exact["u0"], rel=1e-6)


def test_a_stated_number_of_states_is_kept():
    problem = symde.Problem(symde.ode_def(LORENZ))
    run = prepare(problem, "Tsit5", rtol=1e-9, atol=1e-9, saveat=[100.0])
    found = record(run, wrt_of("p", problem.system))
    assert found.solution.stats.accepted > 10 * CHECKPOINTS
    assert CHECKPOINTS / 2 <= len(found.checkpoints) <= CHECKPOINTS
    assert found.checkpoint_times[0] == 0.0
    assert found.checkpoints[0, :3].tolist() == [1.0, 0.0, 0.0]
    assert (np.diff(found.checkpoint_times) > 0).all()


def test_the_check_is_what_stops_it(monkeypatch):
    """Without it the Lorenz equations give a gradient that is plainly wrong."""
    problem = symde.Problem(symde.ode_def(LORENZ), tspan=(0.0, 20.0))
    options = {"rtol": 1e-6, "atol": 1e-6}
    with pytest.raises(ReverseError):
        symde.value_and_grad(end, problem, "Vern7", sensealg="backsolve", **options)
    monkeypatch.setattr("symde.sensitivity.backsolve.LIMIT", np.inf)
    _, wrong = symde.value_and_grad(end, problem, "Vern7", sensealg="backsolve", **options)
    _, right = symde.value_and_grad(end, problem, "Vern7", sensealg="interpolating", rtol=1e-12, atol=1e-12)
    assert np.abs(wrong["p"] - right["p"]).max() > 0.01 * np.abs(right["p"]).max()
