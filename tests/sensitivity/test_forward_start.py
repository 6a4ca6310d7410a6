"""Forward sensitivities by what the start depends on: initial values, spans and parameters that follow
others; chosen parameters, saved times and both directions."""

from __future__ import annotations

import numpy as np
import pytest

import symde

TIGHT = {"rtol": 1e-10, "atol": 1e-13}

DECAY = """
model Decay
  param k = 0.7, size = 2, twice = 2*k, length = 3
  state x = size*exp(k), y = 0.5
  time 0 .. length
  dx = -k*x
  dy = -twice*y
end
"""
"""x = size e^k e^(-k t), y = 0.5 e^(-2 k t) with twice following k, up to t = length."""


def test_initial_values_spans_and_followers_are_followed():
    problem = symde.Problem(DECAY)
    found = symde.sensitivities(problem, "Vern9", saveat=[1.0, 3.0], **TIGHT)
    k, size, t = 0.7, 2.0, np.array([1.0, 3.0])
    x, y = size * np.exp(k - k * t), 0.5 * np.exp(-2 * k * t)
    np.testing.assert_allclose(found["x", "k"], (1 - t) * x, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(found["x", "size"], x / size, rtol=1e-9)
    np.testing.assert_allclose(found["y", "k"], -2 * t * y, rtol=1e-9)
    np.testing.assert_allclose(found["y", "twice"], -t * y, rtol=1e-9)
    # only what is saved at the end moves with the end
    np.testing.assert_allclose(found["x", "length"], [0.0, -k * x[1]], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["y", "length"], [0.0, -2 * k * y[1]], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["y", "y(0)"], y / 0.5, rtol=1e-9)
    np.testing.assert_allclose(found["x", "y(0)"], 0.0, atol=1e-15)


def test_what_is_given_follows_nothing():
    problem = symde.Problem(DECAY, u0={"x": 1.0}, p={"twice": 1.4})
    found = symde.sensitivities(problem, "Vern9", wrt="p", saveat=[3.0], **TIGHT)
    np.testing.assert_allclose(found["x", "k"], -3 * np.exp(-2.1), rtol=1e-9)
    np.testing.assert_allclose(found["x", "size"], 0.0, atol=1e-15)
    np.testing.assert_allclose(found["y", "k"], 0.0, atol=1e-15)


def test_functions_of_the_parameters_give_start_and_span():
    problem = symde.Problem(
        DECAY, u0=lambda p: [p[1] ** 2, 3.0 * p[0]], tspan=lambda p: (0.5 * p[0], 2.0 * p[3])
    )
    found = symde.sensitivities(problem, "Vern9", wrt="p", **TIGHT)
    k, size, t0, t1 = 0.7, 2.0, 0.35, 6.0
    assert found.t[-1] == t1
    x, y = size**2 * np.exp(-k * (t1 - t0)), 3 * k * np.exp(-2 * k * (t1 - t0))
    # k moves the start of the span by 0.5, and what starts later ends higher
    assert found["x", "k"][-1] == pytest.approx(x * (-(t1 - t0) + 0.5 * k), rel=1e-9)
    assert found["y", "k"][-1] == pytest.approx(y * (1 / k - 2 * (t1 - t0) + k), rel=1e-9)
    assert found["x", "size"][-1] == pytest.approx(2 * x / size, rel=1e-9)
    assert found["x", "length"][-1] == pytest.approx(-2 * k * x, rel=1e-9)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P", "KenCarp4", "QNDF", "Radau", None])
def test_backwards_in_time(method):
    problem = symde.Problem(DECAY, tspan=(3.0, 0.0), u0={"x": 0.3, "y": 0.1})
    found = symde.sensitivities(problem, method, saveat=[2.0, 0.0], rtol=1e-8, atol=1e-11)
    gone = np.array([1.0, 3.0])
    x = 0.3 * np.exp(0.7 * gone)
    np.testing.assert_allclose(found["x", "k"], gone * x, rtol=1e-5)
    np.testing.assert_allclose(found["x", "x(0)"], x / 0.3, rtol=1e-5)


@pytest.mark.parametrize("method", ["Vern7", "Rodas5P", "Radau", "Taylor"])
def test_every_step_may_be_saved(method):
    problem = symde.Problem(DECAY)
    found = symde.sensitivities(problem, method, wrt="size", **TIGHT)
    assert len(found.t) == found.solution.stats.accepted + 1
    np.testing.assert_allclose(found["x", "size"], np.exp(0.7 - 0.7 * found.t), rtol=1e-8)


def test_what_is_chosen_is_what_all_give():
    problem = symde.Problem(DECAY)
    every = symde.sensitivities(problem, "Rodas5P", saveat=[1.0, 3.0], **TIGHT)
    some = symde.sensitivities(problem, "Rodas5P", wrt=("length", "k", "y(0)"), saveat=[1.0, 3.0], **TIGHT)
    # followers take part though they were not asked for
    for pair in (("x", "k"), ("y", "k"), ("x", "length"), ("y", "y(0)")):
        np.testing.assert_allclose(some[pair], every[pair], rtol=1e-8, atol=1e-12)
    assert some.dp.shape == (2, 2, 2) and some.du0.shape == (2, 2, 1)
    with pytest.raises(KeyError, match=r"no derivative by 'size' was asked for: there are k, length, y\(0\)"):
        some["x", "size"]
    with pytest.raises(KeyError, match="unknown quantity 'z': the model has x, y"):
        some["z", "k"]


def test_observed_quantities_have_sensitivities():
    problem = symde.Problem("param k = 1\nx' = -k*x\nx(0) = 1\nflux = k*x\ntime 0 .. 1")
    found = symde.sensitivities(problem, saveat=[0.0, 0.5, 1.0], **TIGHT)
    # flux = k exp(-k t)
    np.testing.assert_allclose(found["flux", "k"], np.exp(-found.t) * (1 - found.t), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found["flux", "x(0)"], np.exp(-found.t), rtol=1e-7)


def test_gradients_come_in_the_form_asked_for():
    problem = symde.Problem(DECAY)

    def loss(u):
        return (u**2).sum(), 2 * u

    times = [1.0, 2.0, 3.0]
    sens = symde.sensitivities(problem, "Vern9", saveat=times, **TIGHT)
    value, grad = symde.value_and_grad(
        loss, problem, "Vern9", wrt=("p", "u0", "k", "y"), saveat=times, sensealg="forward", **TIGHT
    )
    assert value == pytest.approx((sens.u**2).sum(), rel=1e-8)
    np.testing.assert_allclose(grad["p"], np.einsum("ti,tij->j", 2 * sens.u, sens.dp), rtol=1e-7)
    np.testing.assert_allclose(grad["u0"], np.einsum("ti,tij->j", 2 * sens.u, sens.du0), rtol=1e-7)
    assert grad["k"] == grad["p"][0] and grad["y"] == grad["u0"][1]
    assert list(grad) == ["p", "u0", "k", "y"]


@pytest.mark.parametrize("sensealg", ["forward", "discrete", "interpolating", "gauss", "backsolve"])
def test_a_quantity_that_reads_the_time_counts_it_at_an_end_that_moves(sensealg):
    """q(T) = T exp(-T)."""
    problem = symde.Problem("x' = -x; x(0) = 1; param T = 2; q = t*x; time 0 .. T")

    def loss(q):
        return float(q.sum()), np.ones_like(q)

    options = {"wrt": "T", "of": "q", "sensealg": sensealg, "rtol": 1e-10, "atol": 1e-12}
    _, found = symde.value_and_grad(loss, problem, "Vern7", **options)
    assert found["T"] == pytest.approx(-np.exp(-2.0), rel=1e-8)
    # a point inside stays where it is
    _, found = symde.value_and_grad(loss, problem, "Vern7", saveat=[1.0], **options)
    assert found["T"] == pytest.approx(0.0, abs=1e-12)
