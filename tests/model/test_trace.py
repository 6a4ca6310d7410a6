"""A traced Python function computes what the function computes, or tracing is refused."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from symde.language.syntax import Expr
from symde.model.evaluate import evaluate
from symde.model.model import Model
from symde.model.trace import trace, trace_values
from symde.model.traced import TraceError

A = np.array([[-0.1, 2.0], [-2.0, -0.1]])


def lotka(u, p, t):
    x, y = u
    a, b, d, g = p
    return [a * x - b * x * y, -d * y + g * x * y]


def spiral(u, p, t):
    return (u**3) @ A


def forced(u, p, t):
    return np.array([np.sin(3 * t) * u[1] - np.exp(-t), -u[0] / (1 + p[0] ** 2)])


def in_place(u, p, t):
    du = np.zeros_like(u)
    du[0] = p[0] - u[0]
    du[1] += 2 * u[0]
    du *= 3
    return du


def sliced(u, p, t):
    return np.concatenate([u[1:] - u[:-1], [-sum(u)]])


def dotted(u, p, t):
    return -np.dot(A, u[:2]) + np.float64(2.0) * u[:2] - 1.5 * p[0] * np.ones(2)


def functions(u, p, t):
    x = u[0] + 2.5
    first = np.sqrt(x) + np.log(x) + np.cos(x) + np.tan(x) + np.tanh(x) + np.arctan(x) + np.log10(x)
    second = abs(-x) + np.abs(x) + np.sinh(x / 3) + np.cosh(x / 3) + np.arctan2(x, 2.0) + np.sign(x)
    return [first, second + np.square(x) + np.floor(10 * x) + x // 2 + x % 2 + (-x) ** 2 - +x + 2**x]


def extremes(u, p, t):
    return [np.maximum(u[0], u[1]), np.minimum(u[0], 0.25 * u[1])]


def reductions(u, p, t):
    return [u.sum(), np.prod(u) + np.mean(u) + u @ u]


def single(u, p, t):
    return -p[0] * u[0]


TRACEABLE = [
    (lotka, 2, 4),
    (spiral, 2, 0),
    (forced, 2, 1),
    (in_place, 2, 1),
    (sliced, 4, 0),
    (dotted, 2, 1),
    (functions, 2, 0),
    (extremes, 2, 0),
    (reductions, 2, 0),
    (single, 1, 1),
]


@pytest.mark.parametrize(
    ("function", "n", "m"), TRACEABLE, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_the_trace_computes_what_the_function_computes(function, n: int, m: int) -> None:
    definition = trace(function, n, m)
    assert definition.state_names == tuple(f"u{one + 1}" for one in range(n))
    assert definition.parameter_names == tuple(f"p{one + 1}" for one in range(m))
    generator = np.random.default_rng(7)
    for _ in range(20):
        u, p, t = generator.uniform(-2, 2, n), generator.uniform(-2, 2, m), generator.uniform(0, 5)
        values = dict(zip(definition.state_names + definition.parameter_names, [*u, *p], strict=True)) | {
            "t": t
        }
        found = [evaluate(state.derivative, values) for state in definition.states]
        # The same operations in float64; numpy may add in another order and use its own libm.
        np.testing.assert_allclose(found, np.atleast_1d(function(u, p, t)), rtol=1e-13, atol=1e-13)


def branches(u, p, t):
    return [u[0] if u[0] > 0 else 0.0]


def converts(u, p, t):
    return [float(u[0])]


def uses_math(u, p, t):
    return [math.exp(u[0])]


def takes_minimum(u, p, t):
    return [min(u[0], 1.0)]


def takes_maximum(u, p, t):
    return [max(u[0], 1.0)]


def fills_floats(u, p, t):
    du = np.zeros(1)
    du[0] = u[0]
    return du


def compares(u, p, t):
    return [1.0 if u[0] == 0 else 2.0]


def indexes(u, p, t):
    return [[1.0, 2.0][u[0]]]


def draws(u, p, t):
    return [u[0] * random.random()]


def returns_too_many(u, p, t):
    return [u[0], u[0]]


def returns_nothing(u, p, t):
    return None


def returns_a_matrix(u, p, t):
    return np.array([[u[0]]])


def interpolates(u, p, t):
    return [np.interp(u[0], [0.0, 1.0], [0.0, 1.0])]


def complex_values(u, p, t):
    return [u[0] * 1j]


def infinite(u, p, t):
    return [u[0] * np.inf]


REFUSED = [
    branches,
    converts,
    uses_math,
    takes_minimum,
    takes_maximum,
    fills_floats,
    compares,
    indexes,
    draws,
    returns_too_many,
    returns_nothing,
    returns_a_matrix,
    interpolates,
    complex_values,
    infinite,
]


@pytest.mark.parametrize("function", REFUSED, ids=lambda one: one.__name__)
def test_what_no_expression_can_say_is_refused(function) -> None:
    with pytest.raises(TraceError):
        trace(function, 1, 0)


def test_interruptions_are_not_swallowed() -> None:
    def interrupted(u, p, t):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trace(interrupted, 1, 0)


def test_shared_values_stay_shared() -> None:
    def doubling(u, p, t):
        x = u[0]
        for _ in range(500):
            x = x * x - x
        return [x]

    # As a tree this has 2^500 operations.
    model = Model(trace(doubling, 1, 0))
    assert model == model and hash(model) == hash(Model(trace(doubling, 1, 0)))
    assert model.sparsity().all()


def test_values_of_parameters_are_expressions_in_their_names() -> None:
    initial = trace_values(lambda p: [p[1], p[3]], ["a", "b", "d", "g"])
    assert [one.id for one in initial] == ["b", "g"]
    start, end = trace_values(lambda p: (0, 10 * p[3]), ["a", "b", "d", "g"])
    assert evaluate(start, {}) == 0
    assert evaluate(end, {"g": 2.0}) == 20
    with pytest.raises(TraceError):
        trace_values(lambda p: [p[0] if p[0] > 0 else 1], ["a"])


def test_values_may_be_an_array_or_a_single_number() -> None:
    values: tuple[Expr, ...] = trace_values(lambda p: 2 * p, ["a", "b"])
    assert [evaluate(one, {"a": 1.0, "b": -3.0}) for one in values] == [2.0, -6.0]
    assert len(trace_values(lambda p: p[0], ["a"])) == 1
