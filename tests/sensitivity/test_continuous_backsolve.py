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
    with pytest.raises(
        ReverseError, match=rf"times the tolerance away from the forward solution at t = 9.*{REMEDY}"
    ):
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


FORGETFUL = """
model Forgetful
  param k = 60
  state x = 0
  time 0 .. 20
  dx = -k*(x - cos(t))
end
"""


def test_the_check_is_what_stops_it(monkeypatch):
    """Without it a decay of 60 gives a derivative that is plainly wrong: backward x grows by exp(60 dt) from
    one checkpoint to the next, and the integral takes it along at every saved time."""
    problem = symde.Problem(symde.ode_def(FORGETFUL))

    def run(method, sensealg, tolerance):
        options = {"saveat": 0.1, "sensealg": sensealg, "rtol": tolerance, "atol": tolerance}
        return symde.value_and_grad(end, problem, method, **options)[1]["p"][0]

    with pytest.raises(ReverseError):
        run("Tsit5", "backsolve", 1e-6)
    monkeypatch.setattr("symde.sensitivity.backsolve.LIMIT", np.inf)
    wrong, right = run("Tsit5", "backsolve", 1e-6), run("Vern9", "forward", 1e-12)
    assert abs(wrong - right) > 0.1 * abs(right)


@pytest.mark.parametrize(
    ("length", "least", "most"), [(1.0, 1e-9, 1e-6), (2.0, 1e-4, 1.0), (3.25, 1e3, np.inf)]
)
def test_a_reverse_solve_of_lorenz_loses_its_way_as_documented(length, least, most):
    """Back at t = 0 it is off by 6e-8 from t = 1, 0.02 from 2 and 8e4 from 3.25, at tolerance 1e-12. The
    digits depend on rounding, the sizes do not."""
    model = symde.ode_def(LORENZ)
    options = {"rtol": 1e-12, "atol": 1e-12}
    there = symde.solve(symde.Problem(model, tspan=(0.0, length)), "Vern9", saveat=[length], **options).u[-1]
    back = symde.solve(symde.Problem(model, u0=there, tspan=(length, 0.0)), "Vern9", saveat=[0.0], **options)
    assert least < np.abs(back.u[-1] - [1.0, 0.0, 0.0]).max() < most
