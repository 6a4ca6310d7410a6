"""Steady states and their derivatives: closed forms, what is conserved, and what a solution does instead."""

from __future__ import annotations

import numpy as np
import pytest

import symde

EXCHANGE = """
param a = 2, b = 3
A(0) = 1; B(0) = 0.5*b
A' = -a*A + b*B
B' = a*A - b*B
time 0 .. 1
"""

ENZYME = """
param k1 = 2, km = 1, k2 = 0.5, v = 0.1
S(0) = 1.5; E(0) = 1; C(0) = 0.2
S' = v - k1*S*E + km*C
E' = -k1*S*E + (km + k2)*C
C' = k1*S*E - (km + k2)*C
bound = C/(E + C)
time 0 .. 10
"""

TOGGLE = """
param a = 4, n = 2
x' = a/(1 + y^n) - x
y' = a/(1 + x^n) - y
time 0 .. 1
"""


def test_two_states_in_exchange_share_their_total():
    state = symde.steady_state(symde.Problem(EXCHANGE))
    a, b, total = 2.0, 3.0, 2.5
    np.testing.assert_allclose(state.u, [b / (a + b) * total, a / (a + b) * total], rtol=1e-14)
    np.testing.assert_array_equal(state.conserved, [[1.0, 1.0]])
    np.testing.assert_allclose(state.eigenvalues, [-(a + b)], rtol=1e-12)
    assert state.stable
    # A* = b/(a + b) (A0 + B0), and B0 = b/2 follows b
    by_a, by_b = -b / (a + b) ** 2 * total, a / (a + b) ** 2 * total + 0.5 * b / (a + b)
    np.testing.assert_allclose(state.dp[0], [by_a, by_b], rtol=1e-13)
    np.testing.assert_allclose(state.du0, [[b / (a + b)] * 2, [a / (a + b)] * 2], rtol=1e-13)


def test_an_enzyme_at_rest_obeys_michaelis_and_menten():
    state = symde.steady_state(symde.Problem(ENZYME))
    k1, km, k2, v, total = 2.0, 1.0, 0.5, 0.1, 1.2
    # v = k2 C, and C = total S/(K + S) with K = (km + k2)/k1
    half, bound = (km + k2) / k1, v / k2
    substrate = half * bound / (total - bound)
    np.testing.assert_allclose(state.u, [substrate, total - bound, bound], rtol=1e-13)
    assert state["bound"] == pytest.approx(bound / total, rel=1e-13)
    # dS/dv = K total/(k2 (total - C)^2), dS/dtotal = -K C/(total - C)^2
    gradient = state.gradient({"S": 1.0}, wrt=("v", "km", "E", "S"))
    assert gradient["v"] == pytest.approx(half * total / (k2 * (total - bound) ** 2), rel=1e-12)
    assert gradient["km"] == pytest.approx(bound / (k1 * (total - bound)), rel=1e-12)
    assert gradient["E"] == pytest.approx(-half * bound / (total - bound) ** 2, rel=1e-12)
    assert gradient["S"] == 0.0


def test_a_switch_goes_to_the_state_that_its_start_chooses():
    # at n = 2, a = 4 the outer states have x y = 1 and x + y = 4
    high, low = 2 + np.sqrt(3), 2 - np.sqrt(3)
    for u0, expected in (([1.0, 0.5], [high, low]), ([0.5, 1.0], [low, high])):
        state = symde.steady_state(symde.Problem(TOGGLE, u0=u0))
        np.testing.assert_allclose(state.u, expected, rtol=1e-13)
        assert state.stable
        # x + y = a on that branch, and x y = 1 whatever a
        by_a = state.dp[:, 0]
        np.testing.assert_allclose(by_a.sum(), 1.0, rtol=1e-12)
        np.testing.assert_allclose(by_a @ state.u[::-1], 0.0, atol=1e-12)


def test_a_state_between_two_basins_is_said_to_be_unstable():
    problem = symde.Problem(TOGGLE, u0=[1.0, 1.0])
    with pytest.warns(UserWarning, match="not stable"):
        state = symde.steady_state(problem)
    assert not state.stable
    assert state.eigenvalues[0] > 0
    assert state.u[0] == pytest.approx(state.u[1], rel=1e-14)
    x = state.u[0]
    assert x * (1 + x**2) == pytest.approx(4.0, rel=1e-13)


def test_a_start_at_rest_stays_where_it_is():
    problem = symde.Problem("x' = x*(1 - x); x(0) = 0", tspan=(0, 1))
    with pytest.warns(UserWarning, match="eigenvalue 1"):
        state = symde.steady_state(problem)
    assert state.u == [0.0]


def test_conserved_combinations_may_depend_on_parameters():
    # V x + W y is conserved, so x* = y* = (V x0 + W y0)/(V + W)
    model = "param V = 2, W = 1, k = 3; x' = k*(y - x)/V; y' = k*(x - y)/W"
    state = symde.steady_state(symde.Problem(model, u0=[1.0, 4.0], tspan=(0, 1)))
    V, W, x0, y0 = 2.0, 1.0, 1.0, 4.0
    np.testing.assert_allclose(state.u, [(V * x0 + W * y0) / (V + W)] * 2, rtol=1e-14)
    by_v, by_w = W * (x0 - y0) / (V + W) ** 2, V * (y0 - x0) / (V + W) ** 2
    np.testing.assert_allclose(state.dp, [[by_v, by_w, 0.0]] * 2, rtol=1e-11, atol=1e-13)


def test_several_conserved_totals_at_once():
    # A + B <-> C: A + C and B + C are conserved; K = C/(A B)
    model = "param f = 2, r = 1; A' = -f*A*B + r*C; B' = -f*A*B + r*C; C' = f*A*B - r*C"
    problem = symde.Problem(model, u0=[1.0, 2.0, 0.5], tspan=(0, 1))
    state = symde.steady_state(problem)
    total_a, total_b, ratio = 1.5, 2.5, 2.0
    half = total_a + total_b + 1 / ratio
    c = (half - np.sqrt(half**2 - 4 * total_a * total_b)) / 2
    np.testing.assert_allclose(state.u, [total_a - c, total_b - c, c], rtol=1e-13)
    assert state.conserved.shape == (2, 3)
    # ratio (total_a - c)(total_b - c) = c
    a, b = total_a - c, total_b - c
    by_f = a * b / (1 + ratio * (a + b))
    np.testing.assert_allclose(state.dp[2, 0], by_f, rtol=1e-12)
    np.testing.assert_allclose(state.du0[2, 0], ratio * b / (1 + ratio * (a + b)), rtol=1e-12)


def test_derivatives_of_a_stiff_network_are_those_of_a_long_solve():
    from tests.problems import get

    model = get("hires").problem.model
    problem = symde.Problem(model, tspan=(0, 300), p={model.parameter_names[0]: 1.7})
    state = symde.steady_state(problem)
    long = symde.remake(problem, tspan=(0, 1e5))
    sens = symde.sensitivities(long, "Rodas5P", wrt="p", saveat=[1e5], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(state.u, sens.u[-1], rtol=1e-6)
    np.testing.assert_allclose(state.dp, sens.dp[-1], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("x' = 1 - 0*x; x(0) = 0", "x grows without bound"),
        ("x' = x^2; x(0) = 1", "x grows without bound"),
        ("x' = y; y' = (1 - x^2)*y - x; x(0) = 1; y(0) = 0", "goes on between -2.* oscillates"),
        ("x' = -x; y' = x*y; x(0) = 1; y(0) = 1", "singular beyond what is conserved .along y"),
        ("x' = -x^2; x(0) = 1", "slower than any exponential"),
    ],
    ids=["growth", "blow-up", "oscillation", "free state", "algebraic decay"],
)
def test_what_the_solution_does_instead_of_resting_is_told(model, instead):
    problem = symde.Problem(model, tspan=(0, 0.9))
    with pytest.raises(symde.SolveError, match=f"no steady state found up to t = .*{instead}"):
        symde.steady_state(problem, max_steps=10_000)


def test_calls_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="read t"):
        symde.steady_state(symde.Problem("x' = sin(t) - x; x(0) = 1", tspan=(0, 1)))
    with pytest.raises(ValueError, match="read t"):  # though its derivative by t is zero
        symde.steady_state(symde.Problem("x' = ifelse(t < 5, 1, 0) - x; x(0) = 1", tspan=(0, 1)))
    with pytest.raises(ValueError, match="forward in time"):
        symde.steady_state(symde.Problem("x' = -x; x(0) = 1", tspan=(1, 0)))
    with pytest.raises(TypeError, match="expected a symde.Problem"):
        symde.steady_state("x' = -x")
    state = symde.steady_state(symde.Problem("x' = 1 - x; x(0) = 1.5", tspan=(0, 1)))
    with pytest.raises(KeyError, match="unknown quantity 'z'"):
        _ = state["z"]
    with pytest.raises(ValueError, match="weights must have shape"):
        state.gradient([1.0, 2.0])
