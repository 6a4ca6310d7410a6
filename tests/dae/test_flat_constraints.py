"""Constraints that become flat: methods whose stages are solved with the Jacobian of an earlier state."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from tests.dae.problems import BRIDGE, RECTIFIED
from tests.dae.systems import METHODS

ITERATING = [name for name in METHODS if not name.startswith("Ro")]


@pytest.fixture(scope="module")
def bridge():
    return symde.Problem(symde.ode_def(BRIDGE))


@pytest.fixture(scope="module")
def rectified():
    """The voltage of the capacitor at the end of each millisecond."""
    times = np.arange(1, 101) * 1e-3
    problem = symde.Problem(symde.ode_def(RECTIFIED))
    return times, symde.solve(problem, "Rodas5P", rtol=1e-10, atol=1e-10, saveat=times, dtmax=1e-5).u[:, 0]


@pytest.mark.parametrize("method", [*ITERATING, "Rodas5P"])
def test_a_bridge_rectifier(method, bridge, rectified):
    rtol = 1e-4 if method in ("TRBDF2", "KenCarp3", "Kvaerno3") else 1e-6
    solution = symde.solve(bridge, method, rtol=rtol, atol=rtol)
    source = 10 * np.sin(2 * np.pi * 50 * solution.t)
    size = 1 + np.abs(solution.u).max(axis=1)
    # of every saved state, also right after a diode has ceased to conduct
    assert (np.abs(solution.u.sum(axis=1) - source) < 2 * rtol * size).all()
    times, voltage = rectified
    # a method of order 3 at loose tolerance may step over a pulse of the current
    on_times = symde.solve(bridge, method, rtol=rtol, atol=rtol, saveat=times, dtmax=2e-3)
    np.testing.assert_allclose(on_times["p"] - on_times["n"], voltage, atol=100 * rtol)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-8])
@pytest.mark.parametrize("method", ["Radau", "RadauIIA5", "QNDF", "KenCarp4"])
def test_a_bridge_rectifier_at_other_tolerances(method, tolerance, bridge, rectified):
    solution = symde.solve(bridge, method, rtol=tolerance, atol=tolerance)
    assert solution["p"][-1] - solution["n"][-1] == pytest.approx(rectified[1][-1], abs=100 * tolerance)


@pytest.mark.parametrize("method", ["QNDF", "FBDF", "Radau"])
def test_a_bridge_rectifier_at_the_default_absolute_tolerance(method, bridge, rectified):
    # where nothing conducts, rounding of 10 mA over 4e-9 S is a tenth of what is allowed near 0
    for rtol in (1e-5, 1e-6, 1e-7):
        solution = symde.solve(bridge, method, rtol=rtol)
        assert solution["p"][-1] - solution["n"][-1] == pytest.approx(rectified[1][-1], abs=200 * rtol)


def test_judging_new_states_costs_no_steps(bridge):
    # QNDF and Radau take about as many steps as the state's own error asks for, and reject few
    stats = symde.solve(bridge, "QNDF", rtol=1e-6, atol=1e-6).stats
    assert stats.rejected < 0.2 * stats.accepted


@pytest.mark.parametrize("method", ["Radau", "QNDF"])
def test_their_sensitivities(method, bridge):
    problem = symde.remake(bridge, tspan=(0.0, 0.03))
    found = symde.sensitivities(problem, method, wrt=("R", "C"), rtol=1e-6, atol=1e-7, saveat=[0.03])
    reduced = symde.remake(symde.Problem(symde.ode_def(RECTIFIED)), tspan=(0.0, 0.03))
    expected = symde.sensitivities(reduced, "Rodas5P", wrt=("R", "C"), rtol=1e-9, atol=1e-9, saveat=[0.03])
    for name in ("R", "C"):
        difference = found["p", name] - found["n", name]
        np.testing.assert_allclose(difference, expected["w", name], rtol=1e-5)
