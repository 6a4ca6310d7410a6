"""Branches in models with algebraic equations, which are evaluated as they stand."""

from __future__ import annotations

import numpy as np
import pytest

import symde

SOURCE = """
model Source "a capacitor behind a resistance, at a source that is switched"
  param R = 1, C = 1, high = 5
  state v = 0, i = 1
  time 0 .. 3
  C*v' = i
  0 = (t > 1 ? high : 1) - R*i - v
end
"""


@pytest.mark.parametrize("method", ["KenCarp3", "KenCarp4", "KenCarp47", "Radau", "Rodas5P"])
def test_a_jump_within_the_last_stage_is_an_error(method):
    # v = 1 - exp(-t) until 1, from then on it goes to 5
    exact = 5 - (4 + np.exp(-1)) * np.exp(-2)
    solution = symde.solve(symde.Problem(symde.ode_def(SOURCE)), method, rtol=1e-6, atol=1e-6)
    assert abs(solution["v"][-1] - exact) < 1e-5


@pytest.mark.parametrize("switch", ["t > 1 ? 5 : 1", "floor(t) + 1", "v > 0.5 ? 5 : 1", "1 + mod(t, 1)"])
def test_a_jump_in_an_algebraic_law_is_located(switch):
    # two methods of another kind agree, of which one cannot take a jump within its steps
    problem = symde.Problem(symde.ode_def(SOURCE.replace("t > 1 ? high : 1", switch)))
    ends = [symde.solve(problem, method, rtol=1e-8, atol=1e-8)["v"][-1] for method in ("QNDF", "Rodas5P")]
    assert abs(ends[0] - ends[1]) < 1e-6


def test_a_jump_that_is_not_located_is_named_where_it_ends_a_solve():
    # more switches than are modes; those of the kinks hardly matter
    kinks = " + ".join(f"1e-9*abs(v - {k / 7})" for k in range(70))
    text = SOURCE.replace("R*i", f"R*i - sin(i)/9 + {kinks}")
    with pytest.raises(symde.SolveError, match="dt_underflow") as caught:
        symde.solve(symde.Problem(symde.ode_def(text)), "QNDF")
    said = str(caught.value)
    assert "t > 1" in said.split("switch:")[1]
    assert "let an event change a discrete variable" in said


def test_an_event_switches_in_its_place():
    text = SOURCE.replace("t > 1 ? high : 1", "V").replace("state v", "discrete V = 1\n  state v")
    text = text.replace("end\n", "  at t = 1: V = high\nend\n")
    exact = 5 - (4 + np.exp(-1)) * np.exp(-2)
    for method in ("QNDF", "KenCarp4", "Rodas5P"):
        solution = symde.solve(symde.Problem(symde.ode_def(text)), method, rtol=1e-8, atol=1e-8)
        assert abs(solution["v"][-1] - exact) < 1e-6
