"""Whole steps as kernels give the numbers of the general step up to rounding, and the same work."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.cpu.delays import DelaySystem

MODELS = {
    "one value": "state x = 0.5\nx' = 1.8*x*(1 - x(t - 1))\ntime 0 .. 12",
    # values at one time, two times, and explicit t
    "several values": "state x = 1, y = 0.5\nhistory x = cos(t)\nx' = sin(t)*y(t - 0.7) - x(t - 0.7)\n"
    "y' = x(t - 2) - y*y(t - 0.7)\ntime 0 .. 9",
    "neutral": "state y\nhistory y = -t\ny' = y + y(t - 1) - y'(t - 1)/4\ntime 0 .. 3",
    "repeated steps": "param tau = 1e-3\nstate x = 1, v = 0\nx' = v\nv' = -x(t - tau) - 0.1*v\ntime 0 .. 9",
    "a jump": "state x = 1\nhistory x = 0\nx' = x(t - 1)\ntime 0 .. 5",
}


@pytest.mark.parametrize("method", ["BS3", "Tsit5", "DP5", "Vern7", "DOP853", "Rodas5P"])
@pytest.mark.parametrize("name", MODELS)
def test_the_general_step_gives_the_same(name, method, monkeypatch):
    def solve():
        problem = symde.Problem(symde.ode_def(MODELS[name]))
        return symde.solve(problem, method, rtol=1e-7, atol=1e-9, saveat=0.25)

    whole = solve()
    monkeypatch.setattr(DelaySystem, "step_address", lambda *_: 0)
    monkeypatch.setattr(DelaySystem, "interpolant_address", lambda *_: 0)
    general = solve()
    np.testing.assert_allclose(whole.u, general.u, rtol=1e-9, atol=1e-11)
    assert abs(whole.stats.evaluations - general.stats.evaluations) <= 0.02 * general.stats.evaluations


def test_a_state_set_by_hand_comes_back_as_a_jump():
    text = "state x = 0.5\nx' = 1.8*x*(1 - x(t - 1))\ntime 0 .. 12"
    integrator = symde.Integrator(symde.Problem(text), "Tsit5", rtol=1e-8)
    integrator.advance(3.3)
    integrator.set_u([0.7])
    integrator.advance(12.0)
    event = symde.solve(symde.Problem(f"{text}\nat t = 3.3: x = 0.7"), "Tsit5", rtol=1e-8)
    np.testing.assert_allclose(integrator.u, event.u[-1], rtol=1e-6)
    assert 4.3 in integrator.solution().t
