"""Without a method the choice follows tolerance and model, switches both ways, and ends where others end."""

import numpy as np
import pytest

import symde
from symde.engine.choice import default_pair, methods_for
from symde.problem.traits import Traits
from tests.problems import get


@pytest.mark.parametrize(
    "rtol, n, pair",
    [
        (1e-3, 3, ("Tsit5", "Rodas5P")),
        (1e-5, 3, ("Tsit5", "Rodas5P")),
        (1e-6, 3, ("Vern7", "Rodas5P")),
        (1e-9, 3, ("Vern9", "Radau")),
        (1e-3, 51, ("Tsit5", "QNDF")),
        (1e-10, 1000, ("Vern9", "QNDF")),
    ],
)
def test_the_pair_follows_tolerance_and_number_of_states(rtol, n, pair):
    traits = Traits(n)
    assert default_pair(rtol, traits) == pair
    assert tuple(method.name for method in methods_for(None, rtol, traits)) == pair
    assert methods_for("auto", rtol, traits) == methods_for(None, rtol, traits)


@pytest.mark.parametrize(
    "rtol, traits, explicit",
    [
        (1e-4, Traits(3, 20, analytic=True), "Tsit5"),
        (1e-5, Traits(3, 20, analytic=True), "Taylor"),
        (1e-10, Traits(28, 500, analytic=True, second_order=True), "Taylor"),
        (1e-6, Traits(28, 501, analytic=True), "Vern7"),
        (1e-4, Traits(200, 600, analytic=True, second_order=True), "Tsit5"),
        (1e-6, Traits(200, 600, analytic=True, second_order=True), "DPRKN8"),
        (1e-10, Traits(4, 20, second_order=True), "DPRKN12"),
    ],
)
def test_series_and_second_order_form_are_used_where_they_are(rtol, traits, explicit):
    assert default_pair(rtol, traits)[0] == explicit
    assert default_pair(rtol, traits)[1] == default_pair(rtol, Traits(traits.states))[1]


@pytest.mark.parametrize(
    "name, traits",
    [
        ("lotka", Traits(2, 9, analytic=True)),
        ("kepler", Traits(4, 8, analytic=True, second_order=True)),
        ("pleiades", Traits(28, 406, analytic=True, second_order=True)),
        ("akzo", Traits(32, 259)),
    ],
)
def test_models_are_what_they_are(name, traits):
    """Operations as counted by hand for the first two, by the graph for the others."""
    assert get(name).problem.system.traits == traits


def test_a_function_that_cannot_be_traced_is_only_as_large_as_it_is():
    def f(u, p, t):
        return np.array([u[1] if float(u[0]) < 2 else 0.0, -u[0]])

    problem = symde.Problem(f, [1.0, 0.0], (0, 1))
    assert problem.system.traits == Traits(2)
    assert [method.name for method in symde.solve(problem, rtol=1e-8).method] == ["Vern7"]


def test_a_pulse_that_comes_from_below_rounding_is_met():
    """Its area is sqrt(pi)*w; the Taylor coefficients before it are zero."""
    problem = symde.Problem("state u = 0\nu' = exp(-((t - 5)/0.1)^2)", tspan=(0, 10))
    solution = symde.solve(problem, dtmax=1.0)
    assert abs(solution.u[-1, 0] - 0.1 * np.sqrt(np.pi)) < 1e-6


@pytest.mark.parametrize(
    "right, start", [("u^n/(1 + u^n) + t", 0.0), ("1 - sqrt(u)", 0.0), ("1/(1 + 1/u)", 0.0)]
)
def test_what_series_cannot_start_from_is_solved(right, start):
    problem = symde.Problem(f"param n = 2.5\nstate u = {start}\nu' = {right}", tspan=(0, 2))
    solution = symde.solve(problem, rtol=1e-6)
    other = symde.solve(problem, "Tsit5", rtol=1e-9, atol=1e-12)
    assert abs(solution.u[-1, 0] - other.u[-1, 0]) < 1e-4


@pytest.mark.parametrize("rtol", [1e-6, 1e-10])
def test_a_blow_up_is_told_and_not_stepped_over(rtol):
    """u = 1/(1 - t)."""
    solution = symde.solve(symde.Problem("state u = 1\nu' = u^2", tspan=(0, 2)), rtol=rtol, throw=False)
    assert not solution.success and abs(solution.t[-1] - 1) < 1e-4


@pytest.mark.parametrize("rtol", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("name", ["rober_1e5", "hires", "vanderpol_1e3", "brusselator", "lotka", "fput"])
def test_the_default_ends_at_the_reference(name, rtol):
    case = get(name)
    solution = symde.solve(case.problem, rtol=rtol, atol=rtol * case.floor)
    # errors of steps add up: 30 of them, and 1e-11 is what the references and rounding allow
    assert case.error(solution.u[-1]) < 100 * rtol + 3e-11
    assert (solution.stats.switches > 0) is case.stiff


@pytest.mark.parametrize("bump, analytic", [("exp(-((t - 5)/2)^8)", False), ("1/(1 + ((t - 5)/2)^8)", True)])
@pytest.mark.parametrize("rtol", [1e-4, 1e-7, 1e-10])
def test_stiffness_that_comes_and_goes_is_followed_both_ways(rtol, bump, analytic):
    """A rate that is 1e5 for a while: u' = -k(t)*(u - cos(t)); the solution is smooth where it is stiff."""
    problem = symde.Problem(f"k = 1e5*{bump}\nstate u = 1\nu' = -(k + 0.1)*(u - cos(t))", tspan=(0, 300))
    assert (default_pair(1e-6, problem.system.traits)[0] == "Taylor") is analytic
    solution = symde.solve(problem, rtol=rtol, atol=rtol)
    assert solution.stats.switches >= 2
    tight = symde.solve(problem, "RadauIIA5", rtol=1e-12, atol=1e-12, saveat=[300.0])
    assert abs(solution.u[-1, 0] - tight.u[-1, 0]) < 30 * rtol
    # the last switch was back: the explicit method ends the solve
    assert solution.stats.switches % 2 == 0


def test_a_large_stiff_model_factorises_rarely():
    case = get("brusselator")
    stats = symde.solve(case.problem, rtol=1e-5, atol=1e-5).stats
    assert stats.switches >= 1 and 0 < stats.jacobians < stats.factorisations < stats.accepted
    assert np.isfinite(stats.seconds)
