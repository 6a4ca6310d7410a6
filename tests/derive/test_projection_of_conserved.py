"""Solutions keep what a model states as conserved where that is asked for, and only there."""

from __future__ import annotations

import numpy as np
import pytest

import symde

KEPLER = """
model Kepler
  state x = 0.5, y = 0
  x'(0) = 0; y'(0) = sqrt(3)
  time 0 .. 100
  r = sqrt(x^2 + y^2)
  x'' = -x/r^3
  y'' = -y/r^3
  conserved (x'^2 + y'^2)/2 - 1/r
  conserved x*y' - y*x'
end
"""


def drift(model):
    solution = symde.solve(symde.Problem(model), "Tsit5", rtol=1e-4, atol=1e-4)
    x, y, u, v = solution.u[:, [0, 2, 1, 3]].T
    energy, momentum = (u**2 + v**2) / 2 - 1 / np.hypot(x, y), x * v - y * u
    return max(np.abs(energy - energy[0]).max(), np.abs(momentum - momentum[0]).max())


def test_conserved_quantities_are_kept_where_steps_are_projected():
    model = symde.ode_def(KEPLER)
    symde.testing.check_conserved(model)
    assert drift(model) > 1e-3
    # steps that miss by less than 1e-4 of the tolerance, 1e-4, are left as they are
    assert drift(model.with_projection()) < 1e-7
    assert model.with_projection() != model


def test_a_model_that_states_nothing_is_told():
    with pytest.raises(ValueError, match="states nothing as conserved"):
        symde.ode_def("x' = -x").with_projection()
