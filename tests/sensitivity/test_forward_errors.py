"""What cannot be differentiated is refused by name, with what to do instead."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

from .forward_models import SEASONS, SPRING

SPLIT = """
model Split
  param k = 50, w = 1
  state x = 1
  time 0 .. 2
  dx = stiff(-k*x) + w*cos(t)
end
"""


def test_a_split_model_is_solved_as_a_whole():
    found = symde.sensitivities(symde.Problem(SPLIT), "KenCarp4", saveat=[2.0], rtol=1e-8)
    tight = symde.sensitivities(symde.Problem(SPLIT), "Vern9", saveat=[2.0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.dp, tight.dp, rtol=1e-5)
    assert found.solution.method[0].name == "KenCarp4"


def test_an_additive_pair_is_refused():
    pair = registry.get("KenCarp4").additive
    with pytest.raises(ValueError, match=f"{pair.name} has no forward sensitivities: use .* such as Tsit5"):
        symde.sensitivities(symde.Problem(SPLIT), pair)


@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "Radau"])
def test_solvers_to_a_tolerance_are_refused(method):
    with pytest.raises(
        ValueError, match="solves to a tolerance only, and sensitivities need one factorisation"
    ):
        symde.sensitivities(symde.Problem(SEASONS), method, linear_solver="krylov")


def test_names_that_are_not_there():
    problem = symde.Problem(SEASONS)
    with pytest.raises(ValueError, match="unknown parameter or state `q`"):
        symde.sensitivities(problem, wrt="q")
    with pytest.raises(ValueError, match="wrt is empty"):
        symde.sensitivities(problem, wrt=())
    with pytest.raises(TypeError, match="wrt takes names"):
        symde.sensitivities(problem, wrt=(1,))
    with pytest.raises(ValueError, match="derivatives of a whole solution come from 'forward' alone"):
        symde.sensitivities(problem, sensealg="discrete")
    with pytest.raises(TypeError, match=r"expected a symde\.Problem"):
        symde.sensitivities(SEASONS)


def test_a_function_that_is_called_back_is_refused():
    calls = []

    def f(u, p, t):
        calls.append(t)
        return [-p[0] * u[0] if u[0] > 0 else 0.0]

    with pytest.raises(ValueError, match="no exact derivative of it is known"):
        symde.sensitivities(symde.Problem(f, u0=[1.0], tspan=(0, 1), p=[1.0]))


def test_models_that_a_method_cannot_solve_are_refused_as_by_solve():
    with pytest.raises(ValueError, match="VelocityVerlet solves equations of positions and momenta"):
        symde.sensitivities(symde.Problem(SEASONS), "VelocityVerlet", dt0=0.01)
    with pytest.raises(ValueError, match="RK4 has no error estimate"):
        symde.sensitivities(symde.Problem(SPRING), "RK4")


def test_initial_values_that_cannot_be_traced_are_refused():
    problem = symde.Problem(SPRING, u0=lambda p: [float(p[0]) if p[0] > 1 else 0.0, 1.0])
    with pytest.raises(ValueError, match="the derivative of the function given as u0 is not known"):
        symde.sensitivities(problem)


def test_a_solve_that_fails_says_so_in_the_words_of_the_model():
    text = "model Blow\n  param k = 1\n  state x = 1\n  time 0 .. 2\n  dx = k*x^2\nend\n"
    with pytest.raises(symde.SolveError, match="dx = k"):
        symde.sensitivities(symde.Problem(text))
