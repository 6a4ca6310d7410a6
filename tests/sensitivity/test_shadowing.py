"""Derivatives of long-time averages: the Lorenz equations, and laws that hold exactly."""

from __future__ import annotations

import numpy as np
import pytest

import symde

LORENZ = symde.ode_def("""
model Lorenz
  param sigma = 10, rho = 28, beta = 8/3, speed = 1, scale = 2
  state x = 1, y = 1, z = 28
  x' = speed*sigma*(y - x)
  y' = speed*(x*(rho - z) - y)
  z' = speed*(x*y - beta*z)
end
""")


@pytest.fixture(scope="module")
def lorenz():
    return symde.shadowing(symde.Problem(LORENZ, tspan=(0, 300)), "z", method="Tsit5")


def test_the_average_of_the_lorenz_equations_follows_rho(lorenz):
    # Wang 2013 (J. Comput. Phys. 235, section 5) gives 1.01 +- 0.04; differences of averages over 20,000 time
    # units at rho = 27 and 29 give 1.008
    assert lorenz.gradient["p"][1] == pytest.approx(1.01, abs=0.05)
    assert lorenz.average == pytest.approx(23.55, abs=0.2)
    assert 0 < lorenz.error["p"][1] < 0.03
    assert 0 < lorenz.average_error < 0.2


def test_other_parameters_agree_with_differences_of_long_averages(lorenz):
    # averages over 20,000 time units: sigma = 10.5 and 9.5 give 0.139, beta = 8/3 +- 0.15 gives -1.687
    assert lorenz.gradient["p"][0] == pytest.approx(0.139, abs=0.03)
    assert lorenz.gradient["p"][2] == pytest.approx(-1.687, abs=0.15)


def test_the_largest_exponent_is_the_known_one(lorenz):
    # J. C. Sprott, Chaos and Time-Series Analysis (2003): 0.9056, 0, -14.5723
    assert lorenz.exponents[0] == pytest.approx(0.9056, abs=0.05)
    assert lorenz.exponents[1] == pytest.approx(-14.57, abs=0.1)
    assert lorenz.exponents[0] * lorenz.segment == pytest.approx(1.0, rel=0.3)


def test_an_average_does_not_depend_on_the_speed_of_time(lorenz):
    # a bounded tangent along the flow says so only with the change of duration counted
    assert abs(lorenz.gradient["p"][3]) < 0.05


def test_a_parameter_of_the_averaged_quantity_counts_directly():
    problem = symde.Problem(LORENZ, tspan=(0, 60))
    found = symde.shadowing(problem, "scale*z", wrt="scale", method="Tsit5")
    assert found.gradient["scale"] == pytest.approx(found.average / 2, rel=1e-6)
    assert set(found.gradient) == set(found.error) == {"scale"}


CYCLE = """
param mu = 1.3, omega = 2
x' = mu*x - omega*y - x*(x^2 + y^2)
y' = omega*x + mu*y - y*(x^2 + y^2)
x(0) = 1; y(0) = 0
"""


@pytest.mark.parametrize("method", ["Vern7", "Rodas5P"])
def test_on_a_limit_cycle_the_derivative_is_the_closed_form(method):
    # x^2 + y^2 = mu; what is left are the ends of the span, where tangents settle within 1/(2 mu)
    found = symde.shadowing(
        symde.Problem(CYCLE, tspan=(0, 200)), "x^2 + y^2", method=method, rtol=1e-8, atol=1e-10
    )
    assert found.average == pytest.approx(1.3, rel=1e-6)
    np.testing.assert_allclose(found.gradient["p"], [1.0, 0.0], atol=0.01)
    assert found.exponents[0] == pytest.approx(-2.6, rel=0.05)


def test_defaults_that_follow_a_parameter_are_counted():
    model = CYCLE.replace("param mu = 1.3, omega = 2", "param half = 0.65, omega = 2\nparam mu = 2*half")
    found = symde.shadowing(symde.Problem(model, tspan=(0, 100)), "x^2 + y^2", wrt="half", method="Vern7")
    assert found.gradient["half"] == pytest.approx(2.0, abs=0.03)


def test_what_shadowing_cannot_do_is_refused():
    problem = symde.Problem(LORENZ, tspan=(0, 60))
    with pytest.raises(ValueError, match="all 1 directions allowed for grow"):
        symde.shadowing(problem, "z", wrt="rho", directions=1)
    with pytest.raises(ValueError, match="from 1 to 2"):
        symde.shadowing(problem, "z", wrt="rho", directions=3)
    with pytest.raises(ValueError, match="forgets its initial values"):
        symde.shadowing(problem, "z", wrt="x")
    with pytest.raises(ValueError, match="transient must be a time"):
        symde.shadowing(problem, "z", wrt="rho", transient=100.0)
    with pytest.raises(symde.ModelError, match="unknown name `w`"):
        symde.shadowing(problem, "w", wrt="rho")
    with pytest.raises(ValueError, match="forward in time"):
        symde.shadowing(symde.Problem(LORENZ, tspan=(60, 0)), "z", wrt="rho")
    with pytest.raises(ValueError, match="read t"):
        forced = symde.Problem("x' = y; y' = -x^3 + a*cos(t); param a = 1; x(0) = 1; y(0) = 0", tspan=(0, 60))
        symde.shadowing(forced, "x^2")
    with pytest.raises(ValueError, match="grows without bound"):
        growing = symde.Problem("x' = x; y' = 2*y; param a = 1; x(0) = 1; y(0) = 1", tspan=(0, 1000))
        symde.shadowing(growing, "x")
    with pytest.raises(ValueError, match="comes to rest"):
        symde.shadowing(symde.Problem(CYCLE, u0=[0, 0], tspan=(0, 60)), "x^2")
