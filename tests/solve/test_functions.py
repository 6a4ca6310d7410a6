"""A plain Python function as right-hand side: traced where possible, else called, its exceptions its own."""

import math

import numpy as np
import pytest

import symde
from symde.lowering import ModelSystem
from symde.python_function import CallbackSystem


def lotka(u, p, t):
    return [p[0] * u[0] - p[1] * u[0] * u[1], -p[2] * u[1] + p[3] * u[0] * u[1]]


def branching(u, p, t):
    return [-u[0] if u[0] > 0.5 else -0.5 * u[0]]


def test_an_algebraic_function_is_compiled():
    problem = symde.Problem(lotka, [1, 1], (0, 10), [1.5, 1, 3, 1])
    assert isinstance(problem.system, ModelSystem)
    text = symde.ode_def("@ode_def begin\n du1 = p1*u1 - p2*u1*u2\n du2 = -p3*u2 + p4*u1*u2\nend p1 p2 p3 p4")
    same = symde.Problem(text, [1, 1], (0, 10), [1.5, 1, 3, 1])
    for method in ("Tsit5", "Rodas5P"):
        np.testing.assert_allclose(
            symde.solve(problem, method).u[-1], symde.solve(same, method).u[-1], rtol=1e-9
        )


def test_numpy_functions_are_traced():
    problem = symde.Problem(lambda u, p, t: np.array([np.sin(t) - u[0], np.exp(-u[1])]), [0, 0], (0, 1), [])
    assert isinstance(problem.system, ModelSystem)


@pytest.mark.parametrize(
    "function",
    [
        lambda t, y, p: [-p[0] * y[0]],
        lambda u, t, p: [-p[0] * u[0]],
        lambda t, y: [-y[0]],
        lambda du, u, p, t: None,
    ],
)
def test_arguments_in_another_order_are_refused(function):
    with pytest.raises(TypeError, match=r"f\(u, p, t\)"):
        symde.Problem(function, [1.0], (0, 1), [2.0])


def test_other_names_and_defaults_of_arguments_are_fine():
    for function in (
        lambda y, k, time: [-k[0] * y[0]],
        lambda u, p, t, scale=1.0: [-p[0] * u[0] * scale],
        lambda *arguments: [-arguments[1][0] * arguments[0][0]],
    ):
        problem = symde.Problem(function, [1.0], (0, 1), [2.0])
        assert symde.solve(problem).u[-1, 0] == pytest.approx(math.exp(-2), rel=1e-5)


def test_a_function_that_branches_on_values_is_called():
    problem = symde.Problem(branching, [1.0], (0, 2))
    assert isinstance(problem.system, CallbackSystem) and "called back" in repr(problem)
    # u = e^-t until u = 1/2 at t = log 2, then (1/2) e^{-(t - log 2)/2}
    expected = 0.5 * math.exp(-(2 - math.log(2)) / 2)
    for method in ("Tsit5", "Rodas5P", None):
        assert symde.solve(problem, method, rtol=1e-8).u[-1, 0] == pytest.approx(expected, rel=1e-6)


def test_a_function_that_remembers_is_called():
    """A counter is not part of (u, p, t): what tracing saw once need not hold the next time."""
    calls = []

    def remembers(u, p, t):
        calls.append(t)
        return [-u[0] * (1 + 1e-3 * (len(calls) % 2))]

    assert isinstance(symde.Problem(remembers, [1.0], (0, 1)).system, CallbackSystem)


def test_an_exception_of_the_function_surfaces_as_it_is():
    class Burst(Exception):
        pass

    def bursts(u, p, t):
        if t > 0.5:
            raise Burst("pipe")
        return [float(u[0])]

    for method in ("Tsit5", "Rodas5P"):
        with pytest.raises(Burst, match="pipe"):
            symde.solve(symde.Problem(bursts, [1.0], (0, 1)), method)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda u: None, "returned None"),
        (lambda u: [float(u[0]), 1.0], "returned shape"),
        (lambda u: [complex(float(u[0]), 1)], "complex"),
    ],
)
def test_a_wrong_result_says_what_was_expected(value, words):
    with pytest.raises((TypeError, ValueError), match=words):
        symde.solve(symde.Problem(lambda u, p, t: value(u), [1.0], (0, 1)))


def test_the_function_may_keep_and_change_what_it_is_given():
    kept = []

    def greedy(u, p, t):
        kept.append(u)
        result = [-float(u[0])]
        u[0] = 99.0
        return result

    assert symde.solve(symde.Problem(greedy, [1.0], (0, 1)), "Tsit5").u[-1, 0] == pytest.approx(
        math.exp(-1), rel=1e-5
    )


def test_a_function_needs_its_sizes():
    with pytest.raises(ValueError, match="u0"):
        symde.Problem(lotka, None, (0, 1), [1, 1, 1, 1])


def test_differences_carry_a_stiff_method_through_a_stiff_function():
    def rober(u, p, t):
        if not math.isfinite(u[0]):
            return [math.nan] * 3
        a, b, c = 0.04 * u[0], 3e7 * u[1] ** 2, 1e4 * u[1] * u[2]
        return [-a + c, a - b - c, b]

    problem = symde.Problem(rober, [1.0, 0.0, 0.0], (0, 40.0))
    assert isinstance(problem.system, CallbackSystem)
    # published: Hairer and Wanner II; SUNDIALS' cvRoberts prints 7.1583e-01, 9.185e-06, 2.8416e-01 at t = 40
    end = symde.solve(problem, "Rodas5P", rtol=1e-6, atol=[1e-8, 1e-12, 1e-8]).u[-1]
    np.testing.assert_allclose(end, [7.1583e-01, 9.1855e-06, 2.8416e-01], rtol=2e-5)


def test_ctrl_c_inside_the_function_keeps_the_part():
    def interrupted(u, p, t):
        if t > 0.5:
            raise KeyboardInterrupt
        return [-float(u[0])]

    with pytest.raises(symde.SolveInterrupted) as stop:
        symde.solve(symde.Problem(interrupted, [1.0], (0, 1)), "Tsit5", dtmax=0.05)
    assert 0.4 < stop.value.solution.t[-1] <= 0.5
    assert stop.value.solution.retcode is symde.Retcode.INTERRUPTED
