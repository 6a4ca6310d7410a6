"""Coefficients meet the conditions of all rooted trees up to the orders claimed, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from symde.engine.methods import registry

from .trees import density, order, stage_weights, trees

METHODS = [method for method in registry.methods() if method.family in ("explicit", "rosenbrock", "esdirk")]
ADAPTIVE = [method for method in METHODS if method.adaptive]
TOLERANCE = 2e-11
"""Coefficients reach 50 in a and 1.2e3 in interpolants: a's rounding (4e-15) is seen times the latter."""


def stages_of(method):
    """alpha, beta = alpha + gamma and the map from stages to values of f, all stages included."""
    if method.family == "rosenbrock":
        gammas = method.gamma_matrix()
        alpha = method.a @ gammas
        return alpha, alpha + gammas, gammas
    if method.family == "esdirk":
        return method.a, method.a, np.eye(method.stages)
    every = len(method.b) + len(method.extra_c)
    a = np.zeros((every, every))
    a[: len(method.b), : len(method.b)] = method.a
    a[len(method.b) :] = method.extra_a
    return a, a, np.eye(every)


def padded(method, weights):
    """Weights of the step's own stages, with zeros for the extra ones of the continuous solution."""
    return np.append(weights, np.zeros(len(stages_of(method)[0]) - len(weights)))


def solution_weights(method):
    return padded(method, method.m if method.family == "rosenbrock" else method.b)


def embedded_weights(method):
    return solution_weights(method) - padded(method, method.error)


def defects(method, weights, vertices):
    """What is missing in each condition of that order."""
    alpha, beta, gammas = stages_of(method)
    b = weights @ gammas
    return np.array([b @ stage_weights(tree, alpha, beta) - 1 / density(tree) for tree in trees(vertices)])


def continuous_defects(method, vertices):
    """The same for b(theta): sum_i b_i(theta) Phi_i = theta^order / density, power by power."""
    alpha, beta, gammas = stages_of(method)
    b = method.interpolant.T @ gammas
    target = np.zeros(max(len(b), vertices))
    target[vertices - 1] = 1
    rows = []
    for tree in trees(vertices):
        found = np.zeros(len(target))
        found[: len(b)] = b @ stage_weights(tree, alpha, beta)
        rows.append(found - target / density(tree))
    return np.array(rows)


def test_the_trees_are_counted_as_they_should():
    # numbers of rooted trees: Hairer, Norsett & Wanner I, II.2, table 2.1
    assert [len(trees(n)) for n in range(1, 9)] == [1, 1, 2, 4, 9, 20, 48, 115]
    assert all(order(tree) == n for n in range(1, 9) for tree in trees(n))


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


@named(METHODS)
def test_the_solution_has_its_order(method):
    for vertices in range(1, method.order + 1):
        assert np.abs(defects(method, solution_weights(method), vertices)).max() < TOLERANCE
    assert np.abs(defects(method, solution_weights(method), method.order + 1)).max() > 1e-7


@named(ADAPTIVE)
def test_the_embedded_solution_has_its_order(method):
    for vertices in range(1, method.embedded_order + 1):
        assert np.abs(defects(method, embedded_weights(method), vertices)).max() < TOLERANCE
    assert np.abs(defects(method, embedded_weights(method), method.embedded_order + 1)).max() > 1e-6


@named(METHODS)
def test_the_continuous_solution_has_its_order(method):
    for vertices in range(1, method.interpolant_order + 1):
        assert np.abs(continuous_defects(method, vertices)).max() < TOLERANCE
    assert np.abs(continuous_defects(method, method.interpolant_order + 1)).max() > 1e-6


def test_vern7_misses_order_7_between_the_steps_by_little():
    method = registry.get("Vern7")
    theta = np.linspace(0, 1, 101)
    missing = continuous_defects(method, 7) @ np.array([theta**power for power in range(1, 8)])
    # in 35-digit arithmetic the largest is 2.8e-7
    assert 2e-7 < np.abs(missing).max() < 3e-7
