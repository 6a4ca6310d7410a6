"""Continuous adjoints against forward sensitivities, closed forms, and what any gradient must obey."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.sensitivity.networks import distance, gradient, loss, subject

ALONG = ("interpolating", "gauss")
ALL = (*ALONG, "backsolve")

MULTIPLE = 60
"""Error of a gradient over rtol that is let pass: several solves, each of which may be off by ten or so."""

CASES = [
    (name, method) for name in ("lotka", "network", "hires", "rober") for method in subject(name).methods
]


@pytest.mark.parametrize("rtol", [1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize("sensealg", ALONG)
@pytest.mark.parametrize(("name", "method"), CASES)
def test_agrees_with_forward_sensitivities_to_the_tolerance(name, method, sensealg, rtol):
    assert distance(name, gradient(name, method, sensealg, rtol)) <= MULTIPLE * rtol


@pytest.mark.parametrize("rtol", [1e-5, 1e-7, 1e-9])
@pytest.mark.parametrize(("name", "method"), [case for case in CASES if case[0] in ("lotka", "network")])
def test_backsolve_agrees_on_mild_problems(name, method, rtol):
    assert distance(name, gradient(name, method, "backsolve", rtol)) <= MULTIPLE * rtol


@pytest.mark.parametrize("method", ["VCABM", "FBDF", "Radau", "ROCK4", "Taylor", "DOP853", "BS3"])
@pytest.mark.parametrize("sensealg", ALL)
def test_every_kind_of_method_with_an_error_estimate_is_accepted(sensealg, method):
    assert distance("lotka", gradient("lotka", method, sensealg, 1e-6)) <= MULTIPLE * 1e-6


@pytest.mark.parametrize("method", ["Rosenbrock23", "TRBDF2"])
@pytest.mark.parametrize("sensealg", ALL)
def test_methods_of_order_two_are_no_worse_than_with_forward_sensitivities(sensealg, method):
    """Their errors go like rtol to the power 2/3, whatever is solved."""
    forward, found = (
        distance("lotka", gradient("lotka", method, one, 1e-6)) for one in ("forward", sensealg)
    )
    assert found <= 1.5 * forward


@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P"])
@pytest.mark.parametrize("sensealg", ALL)
def test_error_follows_the_tolerance(sensealg, method):
    loose, tight = (distance("lotka", gradient("lotka", method, sensealg, rtol)) for rtol in (1e-4, 1e-8))
    assert tight < 1e-2 * loose


LINEAR = """
model Linear
  param a = -1, b = 2, c = -2, d = -0.5
  state x = 1, y = -0.5
  time 0 .. 2
  dx = a*x + b*y
  dy = c*x + d*y
end
"""


def exponential(matrix: np.ndarray) -> np.ndarray:
    """exp of a matrix, by its Taylor series after halving."""
    result = term = np.eye(len(matrix))
    for k in range(1, 30):
        term = term @ matrix / (1024 * k)
        result = result + term
    return np.linalg.matrix_power(result, 1024)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF", None])
@pytest.mark.parametrize("sensealg", ALL)
def test_linear_systems_have_the_derivatives_of_the_matrix_exponential(sensealg, method):
    """d exp(AT)/dA in a direction E is the upper right block of exp([[A, E], [0, A]] T) (Van Loan 1978)."""
    a, u0, w = np.array([[-1.0, 2.0], [-2.0, -0.5]]), np.array([1.0, -0.5]), np.array([0.3, 1.7])
    expected = []
    for i in range(2):
        for j in range(2):
            direction = np.zeros((2, 2))
            direction[i, j] = 1.0
            whole = np.block([[a, direction], [np.zeros((2, 2)), a]])
            expected.append(w @ exponential(2.0 * whole)[:2, 2:] @ u0)
    problem = symde.Problem(symde.ode_def(LINEAR))
    value, grad = symde.value_and_grad(
        lambda u: (float(u[-1] @ w), w[None]), problem, method, sensealg=sensealg, rtol=1e-8, atol=1e-8
    )
    assert value == pytest.approx(float(w @ exponential(2.0 * a) @ u0), rel=1e-7)
    assert grad["u0"] == pytest.approx(w @ exponential(2.0 * a), rel=1e-6)
    assert grad["p"] == pytest.approx(expected, rel=1e-6)


DECAY = """
model Decay
  param k = 0.7, s = 1.5, end = 3
  state x = s^2
  time 0 .. end
  dx = -k*x
end
"""


@pytest.mark.parametrize("sensealg", ALL)
def test_initial_values_and_the_end_time_may_follow_parameters(sensealg):
    """x(end) = s² exp(-k end)."""
    problem = symde.Problem(symde.ode_def(DECAY))
    _, grad = symde.value_and_grad(
        lambda u: (float(u[-1, 0]), np.ones((1, 1))),
        problem,
        "Vern7",
        sensealg=sensealg,
        rtol=1e-9,
        atol=1e-9,
    )
    x = 1.5**2 * np.exp(-2.1)
    assert grad["p"] == pytest.approx([-3 * x, 2 * x / 1.5, -0.7 * x], rel=1e-7)
    assert grad["u0"] == pytest.approx([np.exp(-2.1)], rel=1e-7)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
@pytest.mark.parametrize("sensealg", ALL)
def test_backwards_spans(sensealg, method):
    problem = symde.Problem(subject("lotka").problem.model, u0=[1.2, 0.8], tspan=(3.0, 1.0))
    options = {"saveat": [2.5, 2.0, 1.0], "rtol": 1e-8, "atol": 1e-8}
    _, exact = symde.value_and_grad(loss, problem, "Vern9", sensealg="forward", **options)
    _, found = symde.value_and_grad(loss, problem, method, sensealg=sensealg, **options)
    assert found["p"] == pytest.approx(exact["p"], rel=1e-6)
    assert found["u0"] == pytest.approx(exact["u0"], rel=1e-6)


@pytest.mark.parametrize("sensealg", ALL)
def test_parts_of_a_gradient_are_those_of_the_whole(sensealg):
    whole = gradient("lotka", "Tsit5", sensealg, 1e-7)
    one = gradient("lotka", "Tsit5", sensealg, 1e-7, wrt=("b", "y"))
    assert one["b"] == pytest.approx(whole["p"][1], rel=1e-5)
    assert one["y"] == pytest.approx(whole["u0"][1], rel=1e-5)
    initial = gradient("lotka", "Tsit5", sensealg, 1e-7, wrt="u0")
    assert initial["u0"] == pytest.approx(whole["u0"], rel=1e-5)


@pytest.mark.parametrize("saveat", [[10.0], [0.0, 10.0], [0.0, 4.0], [0.0], None, 0.01])
@pytest.mark.parametrize("sensealg", ALL)
def test_end_start_and_points_between_may_enter_the_loss(sensealg, saveat):
    exact = gradient("lotka", "Vern9", "forward", 1e-10, saveat=saveat)
    found = gradient("lotka", "Vern7", sensealg, 1e-8, saveat=saveat)
    scale = np.max(np.abs(exact["p"])) + np.max(np.abs(exact["u0"]))
    assert found["p"] == pytest.approx(exact["p"], abs=MULTIPLE * 1e-8 * scale)
    assert found["u0"] == pytest.approx(exact["u0"], abs=MULTIPLE * 1e-8 * scale)


@pytest.mark.parametrize("sensealg", ALL)
def test_a_loss_of_nothing_has_no_gradient_and_one_of_nan_has_nan(sensealg):
    problem = subject("lotka").problem

    def run(factor):
        return symde.value_and_grad(lambda u: (0.0, factor * u), problem, "Tsit5", sensealg=sensealg)[1]

    assert not run(0.0).vector().any()
    assert np.isnan(run(np.nan).vector()).all()


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "QNDF"])
@pytest.mark.parametrize("sensealg", ALL)
def test_the_unit_of_the_loss_changes_nothing(sensealg, method):
    """Tolerances follow the loss, so that a power of two gives the same digits."""

    def scaled(factor):
        def of(u):
            value, weights = loss(u)
            return value * factor, weights * factor

        case = subject("lotka")
        options = {"saveat": case.saveat, "sensealg": sensealg}
        return symde.value_and_grad(of, case.problem, method, **options)[1].vector()

    assert (scaled(2.0**40) == 2.0**40 * scaled(1.0)).all()


@pytest.mark.parametrize("sensealg", ALL)
def test_components_may_have_tolerances_of_their_own(sensealg):
    found = gradient("lotka", "Tsit5", sensealg, 1e-7, atol=[1e-3, 1e-10])
    assert distance("lotka", found) <= 1e-5  # half the states at 1e-3 and relatively at 1e-7
    found = gradient("lotka", "Tsit5", sensealg, 1e-7, atol=[0.0, 1e-30])
    assert distance("lotka", found) <= MULTIPLE * 1e-7


SILENT = """
model Silent "a state that stays zero, a parameter that is zero, one that is not used"
  param k = 0, q = 3, r = 2
  state x = 1, y = 0
  time 0 .. 1
  dx = -r*x + k*x*x
  dy = -y
end
"""


@pytest.mark.parametrize("sensealg", ALL)
def test_zeros_among_states_and_parameters(sensealg):
    """x = exp(-2t); dx(1)/dk = exp(-2) (1 - exp(-2))/2, dx(1)/dr = -exp(-2); y(1) = y0/e."""
    problem = symde.Problem(symde.ode_def(SILENT))
    _, grad = symde.value_and_grad(
        lambda u: (float(u.sum()), np.ones((1, 2))), problem, "Tsit5", sensealg=sensealg, rtol=1e-8, atol=1e-8
    )
    decayed = np.exp(-2.0)
    assert grad["p"] == pytest.approx([decayed * (1 - decayed) / 2, 0.0, -decayed], rel=1e-6, abs=1e-12)
    assert grad["u0"] == pytest.approx([decayed, np.exp(-1.0)], rel=1e-6)


@pytest.mark.parametrize("sensealg", ALL)
def test_a_method_without_error_estimate_is_refused(sensealg):
    with pytest.raises(ValueError, match=rf"RK4 has no error estimate, and sensealg='{sensealg}'.*discrete"):
        gradient("lotka", "RK4", sensealg, 1e-6, dt0=0.01)


def test_a_linear_solver_without_matrix_is_refused():
    with pytest.raises(ValueError, match="krylov.*without the entries of the Jacobian"):
        gradient("lotka", "Rodas5P", "interpolating", 1e-6, linear_solver="krylov")


@pytest.mark.parametrize("name", ["generated", "dense", "lapack", "banded", "sparse"])
@pytest.mark.parametrize("sensealg", ALONG)
def test_every_exact_linear_solver_serves(sensealg, name):
    found = gradient("hires", "Rodas5P", sensealg, 1e-6, linear_solver=name)
    assert distance("hires", found) <= MULTIPLE * 1e-6


def test_a_backward_solve_that_fails_says_what_it_was_solving():
    """The backward solve stops at each of 99 saved times, which the forward one needs no steps for."""
    problem = subject("lotka").problem
    steps = symde.solve(problem, "Vern9", rtol=1e-5, atol=1e-5).stats.accepted
    with pytest.raises(symde.SolveError, match=r"max_steps[\s\S]*dL/d\([xy]\)[\s\S]*adjoint of: d[xy] = "):
        symde.value_and_grad(
            lambda u: (float(u.sum()), np.ones_like(u)), problem, "Vern9", saveat=0.1,
            sensealg="interpolating", rtol=1e-4, atol=1e-4, max_steps=steps + 20,
        )  # fmt: skip
