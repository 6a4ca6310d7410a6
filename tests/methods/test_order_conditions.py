"""Coefficients meet the conditions of all rooted trees up to the orders claimed, and no further."""

from __future__ import annotations

import numpy as np
import pytest

from symde.engine.methods import registry

from .tableaus import METHODS
from .trees import density, order, stage_weights, trees

ADAPTIVE = [method for method in METHODS if method.adaptive]
TOLERANCE = 1e-13
"""Rounding, relative to the sum of the terms' magnitudes: they reach 1e4, and 1e8 in interpolants."""


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


def embedded_order(method):
    """The order of the embedded solution; where there are two, of the finer one."""
    return method.error_order if method.family == "explicit_two_estimates" else method.embedded_order


def defects(method, weights, vertices):
    """What is missing in each condition of that order."""
    alpha, beta, gammas = stages_of(method)
    b = weights @ gammas
    return np.array([b @ stage_weights(tree, alpha, beta) - 1 / density(tree) for tree in trees(vertices)])


def magnitudes(method, weights, vertices):
    """The sum of the terms' magnitudes in each condition, at least 1."""
    alpha, beta, gammas = map(np.abs, stages_of(method))
    b = np.abs(weights) @ gammas
    return np.maximum([b @ stage_weights(tree, alpha, beta) for tree in trees(vertices)], 1)


def relative_defects(method, weights, vertices):
    return np.abs(defects(method, weights, vertices)) / magnitudes(method, weights, vertices)


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
        assert relative_defects(method, solution_weights(method), vertices).max() < TOLERANCE
    assert np.abs(defects(method, solution_weights(method), method.order + 1)).max() > 1e-7


@named(ADAPTIVE)
def test_the_embedded_solution_has_its_order(method):
    order = embedded_order(method)
    for vertices in range(1, order + 1):
        assert relative_defects(method, embedded_weights(method), vertices).max() < TOLERANCE
    assert np.abs(defects(method, embedded_weights(method), order + 1)).max() > 1e-6


@named([method for method in METHODS if method.family == "explicit_two_estimates"])
def test_the_coarse_embedded_solution_has_its_order(method):
    coarse = solution_weights(method) - padded(method, method.coarse_error)
    for vertices in range(1, method.coarse_order + 1):
        assert relative_defects(method, coarse, vertices).max() < TOLERANCE
    assert np.abs(defects(method, coarse, method.coarse_order + 1)).max() > 1e-6


@named(METHODS)
def test_the_continuous_solution_has_its_order(method):
    for vertices in range(1, method.interpolant_order + 1):
        size = magnitudes(method, np.abs(method.interpolant).sum(axis=1), vertices)
        assert (np.abs(continuous_defects(method, vertices)).max(axis=1) / size).max() < TOLERANCE
    assert np.abs(continuous_defects(method, method.interpolant_order + 1)).max() > 1e-6


def test_vern7_misses_order_7_between_the_steps_by_little():
    method = registry.get("Vern7")
    theta = np.linspace(0, 1, 101)
    missing = continuous_defects(method, 7) @ np.array([theta**power for power in range(1, 8)])
    # in 35-digit arithmetic the largest is 2.8e-7
    assert 2e-7 < np.abs(missing).max() < 3e-7
