"""The map of derivatives at a moment, and its transpose; derivatives of what events read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symde
from symde.codegen.point_kernel import AtPoint
from symde.sensitivity.hybrid import solve
from symde.sensitivity.moments import event_derivatives
from symde.sensitivity.run import prepare
from symde.sensitivity.saltation import Change, Delayed, Moment, MomentTime, Weights

N, M, K = 4, 3, 2
"""States, parameters, columns."""


class Numbers:
    """Random arrays."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def __call__(self, *shape: int) -> np.ndarray:
        return self._generator.standard_normal(shape)

    def effect(self, count: int) -> AtPoint:
        return AtPoint(self(count), self(count), self(count, N), self(count, M))

    def moment(self, time: MomentTime, *changes: Change) -> Moment:
        return Moment(0.0, self(N), self(N), self(N), self(N), time, changes)


def chain(numbers: Numbers) -> tuple[Moment, ...]:
    """A moment at a root that also triggers two delayed events, one that ends a delay and sets once more, and
    one at a known time; the other delayed event never takes place."""
    first, second = np.array([0, 2]), np.array([3])
    root = MomentTime(numbers(N), numbers(M))
    return (
        numbers.moment(
            root,
            Change(first, numbers.effect(2)),
            Change(second, numbers.effect(2), delayed=0),
            Change(np.array([1]), numbers.effect(1)),
            Change(first, numbers.effect(3), delayed=1),
        ),
        numbers.moment(MomentTime(None, numbers(M))),
        numbers.moment(
            MomentTime(None, np.zeros(M), waited=0),
            Change(second, None, delayed=0),
            Change(np.array([0]), numbers.effect(1)),
        ),
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_going_back_is_the_transpose_of_going_on(seed):
    numbers = Numbers(seed)
    moments = chain(numbers)
    start, by, weights, of_moving, of_end = numbers(N, K), numbers(M, K), numbers(N), numbers(N), 0.7
    columns, kept = start, Delayed()
    moving, dt = columns, np.zeros(K)
    for moment in moments:
        columns, moving, dt = moment.forward(columns, by, kept)
    forward = weights @ columns + of_moving @ moving + of_end * dt
    back, by_parameters, carried = weights, np.zeros(M), Weights()
    for place, moment in reversed(list(enumerate(moments))):
        last = place == len(moments) - 1
        back, more = moment.backward(
            back, of_moving if last else np.zeros(N), of_end if last else 0.0, carried
        )
        by_parameters += more
    assert back @ start + by_parameters @ by == pytest.approx(forward, rel=1e-10)


def test_a_moment_at_which_nothing_changes_leaves_derivatives_as_they_are():
    numbers = Numbers(1)
    slope = numbers(N)
    time = MomentTime(numbers(N), numbers(M))
    moment = Moment(0.0, numbers(N), numbers(N), slope, slope, time, ())
    columns, by = numbers(N, K), numbers(M, K)
    assert moment.forward(columns, by, Delayed())[0] == pytest.approx(columns)
    back, by_parameters = moment.backward(slope, np.zeros(N), 0.0, Weights())
    assert back == pytest.approx(slope) and by_parameters == pytest.approx(0)


TEXT = """
param a = 1.3, b = 0.4, T = 0.7, q = 0.2
state x = 0.3, y = 2
discrete m = 1
x' = y*sin(t) - a*x
y' = -m*x*y + b
c: when x*y > a + t*b after T*x^2: x = a*x*y + t^2, m = exp(-b*x)
e: every T + q*a from t0 + b: y = x/y
k: at t = T, a*b, t0 + q: m = 2
s: when rising y == a*x: stop
time 0 .. 1
"""


def differences(function, vector):
    """Central differences of a function of a vector, the vector's axis last."""
    steps = 1e-6 * np.eye(len(vector))
    return np.stack([(function(vector + d) - function(vector - d)) / 2e-6 for d in steps], axis=-1)


def compared(kernel, t, u, p):
    """Assert that derivatives are those of the values."""
    found = kernel(t, u, p)
    by_time = differences(lambda v: kernel(v[0], u, p).values, np.array([t]))[:, 0]
    for exact, by_differences in (
        (found.by_states, differences(lambda v: kernel(t, v, p).values, u)),
        (found.by_parameters, differences(lambda v: kernel(t, u, v).values, p)),
        (found.by_time, by_time),
    ):
        assert exact == pytest.approx(by_differences, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("index", range(4))
def test_derivatives_of_effects_roots_and_delays_are_those_of_their_values(index):
    system: Any = symde.Problem(symde.ode_def(TEXT)).system
    derivatives = event_derivatives(system)
    t, u, p = 0.6, np.array([0.7, 1.9, 1.4]), np.array([1.3, 0.4, 0.7, 0.2])
    for kernel in (derivatives.effect(index), derivatives.root(index % 2)):
        compared(kernel, t, u, p)
    # the second quantity of a root function is its derivative along the solution
    root = derivatives.root(0)(t, u, p)
    slope = system.slope(t, u, p)
    assert derivatives.slope(t, u, p) == pytest.approx(slope)
    assert root.values[1] == pytest.approx(root.by_states[0] @ slope + root.by_time[0])


def test_known_times_are_differentiated_each_by_its_own_expression():
    system: Any = symde.Problem(symde.ode_def(TEXT)).system
    derivatives, p, t0 = event_derivatives(system), np.array([1.3, 0.4, 0.7, 0.2]), 0.05
    a, b, period, q = p
    third = t0 + b + 3 * (period + q * a)
    by_p, by_t0 = derivatives.times(1).derivative(third, t0, p)
    assert by_p == pytest.approx([3 * q, 1, 3, 3 * a]) and by_t0 == 1
    for time, expected, of_start in [
        (period, [0, 0, 1, 0], 0),
        (a * b, [b, a, 0, 0], 0),
        (t0 + q, [0, 0, 0, 1], 1),
    ]:
        by_p, by_t0 = derivatives.times(2).derivative(time, t0, p)
        assert (by_p.tolist(), by_t0) == (expected, of_start)


def test_saved_rows_lie_in_the_segment_that_they_belong_to():
    problem = symde.Problem(symde.ode_def("x' = 1\nx(0) = 0\nat t = 0, 1, 2: x = 5\ntime 0 .. 2"))
    found = solve(prepare(problem, None, saveat=[0, 0.5, 1, 1.5, 2], events=True))
    assert [one.times.tolist() for one in found.segments] == [[], [0, 0.5], [1, 1.5], [2]]
    assert found.solution.u[:, 0] == pytest.approx([5, 5.5, 5, 5.5, 5])
    every = solve(prepare(problem, None, events=True))
    for segment in every.segments:
        assert segment.times[0] == segment.t0 and segment.times[-1] == segment.t1
        assert every.solution.u[segment.rows][0] == pytest.approx(segment.u0)
