"""The compiled engine converges with the order its methods claim, at the end and between the steps."""

import numpy as np
import pytest

import symde
from symde.engine.methods import registry

# u = 1/(1 + t^2), v = exp(sin t), w = u*v: nonlinear, coupled, and explicit in t
TEXT = """
model Known
  state u = 1, v = 1, w = 1
  u' = -2*t*u^2
  v' = v*cos(t)
  w' = -2*t*u*w + w*cos(t)
end
"""
STEPS = {
    1: (200, 400, 800),
    2: (100, 200, 400),
    3: (50, 100, 200),
    4: (80, 160, 320),
    5: (20, 40, 80),
    6: (12, 18, 24),
    7: (8, 12, 16),
    8: (6, 8, 10),
    9: (5, 6, 8),
}

ITERATING = ("esdirk",)
"""Families that solve their stages by iteration, to the tolerance."""

HALVES = ("symplectic", "nystrom")
"""Families that need positions and momenta, which this problem has not: tested in `tests/symplectic`."""

FIXED_ORDER = [
    method.name for method in registry.methods() if not method.variable_order and method.family not in HALVES
]
ONE_STAGE_AFTER_ANOTHER = [name for name in FIXED_ORDER if registry.get(name).family != "radau"]
"""Tolerances that nothing exceeds end the iterations of collocation too early: see test_radau.py."""


def step_counts(method):
    """Numbers of steps; a quarter less where iterations leave errors that add up with the steps."""
    counts = STEPS[method.order]
    return tuple(3 * count // 4 for count in counts) if method.family in ITERATING else counts


def exact(t):
    u, v = 1 / (1 + t**2), np.exp(np.sin(t))
    return np.stack([u, v, u * v], axis=-1)


class WithoutEstimate:
    """A method whose steps are the caller's, so that tolerances are those of its iterations only."""

    adaptive = False

    def __init__(self, method):
        self.method = method
        self.error = np.zeros_like(method.error)

    def __getattr__(self, name):
        return getattr(self.method, name)


def fixed_steps(name, count):
    """Every step has the largest size allowed: tolerances let it pass, or there is no estimate."""
    problem = symde.Problem(symde.ode_def(TEXT), tspan=(0, 2))
    h = 2 / count
    method = registry.get(name)
    if method.family in ITERATING:
        solution = symde.solve(problem, WithoutEstimate(method), rtol=1e-13, atol=1e-13, dt0=h, dtmax=h)
    else:
        solution = symde.solve(problem, name, rtol=0.1, atol=1e30, dt0=h, dtmax=h)
    assert solution.stats.accepted in (count - 1, count)
    return solution


def slope(counts, errors):
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


@pytest.mark.parametrize("name", ONE_STAGE_AFTER_ANOTHER)
def test_the_end_value_converges_with_the_order_of_the_method(name):
    order = registry.get(name).order
    counts = step_counts(registry.get(name))
    errors = [np.abs(fixed_steps(name, count).u[-1] - exact(2.0)).max() for count in counts]
    assert errors[-1] > 1e-14  # above rounding, where no order shows
    assert slope(counts, errors) > order - 0.2


@pytest.mark.parametrize("name", ONE_STAGE_AFTER_ANOTHER)
def test_the_continuous_solution_converges_with_the_order_of_its_interpolant(name):
    """Between the steps the error is that of the interpolant over one step, of one order more, or of the end
    values."""
    method = registry.get(name)
    expected = min(method.order, method.interpolant_order + 1)
    counts = step_counts(method)
    times = np.linspace(0, 2, 997)
    errors = [np.abs(fixed_steps(name, count)(times) - exact(times)).max() for count in counts]
    assert slope(counts, errors) > expected - 0.2


@pytest.mark.parametrize("name", [name for name in FIXED_ORDER if registry.get(name).adaptive])
def test_a_tolerance_ten_thousand_times_smaller_gives_an_error_as_much_smaller(name):
    problem = symde.Problem(symde.ode_def(TEXT), tspan=(0, 2))
    errors = []
    for rtol in (1e-6, 1e-10):  # looser ones take some methods four steps, which say little
        solution = symde.solve(problem, name, rtol=rtol, atol=rtol, dense=False)
        # the largest along the way: at the end alone errors may cancel by chance
        errors.append(np.abs(solution.u - exact(solution.t)).max())
    # error per step control: the global error follows the tolerance to the power order/(order of estimate +
    # 1) or better
    method = registry.get(name)
    power = min(method.order, method.embedded_order) / (min(method.order, method.embedded_order) + 1)
    assert errors[1] < 3 * errors[0] * 1e-4**power
