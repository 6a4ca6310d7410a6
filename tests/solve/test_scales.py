"""Units are the user's: states and tolerances a power of two larger or smaller take the same steps."""

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

MODEL = symde.ode_def("hamiltonian H = (p^2 + q^2)/2 for (q, p)")


def _solved(name, scale):
    options = {} if registry.get(name).adaptive else {"dt0": 0.01}
    problem = symde.Problem(MODEL, [scale, scale / 2], (0, 1))
    return symde.solve(problem, name, atol=1e-9 * scale, **options)


@pytest.mark.parametrize("name", registry.NAMES)
@pytest.mark.parametrize("power", [600, -600])
def test_a_linear_solve_does_not_know_the_scale_of_its_states(name, power):
    """Squares of what is above 1e154 or below 1e-162 leave float64, and 2^600 is 4e180."""
    one, other = _solved(name, 1.0), _solved(name, 2.0**power)
    assert one.stats.accepted == other.stats.accepted
    # rounding only: tiny numbers added to scales, and the start of power iterations
    np.testing.assert_allclose(other.u[-1] / 2.0**power, one.u[-1], rtol=1e-9)
