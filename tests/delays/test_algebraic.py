"""Equations without a derivative in models with delays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

import symde

Curve = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Algebraic:
    """A model, its states in closed form, and what of its delays or equations some methods cannot do."""

    text: str
    exact: Sequence[Curve]
    vanishes: bool = False


def ramp(start: float, slope: float) -> Curve:
    return lambda t: 1 + slope * np.maximum(t - start, 0.0)


MODELS = {
    # closed forms by putting them in: sin(t - 3 pi/2) = cos(t), exp(t - 1/2) exp(1/2) = exp(t)
    "a delayed state": Algebraic(
        "state x, z = 0\nhistory x = sin(t)\nx' = z\n"
        "0 = z + z^3 - x(t - 3*pi/2) - x(t - 3*pi/2)^3\ntime 0 .. 10",
        (np.sin, np.cos),
    ),
    "a variable with a past of its own": Algebraic(
        "state x, z\nhistory x = sin(t)\nhistory z = cos(t)\nx' = z\n"
        "0 = z + z^3 + z(t - pi) + z(t - pi)^3\ntime 0 .. 6",
        (np.sin, np.cos),
    ),
    "a delay by a variable": Algebraic(
        "state x, z = 1\nhistory x = exp(t)\nx' = z\n"
        "0 = z^3 + z - x(t - 0.5*z/x)^3*exp(1.5) - x(t - 0.5)*exp(0.5)\ntime 0 .. 1.4",
        (np.exp, np.exp),
    ),
    "a delay that vanishes": Algebraic(
        "state x = 1, z = 1\nx' = z\n0 = z^3 + z - x(t/2)^6 - x(t/2)^2\ntime 0 .. 2",
        (np.exp, np.exp),
        vanishes=True,
    ),
    "a mass matrix": Algebraic(
        "state x, w\nhistory x = sin(t)\nhistory w = cos(t)\n2*x' - w' = 2*w - w(t - 3*pi/2)\n"
        "x' + w' = w - x(t - 2*pi)\ntime 0 .. 8",
        (np.sin, np.cos),
    ),
    # the root of z + z^3 is 0 until the jump of x comes back, and 2 from then on
    "a jump of the past": Algebraic(
        "state x = 1, y = 1, z = 0.1\nhistory x = 0\nx' = 0*z\ny' = -z(t - 1)\n0 = z + z^3 - 10*x(t - 1)\n"
        "time 0 .. 4",
        (lambda t: 1 + 0 * t, ramp(2, -2), lambda t: np.where(t < 1, 0.0, 2.0)),
    ),
}


def error(case: Algebraic, method: str | None, **options) -> np.ndarray:
    solution = symde.solve(symde.Problem(case.text), method, atol=1e-2 * options["rtol"], **options)
    t = np.linspace(*solution.problem.tspan, 301)[:-1]
    values = solution(t)
    return np.array([np.abs(values[:, i] - exact(t)).max() for i, exact in enumerate(case.exact)])


@pytest.mark.parametrize("method", [None, "Rodas5P", "KenCarp4", "Radau", "QNDF"])
@pytest.mark.parametrize("name", MODELS)
def test_closed_forms(name, method):
    case = MODELS[name]
    if case.vanishes and method == "QNDF":
        with pytest.raises(ValueError, match="a delay vanishes"):
            error(case, method, rtol=1e-7)
        return
    # between the ends of steps algebraic variables are those of interpolants of lower order
    states, variables = (1e2, 1e3) if method in (None, "Rodas5P") else (1e3, 5e4)
    found = error(case, method, rtol=1e-7)
    assert found[0] < states * 1e-7
    assert found[1:].max() < variables * 1e-7


def test_a_step_ends_where_a_variable_jumps():
    solution = symde.solve(symde.Problem(MODELS["a jump of the past"].text), rtol=1e-8)
    assert {1.0, 2.0, 3.0} <= set(solution.t.tolist())
    assert max(abs(solution(1 + 1e-9, "z") - 2), abs(solution(1 - 1e-9, "z"))) < 1e-8


def test_what_an_equation_gives_outright_is_observed():
    # z = k x(t - tau) by steps: x = 1 - k t, then 1 - k + k (k - 1) ... as x' = -k x(t - 1)
    text = "param tau = 1, k = 2\nstate x = 1, z = 2\nx' = -z\n0 = z - k*x(t - tau)\ntime 0 .. 2"
    solution = symde.solve(symde.Problem(text), "Tsit5", rtol=1e-9)
    assert solution.u.shape[1] == 1
    np.testing.assert_allclose(solution.u[-1, 0], 1 - 2 * 2 + 4 * 0.5, rtol=1e-10)
    np.testing.assert_allclose(solution(1.5, "z"), 2 * (1 - 2 * 0.5), atol=1e-10)


@pytest.mark.parametrize("equation", ["0 = w - 2*x^2", "w = 2*x^2"])
def test_a_variable_that_is_read_before_the_start_has_its_own_past(equation):
    # with w = 3 before the start x falls with slope 3, not 2, where the equation is one and w its unknown
    if equation.startswith("0"):
        text = f"state x = 1, w = 2\nhistory w = 3\nx' = -w(t - 1)\n{equation}\ntime 0 .. 1"
        expected = -2.0
    else:
        text = f"state x = 1\nx' = -w(t - 1)\n{equation}\ntime 0 .. 1"
        expected = -1.0
    np.testing.assert_allclose(symde.solve(symde.Problem(text)).u[-1, 0], expected, atol=1e-8)


def test_values_at_the_start_fit_a_history_that_is_made_of_them():
    # z was what it is at 0, so that z^3 + z - z/2 = 1 there
    text = "state x = 1, z = 0.3\nx' = -z(t - 1)\n0 = z^3 + z - z(t - 0.5)/2 - x\ntime 0 .. 1"
    z = symde.solve(symde.Problem(text), rtol=1e-10).u[0, 1]
    np.testing.assert_allclose(z**3 + z / 2, 1.0, rtol=1e-12)


def test_a_derivative_that_equations_determine():
    # x' + x'^3 = -2 with x(t - 1) = 2: x' = -1 for one delay
    text = "state x = 2\nx'(0) = -0.5\n0 = x' + x'^3 + x(t - 1)\ntime 0 .. 1"
    np.testing.assert_allclose(symde.solve(symde.Problem(text), rtol=1e-9).u[-1], [1.0, -1.0], rtol=1e-8)


def test_an_event_comes_back_as_a_jump_of_the_variable():
    # x is 2 from 0.5 on: z + z^3 = 2 until 1.5, then 10
    equations = "x' = 0*z\n0 = z + z^3 - (x(t - 1) > 1.5 ? 10 : 2)"
    text = f"state x = 1, z = 1\n{equations}\nat t = 0.5: x = 2\ntime 0 .. 3"
    solution = symde.solve(symde.Problem(text), rtol=1e-9)
    assert {0.5, 1.5} <= set(solution.t.tolist())
    np.testing.assert_allclose(solution(1.5 - 1e-9, "z"), 1.0, rtol=1e-8)
    np.testing.assert_allclose(solution(1.5 + 1e-9, "z"), 2.0, rtol=1e-8)


def test_residuals_read_the_past():
    problem = symde.Problem(MODELS["a delayed state"].text)
    (residual,) = symde.solve(problem, rtol=1e-8).residuals.values()
    assert np.abs(residual).max() < 1e-6
    with pytest.raises(ValueError, match="need the continuous solution"):
        _ = symde.solve(problem, saveat=1).residuals


def test_runs_begin_anew_with_other_parameters():
    text = "param k = 2, tau = 1\nstate x = 1, z = 0.5\nx' = -z\n0 = z^3 + k*z - x(t - tau)\ntime 0 .. 3"
    problem = symde.Problem(text)
    first = symde.solve(problem, rtol=1e-8).u[-1]
    for k in (1.0, 3.0):
        z = symde.solve(symde.remake(problem, p={"k": k}), rtol=1e-8).u[0, 1]
        np.testing.assert_allclose(z**3 + k * z, 1.0, rtol=1e-12)
    np.testing.assert_array_equal(symde.solve(problem, rtol=1e-8).u[-1], first)
    integrator = symde.Integrator(problem, rtol=1e-8)
    while not integrator.done:
        integrator.step()
    np.testing.assert_allclose(integrator.solution().u[-1], first, rtol=1e-12)


@pytest.mark.parametrize(("text", "message"), [
    ("state x = 1, z = 1\nx' = -z\n0 = z^2 + 1 + x(t - 1)", r"worst equation: 0 = z\^2 \+ 1"),
    ("state x = 1, z = 1\nx' = -z(t - 1)\n0 = z^3*0 + x(t - 1) - x", "undetermined:   z by"),
])  # fmt: skip
def test_a_start_without_a_solution(text, message):
    with pytest.raises(symde.SolveError, match=message):
        symde.solve(symde.Problem(text, tspan=(0, 1)))


@pytest.mark.parametrize(("text", "message"), [
    ("state x = 1, y = 0\nstate T = 0\nx'(0) = 0\ny'(0) = 0\nx'' = -T*x + x(t - 1)\ny'' = -T*y - 9.81\n"
     "x^2 + y^2 = 1", "constraints of higher index"),
    ("state x = 1, z = 1\nx' = -x'(t - 1)\n0 = z^3 + z - x", "derivatives read at earlier times beside"),
    ("state x = 1, y = 0\nstate T = 0\nx'(0) = 0\ny'(0) = 0\nx'' = -T*x\ny'' = -T*y - 9.81\n"
     "x^2 + y^2 = 1 + x(t - 1)", "must be differentiated in time, and it reads the past"),
])  # fmt: skip
def test_what_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        symde.solve(symde.Problem(text, tspan=(0, 1)))


def test_other_methods_and_derivatives_are_refused():
    problem = symde.Problem(MODELS["a delayed state"].text)
    with pytest.raises(ValueError, match="Tsit5 solves u' = f"):
        symde.solve(problem, "Tsit5")
    with pytest.raises(ValueError, match="models with delays and equations without a derivative"):
        symde.sensitivities(problem, "Rodas5P", saveat=[3.0])
