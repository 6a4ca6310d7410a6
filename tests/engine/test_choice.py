"""Without a method the choice follows tolerance and size, switches both ways, and ends where others end."""

import numpy as np
import pytest

import symde
from symde.engine.choice import default_pair, methods_for
from tests.problems import get


@pytest.mark.parametrize(
    "rtol, n, pair",
    [
        (1e-3, 3, ("Tsit5", "Rodas5P")),
        (1e-6, 3, ("Vern7", "Rodas5P")),
        (1e-9, 3, ("Vern9", "Radau")),
        (1e-3, 51, ("Tsit5", "QNDF")),
        (1e-10, 1000, ("Vern9", "QNDF")),
    ],
)
def test_the_pair_follows_tolerance_and_size(rtol, n, pair):
    assert default_pair(rtol, n) == pair
    assert tuple(method.name for method in methods_for(None, rtol, n=n)) == pair
    assert methods_for("auto", rtol, n=n) == methods_for(None, rtol, n=n)


@pytest.mark.parametrize("rtol", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("name", ["rober_1e5", "hires", "vanderpol_1e3", "brusselator", "lotka", "fput"])
def test_the_default_ends_at_the_reference(name, rtol):
    case = get(name)
    solution = symde.solve(case.problem, rtol=rtol, atol=rtol * case.floor)
    # errors of steps add up: 30 of them, and 1e-11 is what the references and rounding allow
    assert case.error(solution.u[-1]) < 100 * rtol + 3e-11
    assert (solution.stats.switches > 0) is case.stiff


@pytest.mark.parametrize("rtol", [1e-4, 1e-7, 1e-10])
def test_stiffness_that_comes_and_goes_is_followed_both_ways(rtol):
    """A rate that is 1e5 for a while: u' = -k(t)*(u - cos(t)); the solution is smooth where it is stiff."""
    text = "k = 1e5*exp(-((t - 5)/2)^8)\nstate u = 1\nu' = -(k + 0.1)*(u - cos(t))"
    problem = symde.Problem(text, tspan=(0, 300))
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
