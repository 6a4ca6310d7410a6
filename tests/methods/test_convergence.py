"""Halving the step divides errors by two to the power that methods claim.

The problem is nonlinear and reads t; its solution is known. Steps are taken in extended precision (1e-19)
with all published digits of the coefficients, so that high orders show at small steps.
"""

from __future__ import annotations

import numpy as np
import pytest

from .reference import REAL, solution, step
from .tableaus import METHODS

ADAPTIVE = [method for method in METHODS if method.adaptive]
END = 3
STARTS = np.linspace(0, END, 7)
SEEN = {"Vern7": 7}
"""Orders of dense output as seen where they differ from the claim: Vern7 misses conditions of order 7 by
3e-7 only, which shows at steps too small for any arithmetic in use."""
SEEN_EMBEDDED = {"KenCarp5": 4.7}
"""The same for embedded solutions: that of KenCarp5 misses the conditions of order 5 by 1.3e-4 at most, so
errors of order 6 show beside those of order 5 at all steps whose errors are above rounding."""

SLOW = {"Vern9": 0.35}
"""Slopes over a step that come near their limit only where rounding (1e-19) takes over: of the estimate 9.54,
9.31 and 9.23 at 10, 20 and 40 steps, of the interpolant 9.79. All trees prove the orders."""


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def slope(errors):
    """The power of h seen in errors of steps h and h/2."""
    return float(np.log2(errors[0] / errors[1]))


def steps(method):
    """A step and its half: small for low orders, larger for high ones, whose errors meet rounding soon."""
    count = {1: 512, 2: 256, 3: 128, 4: 128, 5: 128, 6: 80, 7: 20, 8: 20, 9: 20}[method.order]
    return [REAL(END) / count, REAL(END) / (2 * count)]


def size(difference):
    return np.abs(difference).max()


def local_errors(method, what):
    """The mean over several starting times of what(step, u, t, h), for each step size."""
    return [
        np.mean(
            [what(step(method, REAL(t), solution(REAL(t)), h), solution(REAL(t)), REAL(t), h) for t in STARTS]
        )
        for h in steps(method)
    ]


@named(METHODS)
def test_the_solution_converges_with_its_order(method):
    errors = []
    for h in steps(method):
        t, u, seen = REAL(0), solution(REAL(0)), []
        for _ in range(round(END / h)):
            u = step(method, t, u, h).u
            t += h
            seen.append(size(u - solution(t)))
        # the mean along the way: at one point errors of two steps may cancel by chance
        errors.append(np.mean(seen))
    assert slope(errors) == pytest.approx(method.order, abs=0.2)


@named(METHODS)
def test_dense_output_has_its_order_within_a_step(method):
    def worst_inside(taken, u, t, h):
        return max(
            size(taken.at(u, theta) - solution(t + REAL(theta) * h)) for theta in np.linspace(0.05, 0.95, 19)
        )

    order = SEEN.get(method.name, method.interpolant_order)
    # an interpolant of order q is off by h^(q+1) within a step from an exact start
    near = SLOW.get(method.name, 0.2)
    assert slope(local_errors(method, worst_inside)) == pytest.approx(order + 1, abs=near)


@named(METHODS)
def test_dense_output_joins_both_ends(method):
    u = solution(REAL(0))
    taken = step(method, REAL(0), u, REAL(0.1))
    np.testing.assert_array_equal(taken.at(u, 0.0), u)
    # coefficients reach 1e3 and carry 1e-16 each
    np.testing.assert_allclose(taken.at(u, 1.0).astype(float), taken.u.astype(float), rtol=1e-12)


def embedded_order(method):
    """The order of the embedded solution; where there are two, of the finer one."""
    return method.error_order if method.family == "explicit_two_estimates" else method.embedded_order


@named(ADAPTIVE)
def test_the_error_estimate_shrinks_with_the_lower_order(method):
    lower = min(method.order, embedded_order(method))
    seen = local_errors(method, lambda taken, u, t, h: size(taken.error))
    assert slope(seen) == pytest.approx(lower + 1, abs=SLOW.get(method.name, 0.2))


@named(ADAPTIVE)
def test_the_embedded_solution_has_its_order_over_a_step(method):
    seen = local_errors(method, lambda taken, u, t, h: size(taken.u - taken.error - solution(t + h)))
    order = SEEN_EMBEDDED.get(method.name, embedded_order(method))
    assert slope(seen) == pytest.approx(order + 1, abs=SLOW.get(method.name, 0.2))
