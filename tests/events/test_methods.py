"""Every method steps to events as well as it steps."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

# a mass on a spring before a wall that takes a tenth of its speed: impacts at pi/2 + k pi
WALL = symde.ode_def("""model Wall
  state x = 1, v = 0
  discrete n = 0
  time 0 .. 20
  x' = v
  v' = -x
  hit: when x < 0: v = -0.9*v, n += 1
end""")
IMPACTS = np.pi / 2 + np.pi * np.arange(6)

ADAPTIVE = [method.name for method in registry.methods() if method.adaptive]
FIXED = [method.name for method in registry.methods() if not method.adaptive]


def errors(method: str, **options) -> float:
    """The largest error of the impacts, and of the end."""
    solution = symde.solve(symde.Problem(WALL), method, **options)
    assert len(solution.events) == 6 and solution.u[-1, 2] == 6
    of_times = max(abs(event.t - t) for event, t in zip(solution.events, IMPACTS, strict=True))
    end = 0.9**6 * np.sin(20 - IMPACTS[-1])
    return max(of_times, abs(solution.u[-1, 0] - end))


@pytest.mark.parametrize("method", ADAPTIVE)
def test_errors_follow_the_tolerance(method):
    tight = 1e-6 if registry.get(method).order < 4 else 1e-8
    loose, fine = (errors(method, rtol=rtol, atol=rtol) for rtol in (1e-4, tight))
    # six impacts add up what steps leave; the tolerance bounds that of one
    assert loose < 300 * 1e-4 and fine < 1000 * tight
    assert fine < loose or fine < 1e-11


@pytest.mark.parametrize("method", FIXED)
def test_errors_shrink_with_the_order_of_a_fixed_step(method):
    order = registry.get(method).order
    coarse, fine = (errors(method, dt0=dt) for dt in (0.1, 0.025))
    # a third of an order is lost where errors cancel; 1e-11 is left by what has been rounded
    assert fine < max(coarse / 4 ** (order - 0.34), 1e-11)


@pytest.mark.parametrize("method", ["VCABM", "QNDF", "FBDF"])
def test_a_step_undone_leaves_nothing_of_it(method):
    # a condition that turns false triggers nothing: steps are undone and done again to 13 crossings, and the
    # past of the method goes on
    model = symde.ode_def("x' = y; y' = -x; x(0) = 1; y(0) = 0; time 0 .. 20")
    watched = model.with_events([symde.Event("x > 0.3 and y > 100", stop=True)])
    plain, stopped = (
        symde.solve(symde.Problem(one), method, rtol=1e-8, atol=1e-10, saveat=[20.0])
        for one in (model, watched)
    )
    np.testing.assert_allclose(stopped.u[-1], [np.cos(20), -np.sin(20)], atol=1e-6)
    assert not stopped.events
    assert stopped.stats.accepted <= plain.stats.accepted + 2 * 13
    # each crossing takes the undone step and at most two to the root
    assert stopped.stats.rejected <= plain.stats.rejected + 2 * 13


def test_the_automatic_choice_sees_events():
    assert errors(None, rtol=1e-8, atol=1e-8) < 1e-6


@pytest.mark.parametrize("method", ["KenCarp3", "KenCarp4", "KenCarp5"])
def test_a_split_model_has_events(method):
    text = """
      x' = v; v' = stiff(-x); x(0) = 1; v(0) = 0
      discrete n = 0
      time 0 .. 20
      hit: when x < 0: v = -0.9*v, n += 1"""
    solution = symde.solve(symde.Problem(symde.ode_def(text)), method, rtol=1e-7, atol=1e-7)
    found = [event.t for event in solution.events]
    np.testing.assert_allclose(found, IMPACTS, atol=1e-4)
