"""Equations that say what others say, by their terms or by numbers alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import symde
from symde.diagnostics import ModelWarning

PENDULUM = """
param L = 1, g = 9.81
state x = 0.6, y = -0.8, T = 0
x'(0) = 0; y'(0) = 0
time 0 .. 1
x'' = -T*x
y'' = -T*y - g
x^2 + y^2 = L^2
{more}
"""


@pytest.mark.parametrize(
    "again",
    ["x^2 + y^2 = L^2", "2*x^2 + y^2*2 = 2*L^2", "0 = L^2 - (y^2 + x^2)", "(x^2 + y^2)/4 - L^2/4 = 0"],
)
def test_an_equation_written_twice_is_left_out(again):
    once = symde.solve(symde.Problem(symde.ode_def(PENDULUM.format(more=""))))
    with pytest.warns(ModelWarning, match=r"line 9: `.*` says what line 8 says, and is left out"):
        model = symde.ode_def(PENDULUM.format(more=again))
    np.testing.assert_array_equal(symde.solve(symde.Problem(model)).u, once.u)


@pytest.mark.parametrize(
    "other", ["x^2 + y^2 = 2*L^2", "x^2 - y^2 = L^2", "2*x^2 + y^2 = L^2", "x^2 + y^2 = L"]
)
def test_others_are_too_many(other):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(symde.ModelError, match="too many equations: 4 for the 3 unknowns"):
            symde.ode_def(PENDULUM.format(more=other))


def test_what_is_missing_then_is_told_with_the_line_that_says_nothing():
    text = "state x = 1, y = 0, z = 0\ntime 0 .. 1\nx' = -x\n0 = y + z - x\n2*y = 2*x - 2*z"
    with pytest.raises(symde.ModelError) as caught:
        symde.ode_def(text)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E352" and "line 5 says nothing new" in diagnostic.help


MASSES = """
param a = 1, b = 1
state x = 1, y = 0
time 0 .. 1
a*x' + y' = -x
x' + b*y' = 1 - y
"""


def test_parameters_that_take_derivatives_away_are_named_with_the_equations():
    problem = symde.Problem(symde.ode_def(MASSES))
    with pytest.raises(symde.SolveError) as caught:
        symde.solve(problem)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(
        "inconsistent: for these parameters equations do not determine their derivatives"
    )
    assert lines[2].split("(")[0].strip() == "1 times a*x' + y' = -x"
    assert lines[3].strip().startswith("-1 times x' + b*y' = 1 - y") and "line 6" in lines[3]
    assert "a = 1, b = 1" in lines[4]
    solution = symde.solve(problem, throw=False)
    assert solution.retcode == symde.Retcode.INCONSISTENT
    # other parameters, in the same session, and these again
    assert symde.solve(symde.remake(problem, p={"a": 2})).retcode.success
    with pytest.raises(symde.SolveError, match="1 times a"):
        symde.solve(problem)


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "interpolating"])
def test_so_it_is_where_they_are_differentiated_by(sensealg):
    problem = symde.Problem(symde.ode_def(MASSES))
    loss = symde.value_and_grad
    with pytest.raises((symde.SolveError, ValueError)):
        loss(lambda u: (u.sum(), np.ones_like(u)), problem, sensealg=sensealg, wrt="a", saveat=[1.0])


@pytest.mark.parametrize(("factor", "said"), [(2, "contradict each other, as it is 1"), (1, "say the same")])
def test_algebraic_equations_that_depend_on_each_other_for_some_parameters(factor, said):
    text = "param a = 1\nstate x = 1, y = 0, z = 0\ntime 0 .. 1\nx' = -x\n0 = y + a*z - x\n"
    problem = symde.Problem(symde.ode_def(text + f"0 = y + z - {factor}*x"))
    with pytest.raises(symde.SolveError, match=f"line 5, -1 times line 6 depends on none.*{said}"):
        symde.solve(problem)
    assert symde.solve(symde.remake(problem, p={"a": 2})).retcode.success


def test_the_warning_points_to_the_users_line(tmp_path):
    text = "state x = 1, y = 1\nx' = -x + 0*y\n0 = x + y - 1\n0 = 2*x + 2*y - 2\ntime 0 .. 1\n"
    with pytest.warns(ModelWarning) as caught:
        symde.ode_def(text)
    assert caught[0].filename == __file__
    file = tmp_path / "model.symde"
    file.write_text(text)
    with pytest.warns(ModelWarning) as caught:
        symde.load(str(file))
    assert (caught[0].filename, caught[0].lineno) == (str(file), 4)
