"""Methods for positions and momenta converge with the orders they claim, at the end and between the steps,
also
where both halves of the equations read the time."""

from __future__ import annotations

import numpy as np
import pytest

import symde

from .systems import NYSTROM, SPLITTING, known, problem

METHODS = [*SPLITTING, *NYSTROM]
COUNTS = {
    1: (100, 200, 400),
    2: (50, 100, 200),
    3: (50, 100, 200),
    4: (40, 80, 160),
    6: (16, 24, 36),
    8: (10, 14, 20),
}
PAIRS = {"DPRKN6": (60, 80, 110), "DPRKN8": (24, 32, 44), "DPRKN12": (8, 10, 12)}
"""Over a longer span: in a step these are more accurate, and fewer of them above rounding."""


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def fixed_steps(method, count, **options):
    """Steps of one size; tolerances that nothing exceeds keep those of pairs at it."""
    h = end_of(method) / count
    problem_ = problem(known(method)[0], tspan=(0, end_of(method)))
    solution = symde.solve(problem_, method, rtol=0.1, atol=1e30, dt0=h, dtmax=h, **options)
    assert solution.stats.accepted in (count - 1, count)
    return solution


def end_of(method):
    return 12.0 if method.name in PAIRS else 3.0


def counts_of(method):
    return PAIRS.get(method.name) or COUNTS[method.order]


def slope(counts, errors):
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


@named(METHODS)
def test_the_end_value_converges_with_the_order_of_the_method(method):
    exact, counts = known(method)[1], counts_of(method)
    errors = []
    for count in counts:
        solution = fixed_steps(method, count)
        # the mean along the way: at one point errors may cancel by chance
        errors.append(np.abs(solution.u - exact(solution.t)).mean())
    assert errors[-1] > 1e-14  # above rounding, where no order shows
    # that no method is of a higher order is proved by its conditions; pairs may seem so on one problem
    assert slope(counts, errors) > method.order - 0.2
    if method.name not in PAIRS:
        assert slope(counts, errors) < method.order + 0.3


@named(METHODS)
def test_the_continuous_solution_converges_with_its_order(method):
    exact, counts = known(method)[1], counts_of(method)
    times = np.linspace(0, end_of(method), 997)
    errors = [np.abs(fixed_steps(method, count)(times) - exact(times)).max() for count in counts]
    assert slope(counts, errors) > min(method.order, method.interpolant_order + 1) - 0.2


@named([method for method in METHODS if method.order > 2])
def test_dense_output_has_its_order_within_a_step(method):
    """The interpolant of one step from an exact start, and no end value in the way."""
    text, exact = known(method)
    sizes = {8: (0.5, 0.35, 0.25), 12: (1.4, 1.1, 0.9)}.get(method.order, (0.1, 0.07, 0.05))
    errors = []
    for h in sizes:
        one = symde.solve(problem(text, tspan=(0, h)), method, rtol=0.1, atol=1e30, dt0=h)
        assert one.stats.accepted == 1
        times = np.linspace(0, h, 41)[1:-1]
        ends = np.abs(one.u[-1] - exact(h)).max()
        errors.append(max(np.abs(one(times) - exact(times)).max(), ends))
    # an interpolant of order q is off by h^(q+1), or follows a less accurate end
    expected = min(method.interpolant_order, method.order) + 1
    assert slope(1 / np.array(sizes), errors) > expected - 0.3


@named(METHODS)
def test_dense_output_joins_both_ends(method):
    solution = fixed_steps(method, 10)
    before, after = solution(solution.t[1:-1] - 1e-13), solution(solution.t[1:-1] + 1e-13)
    # coefficients reach 1e5 times the state and carry 1e-16 each
    np.testing.assert_allclose(before, after, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(solution(solution.t), solution.u, rtol=1e-10, atol=1e-10)


@named(NYSTROM)
def test_the_error_estimate_is_of_the_lower_order(method):
    """With tolerances a factor 1e4 apart the steps are 1e4^(1/(order of the estimate + 1)) times longer."""
    text, _ = known(method)
    lower = min(method.order, method.embedded_order)
    tolerances = (1e-6, 1e-10)
    steps = [
        symde.solve(problem(text, tspan=(0, 200)), method, rtol=tol, atol=tol).stats.accepted
        for tol in tolerances
    ]
    assert steps[1] / steps[0] == pytest.approx(1e4 ** (1 / (lower + 1)), rel=0.15)


@named(NYSTROM)
def test_errors_follow_the_tolerance(method):
    text, exact = known(method)
    errors = []
    for tol in (1e-4, 1e-6, 1e-8, 1e-10):
        end = symde.solve(problem(text, tspan=(0, 20)), method, rtol=tol, atol=tol, saveat=[20.0]).u[-1]
        errors.append(np.abs(end - exact(20.0)).max())
    # over six oscillations errors of single steps add up to less than a hundred times the tolerance
    assert all(error < 100 * tol for error, tol in zip(errors, (1e-4, 1e-6, 1e-8, 1e-10), strict=True))
    assert errors[-1] < 1e-3 * errors[0]
