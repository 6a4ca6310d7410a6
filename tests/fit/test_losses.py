"""Gradients of every kind of loss are its differences, whatever the strategy."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.sensitivity.loss import LossValue
from tests.fit.models import LOTKA, differences, exact, problem

TIMES = np.array([0.0, 0.5, 0.9, 1.0, 2.2, 3.1, 4.0])
OFF = {"a": 1.3, "b": 1.1, "c": 2.8, "d": 0.9, "noise": 0.6}
"""Away from the optimum, where a gradient is no zero."""

TIGHT = {"rtol": 1e-11, "atol": 1e-12}


def data(names):
    values = exact(LOTKA, TIMES, names)
    values[2, 0] = np.nan
    return values


def experiments():
    first = symde.Experiment((TIMES, data(["x", "y"])), names=["x", "y"])
    second = symde.Experiment(
        (TIMES[1:4], exact(LOTKA, TIMES[1:4], ["product"], p={"b": 0.7})),
        p={"b": 0.7},
        u0={"x": 1.2},
        names=["product"],
        sigma=2.0,
    )
    return [first, second]


LOSSES = {
    "states": lambda: symde.LeastSquares((TIMES, data(["x", "y"])), sigma=[0.1, 0.3]),
    "observable that reads parameters": lambda: symde.LeastSquares(
        (TIMES, data(["product", "x"])), ["product", "x"], sigma=0.5
    ),
    "parameter": lambda: symde.LeastSquares((TIMES[:2], [[1.0, 3.0]] * 2), ["x", "double"], sigma=0.5),
    "logarithms": lambda: symde.LeastSquares(
        (TIMES, data(["x", "product"])), ["x", "product"], sigma=0.1, log=["product"]
    ),
    "weights": lambda: symde.LeastSquares(
        (TIMES, data(["x", "y"])), sigma=0.2, weights={"y": np.arange(7) / 2.0}
    ),
    "estimated noise": lambda: symde.LeastSquares((TIMES, data(["x", "y"])), sigma="noise"),
    "noise that is an observable": lambda: symde.LeastSquares(
        (TIMES, data(["x", "y"])), sigma={"x": "spread", "y": 0.2}, weights=[1.0, 2.0]
    ),
    "estimated noise of logarithms": lambda: symde.LeastSquares(
        (TIMES, data(["x", "product"])), ["x", "product"], sigma={"x": "noise", "product": 1.0}, log="x"
    ),
    "repeated times in disorder": lambda: symde.LeastSquares(
        ([3.0, 1.0, 1.0, 2.0], [[1.0], [2.0], [2.5], [0.5]]), ["x"], sigma=0.3
    ),
    "experiments": lambda: symde.LeastSquares(experiments(), sigma=0.1),
}
WRT = ("a", "b", "c", "d", "noise", "x(0)")


def moved(base, x):
    """The problem with other parameters and another initial value."""
    return symde.remake(base, p=dict(zip(WRT[:5], x[:5], strict=True)), u0={"x": x[5]})


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_is_its_difference_by_every_strategy(name):
    loss, base = LOSSES[name](), problem(LOTKA)
    x = np.array([*OFF.values(), 1.1])

    def value(x):
        return symde.value_and_grad(loss, moved(base, x), "Vern9", wrt="x(0)", **TIGHT)[0]

    expected = differences(value, x)
    scale = np.abs(expected).max()
    for method, sensealg in (("Vern7", "forward"), ("Vern7", "discrete"), ("Rodas5P", "forward")):
        found = symde.value_and_grad(
            loss, moved(base, x), method, wrt=WRT, sensealg=sensealg, rtol=1e-9, atol=1e-11
        )[1]
        # solves are good to 1e-9 of their scale, differences of fourth order and step 1e-4 to 1e-9
        np.testing.assert_allclose(found.vector(), expected, rtol=3e-6, atol=1e-7 * scale)


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_a_function_of_quantities_is_a_loss(sensealg):
    names = ("product", "x", "double")

    def loss(q):
        assert q.shape == (9, 3)
        return (q**2).sum(), 2 * q

    def value(x):
        solution = symde.solve(moved(problem(LOTKA), x), "Vern9", saveat=0.5, **TIGHT)
        return sum((solution[name] ** 2).sum() for name in names)

    x = np.array([*OFF.values(), 1.1])
    total, found = symde.value_and_grad(
        loss, moved(problem(LOTKA), x), "Vern7", wrt=WRT, saveat=0.5, of=names, sensealg=sensealg, rtol=1e-10
    )
    assert total == pytest.approx(value(x), rel=1e-7)
    np.testing.assert_allclose(found.vector(), differences(value, x), rtol=1e-6, atol=1e-4)


def test_a_loss_of_ones_own_knows_its_times_and_reads_parameters():
    class EndOverRate:
        def times(self, problem):
            return [problem.tspan[1]]

        def evaluate(self, problem, t, u):
            a = problem.p[0]
            by_u, by_p = np.array([[1.0 / a, 0.0]]), np.zeros(len(problem.p))
            by_p[0] = -u[0, 0] / a**2
            return LossValue(u[0, 0] / a, by_u, by_p)

    def value(x):
        return symde.value_and_grad(EndOverRate(), problem(LOTKA, a=x[0]), "Vern9", wrt="a", **TIGHT)[0]

    grad = symde.value_and_grad(EndOverRate(), problem(LOTKA), "Vern7", wrt="a", rtol=1e-10)[1]
    assert grad["a"] == pytest.approx(differences(value, np.array([1.5]))[0], rel=1e-6)


def test_several_experiments_are_the_sum_of_single_ones():
    base, (first, second) = problem(LOTKA, **OFF), experiments()
    both = symde.LeastSquares([first, second], sigma=0.1)
    total, grad = symde.value_and_grad(both, base, wrt=("p", "u0"))
    alone = [
        symde.value_and_grad(symde.LeastSquares(one, sigma=0.1), base, wrt=("p", "u0"))
        for one in (first, second)
    ]
    assert total == alone[0][0] + alone[1][0]
    np.testing.assert_array_equal(grad.vector(), alone[0][1].vector() + alone[1][1].vector())


def test_what_an_experiment_sets_itself_has_no_derivative():
    second = experiments()[1]
    grad = symde.value_and_grad(symde.LeastSquares(second), problem(LOTKA, **OFF), wrt=("b", "x(0)", "y(0)"))[
        1
    ]
    assert grad["b"] == 0.0 and grad["x(0)"] == 0.0 and grad["y(0)"] != 0.0


def test_a_missing_value_is_as_good_as_none():
    values = exact(LOTKA, TIMES, ["x", "y"])
    holed = values.copy()
    holed[3] = np.nan
    kept = np.arange(7) != 3
    base = problem(LOTKA, **OFF)
    one = symde.value_and_grad(symde.LeastSquares((TIMES, holed)), base, wrt="p")
    other = symde.value_and_grad(symde.LeastSquares((TIMES[kept], values[kept])), base, wrt="p")
    weighed = symde.LeastSquares((TIMES, values), weights=np.repeat(kept[:, None], 2, axis=1))
    third = symde.value_and_grad(weighed, base, wrt="p")
    assert one[0] == other[0] == third[0]
    np.testing.assert_array_equal(one[1]["p"], other[1]["p"])
    np.testing.assert_array_equal(one[1]["p"], third[1]["p"])


@pytest.mark.parametrize("sensealg", ["forward", "discrete"])
def test_the_start_of_the_span_may_be_a_parameter(sensealg):
    text = "param lag = 0.5 in (0, 1), k = 1\nstate x = 2\ntime lag .. 5\nx' = -k*x"
    loss = symde.LeastSquares(([1.0, 2.0], [1.0, 0.3]), sigma=0.1)
    base = symde.Problem(symde.ode_def(text))
    value, grad = symde.value_and_grad(loss, base, "Vern7", wrt="p", sensealg=sensealg, rtol=1e-10)
    model = 2 * np.exp(-(np.array([1.0, 2.0]) - 0.5))
    residual = (model - [1.0, 0.3]) / 0.1
    assert value == pytest.approx(0.5 * residual @ residual, rel=1e-8)
    assert grad["p"][0] == pytest.approx(residual @ (model / 0.1), rel=1e-7)


def test_a_backward_solve_takes_data_as_well():
    back = symde.remake(problem(LOTKA, **OFF), tspan=(4, 0))
    values = exact(LOTKA, np.array([4.0, 2.0, 1.0]), ["x", "y"], tspan=(4, 0))
    loss = symde.LeastSquares(([1.0, 4.0, 2.0], values[[2, 0, 1]]))
    true = symde.remake(back, p={"a": 1.5, "b": 1, "c": 3, "d": 1})
    assert symde.value_and_grad(loss, true, "Vern7", rtol=1e-10)[0] < 1e-12
    assert symde.value_and_grad(loss, back, "Vern7", rtol=1e-10)[0] > 0.1


def test_a_loss_that_knows_its_times_takes_no_others():
    loss = symde.LeastSquares((TIMES, data(["x", "y"])))
    with pytest.raises(ValueError, match="leave out saveat"):
        symde.value_and_grad(loss, problem(LOTKA), saveat=1.0)
    with pytest.raises(ValueError, match="leave out of"):
        symde.value_and_grad(loss, problem(LOTKA), of="x")
    with pytest.raises(TypeError, match="symde.LeastSquares"):
        symde.value_and_grad(3.0, problem(LOTKA))
