"""Jumps of the right-hand side that move with what is differentiated by are told where they are not located;
nothing else is."""

import warnings

import numpy as np
import pytest

import symde
from symde.sensitivity.moving_jump import MovingJumpWarning

MODEL = """
param k = 1, c = 0.3
x' = k*y
y' = c - ({term})
x(0) = 1.05; y(0) = 0.3
time 0 .. 1
"""


def problem_with(term):
    return symde.Problem(MODEL.format(term=term))


def squares(u):
    return (u**2).sum(), 2 * u, lambda v: 2 * v


CALLS = {
    "value_and_grad": lambda problem, wrt: symde.value_and_grad(squares, problem, wrt=wrt),
    "sensitivities": lambda problem, wrt: symde.sensitivities(problem, wrt=wrt),
    "hessian": lambda problem, wrt: symde.hessian(squares, problem, wrt=wrt),
}

MOVING = (
    "floor(3*x)",
    "ceil(x + y)",
    "sign(x - 1.2)",
    "mod(x, 0.5)",
    "heaviside(x - c)",
    "x > 1.2 ? 1 : 2",
    "x > 1 and y < 2 ? 3 : 1",
    "x > 273.15 ? 1 : 0",
    "x > 1e12 ? 1 : 0",
    "exp(x)*heaviside(y - 1)",
    "floor(t + x)",
    "1e-6*sign(x)",
)

CONTINUOUS = (
    "abs(x - 1.2)",
    "max(x, 1.2)",
    "x*sign(x)",
    "x > 1.2 ? x : 1.2",
    "(x > 1 ? 1 : 0)*(x - 1)",
    "x > 0 ? sqrt(x) : 0",
    "x > 0 ? exp(-1/x) : 0",
    "x > c ? 1e-3*x^3 : 1e-3*c^3",
    "floor(t)",
    "t > 0.5 ? 1 : 0",
    "k > 2 ? x : y",
)
"""Terms that do not jump as a solution goes on, or at fixed times."""


@pytest.mark.parametrize("term", MOVING)
def test_second_derivatives_are_told_of_a_jump_that_moves_with_its_place(term):
    with pytest.warns(MovingJumpWarning, match=r"crosses a jump .*\(line 4\)") as told:
        CALLS["hessian"](problem_with(term), ("x", "k"))
    assert told[0].filename == __file__


@pytest.mark.parametrize("call", ["value_and_grad", "sensitivities"])
def test_jumps_that_are_not_located_are_told(call):
    # with more switches than are watched
    many = " + ".join(f"1e-3*sign(x - {k})" for k in range(65))
    with pytest.warns(MovingJumpWarning, match="crosses a jump") as told:
        CALLS[call](problem_with(many), ("x", "k"))
    assert told[0].filename == __file__


@pytest.mark.parametrize("call", ["value_and_grad", "sensitivities"])
def test_jumps_of_algebraic_equations_are_located(call):
    text = "param k = 1\nx' = k*y\n0 = y + y^3 - (x > 1.2 ? 1 : 2)\nx(0) = 1.05; y(0) = 1.5\ntime 0 .. 0.05"
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        CALLS[call](symde.Problem(text), ("x", "k"))


@pytest.mark.parametrize("call", ["value_and_grad", "sensitivities"])
@pytest.mark.parametrize("term", (*CONTINUOUS, *MOVING))
def test_what_does_not_jump_or_at_fixed_times_is_let_pass(call, term):
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        CALLS[call](problem_with(term), ("u0", "p"))


def test_a_time_that_is_a_parameter_moves_a_jump_for_derivatives_by_it_alone():
    problem = problem_with("t > c ? 1 : 0")
    with pytest.warns(MovingJumpWarning, match="t > c"):
        symde.hessian(squares, problem, wrt=("k", "c"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", MovingJumpWarning)
        symde.hessian(squares, problem, wrt=("u0", "k"))


def test_a_parameter_that_another_follows_moves_a_jump_too():
    problem = symde.Problem("param k = 1, c = k/3\nx' = t > c ? k : 2*k\nx(0) = 0\ntime 0 .. 1")
    with pytest.warns(MovingJumpWarning):
        symde.hessian(squares, problem, wrt="k")
    # x(1) = 2 k c + k (1 - c) = k + k^2/3
    _, found = symde.value_and_grad(lambda u: (u[-1, 0], np.ones_like(u)), problem, wrt="k", rtol=1e-9)
    assert found["k"] == pytest.approx(1 + 2 / 3, rel=1e-8)


@pytest.mark.parametrize(("term", "smooth"), [("abs(x - 1.2)", False), ("max(x - 1.2, 0)^3", True)])
def test_second_derivatives_are_told_of_kinks(term, smooth):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        symde.hessian(squares, problem_with(term), wrt=("x", "k"))
    kinds = [one.category for one in told]
    assert kinds == ([] if smooth else [MovingJumpWarning])


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "interpolating"])
def test_gradients_across_a_fixed_jump_and_a_kink_are_right(sensealg):
    problem = symde.Problem(
        "param a = 1\nx' = t > 0.5 ? 2*a : a\ny' = abs(x)\nx(0) = -0.5; y(0) = 0\ntime 0 .. 1"
    )
    value, grad = symde.value_and_grad(
        lambda u: (u[-1].sum(), np.ones_like(u)), problem, wrt=("a", "x"), sensealg=sensealg, rtol=1e-8
    )
    # x = a t - 1/2 to t = 1/2, then 0 + 2 a (t - 1/2): x(1) = 3a/2 - 1/2, y(1) = 1/8 + a/4 at a = 1
    assert value == pytest.approx(1.0 + 0.125 + 0.25, rel=1e-6)
    # dx(1)/da = 3/2; dy(1)/da = -int t dt over 0..1/2 + int 1/2 + 2 (t - 1/2) dt over 1/2..1 = -1/8 + 1/2
    assert grad["a"] == pytest.approx(1.5 - 0.125 + 0.5, rel=1e-5)
    # dx(1)/dx0 = 1; dy(1)/dx0 = -1/2 + 1/2
    assert grad["x"] == pytest.approx(1.0, rel=1e-5)
