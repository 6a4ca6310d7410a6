"""Orders of convergence of the continuous solution, with steps shorter and longer than the delay."""

from __future__ import annotations

import numpy as np
import pytest

import symde

# x = sin t solves it with its own past, whatever the delay, and none of its derivatives jumps
TEXT = "param tau\nstate x\nhistory x = sin(t)\nx' = sin(t) - x - x(t - tau)*sin(tau) + cos(tau)*cos(t - tau)"

ORDERS = {
    "BS3": 3, "Tsit5": 5, "DP5": 5, "Vern6": 6, "Vern7": 7, "DOP853": 8, "Rosenbrock23": 2, "Rodas4": 4,
    "Rodas5P": 5, "TRBDF2": 2, "KenCarp4": 4, "Kvaerno5": 5, "RadauIIA5": 4,
}  # fmt: skip
"""The order of a method, or one more than that of its interpolant where that is less: RadauIIA5 has one of
order 3. Bellen and Zennaro (2003), theorem 6.1.2."""


def largest_error(method: str, count: int, tau: float) -> float:
    h = 6.0 / count
    problem = symde.Problem(symde.ode_def(TEXT), tspan=(0.0, 6.0), p={"tau": tau})
    times = np.linspace(0.0, 6.0, 601)
    # every step is accepted; iterations are taken to rounding
    solution = symde.solve(problem, method, rtol=1e-13, atol=1e9, dt0=h, dtmax=h, dense=True)
    return float(np.abs(solution(times)[:, 0] - np.sin(times)).max())


@pytest.mark.parametrize("tau", [1.3, 0.01])
@pytest.mark.parametrize("method", ORDERS)
def test_order(method, tau):
    order = ORDERS[method]
    counts = [12, 17, 24, 34] if order >= 6 else [40, 56, 80, 112]
    found = [largest_error(method, count, tau) for count in counts]
    assert -np.polyfit(np.log(counts), np.log(found), 1)[0] > order - 0.15


def test_a_step_longer_than_the_delay_costs_a_few_passes():
    problem = symde.Problem(symde.ode_def(TEXT), tspan=(0.0, 6.0), p={"tau": 0.01})
    stats = symde.solve(problem, "Tsit5", rtol=1e-8).stats
    assert stats.accepted < 6.0 / 0.01 / 4  # steps of many delays
    assert stats.evaluations < 6 * 6 * (stats.accepted + stats.rejected)
