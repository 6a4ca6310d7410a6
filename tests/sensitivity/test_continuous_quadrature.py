"""The integral by the parameters: its rules, its error control, and what it spares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symde
from symde.engine.cpu.quadrature import DEGREES, RULES
from symde.sensitivity import gauss, interpolating
from symde.sensitivity.run import prepare
from symde.sensitivity.wrt import wrt_of
from tests.sensitivity.networks import subject


@pytest.mark.parametrize("level", range(4))
def test_a_rule_is_exact_to_its_degree_and_no_further(level):
    rules = RULES.arrays()
    count = 2 ** (level + 1) - 1
    x, w = rules["x"][:count], rules["w"][level][:count]
    assert not rules["w"][level][count:].any()
    for power in range(DEGREES[level] + 1):
        assert w @ x**power == pytest.approx(1 / (power + 1), rel=1e-14)
    beyond = DEGREES[level] + 1
    assert abs(w @ (2 * x - 1) ** beyond - 1 / (beyond + 1)) > 1e-12


def test_a_wrong_digit_is_found():
    row = ("0.77459666924148337704", "0", "0.55555555555555555556", "0.26848808986833344073", "0.1344")
    with pytest.raises(ValueError, match="15 points is not exact"):
        replace(RULES, rows=(RULES.rows[0], row, *RULES.rows[2:]))


SWITCHED = """
model Switched "a parameter that counts from t = s on only"
  param a = 2, b = 1
  state x = 1
  time 0 .. 1
  dx = -b*x + (a if t >= 0.3141 else 0)
end
"""


def test_jumps_of_the_integrand_are_found_by_halving():
    """dx(1)/da is the integral of exp(t - 1) from the switch to 1. The adjoint equation does not see the
    switch, so its steps do not."""
    problem = symde.Problem(symde.ode_def(SWITCHED))
    _, grad = symde.value_and_grad(
        lambda u: (float(u[-1, 0]), np.ones((1, 1))), problem, "Vern7", sensealg="gauss", rtol=1e-8, atol=1e-8
    )
    assert grad["p"][0] == pytest.approx(1 - np.exp(0.3141 - 1), rel=1e-6)


FAST = """
model Fast "an integrand faster than the adjoint state"
  param a = 1, b = 0.1
  state x = 0
  time 0 .. 1
  dx = a*cos(200*t) - b*x
end
"""


def test_an_integrand_that_the_adjoint_steps_do_not_resolve_is_resolved():
    problem = symde.Problem(symde.ode_def(FAST))
    record = gauss.record(prepare(problem, "Vern7", rtol=1e-9, atol=1e-9), wrt_of("p", problem.system))
    _, p = record.pull_back(np.concatenate([np.zeros((len(record.solution.t) - 1, 1)), [[1.0]]]))
    # integral of exp(b (t - 1)) cos(200 t)
    b, w = 0.1, 200.0
    exact = (b * np.cos(w) + w * np.sin(w) - b * np.exp(-b)) / (b * b + w * w)
    # rtol and PART of the loss over a parameter of 1
    assert p[0] == pytest.approx(exact, abs=1e-9)


def test_integrals_stay_out_of_the_linear_systems():
    """110 integrals beside 10 adjoint states: what is factorised has 10 rows."""
    problem = subject("network").problem
    symde.value_and_grad(
        lambda u: (float(u.sum()), np.ones_like(u)), problem, "Rodas5P", sensealg="interpolating"
    )
    system = interpolating._system(problem.system, problem.system.adjoint_kernels, True, True)
    assert system.kernels.n == 120 and len(system.kernels.pattern[0]) == 11
    (sessions,) = system.sessions.values()
    (session,) = sessions
    assert session.state.entries == 100 and len(session.arrays["jacobian"]) == 100
    assert [block[:2] for block in system.kernels.blocks] == [(0, 10), (10, 110)]
