"""Additive pairs: both halves and their mixtures meet the conditions, and a split step has its order."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from symde.engine.methods import registry
from symde.engine.methods.proofs import TableauError
from symde.engine.methods.trees import coupled_conditions

from .reference import REAL, Step, coefficients, right_hand_side, solution
from .trees import density, trees

HALVES = [method for method in registry.methods() if getattr(method, "additive", None) is not None]
TOLERANCE = 1e-13
"""Coefficients reach 15 and are rounded to 1e-16 of that."""


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def coloured_weights(tree, colours, parts):
    """The weight of a tree at each stage, its vertices but the root taking parts in turn from `colours`."""
    product = np.ones(len(parts[0]))
    for branch in tree:
        part = parts[next(colours)]
        product = product * (part @ coloured_weights(branch, colours, parts))
    return product


def coupled_defects(method, weights, vertices):
    """What is missing in each coupled condition of that order, for every way to colour every tree."""
    parts = method.a, method.explicit_a
    return np.array(
        [
            weights @ coloured_weights(tree, iter(colours), parts) - 1 / density(tree)
            for tree in trees(vertices)
            for colours in itertools.product((0, 1), repeat=vertices - 1)
        ]
    )


def test_the_kencarp_methods_are_halves_of_pairs():
    assert [method.name for method in HALVES] == [
        "KenCarp3",
        "KenCarp4",
        "KenCarp5",
        "KenCarp47",
        "KenCarp58",
    ]


@named(HALVES)
def test_the_solution_has_its_order_in_all_mixtures_and_no_more(method):
    for vertices in range(1, method.order + 1):
        assert np.abs(coupled_defects(method, method.b, vertices)).max() < TOLERANCE
    assert np.abs(coupled_defects(method, method.b, method.order + 1)).max() > 1e-7


@named(HALVES)
def test_the_embedded_solution_has_its_order_in_all_mixtures(method):
    for vertices in range(1, method.embedded_order + 1):
        assert np.abs(coupled_defects(method, method.embedded, vertices)).max() < TOLERANCE


@named(HALVES)
def test_the_continuous_solution_has_its_order_in_all_mixtures(method):
    parts = method.a, method.explicit_a
    for vertices in range(1, method.interpolant_order + 1):
        target = np.zeros(method.interpolant.shape[1])
        target[vertices - 1] = 1
        for tree in trees(vertices):
            for colours in itertools.product((0, 1), repeat=vertices - 1):
                found = coloured_weights(tree, iter(colours), parts) @ method.interpolant
                np.testing.assert_allclose(found, target / density(tree), atol=10 * TOLERANCE)


def test_coupled_conditions_are_one_for_each_way_to_colour_a_tree():
    # 1 tree of 1 vertex; of 2, 3 and 4 vertices 1, 2 and 4 trees with 2, 4 and 8 ways each
    found = coupled_conditions(4, [np.eye(3), np.eye(3)])
    assert [int((found.orders == order).sum()) for order in (1, 2, 3, 4)] == [1, 2, 8, 32]


@named(HALVES)
def test_every_figure_of_the_explicit_half_counts(method):
    for place in zip(*np.nonzero(method.explicit_a), strict=True):
        wrong = method.explicit_a.copy()
        wrong[place] *= 1 + 1e-5
        broken = dataclasses.replace(method, explicit_a=wrong)
        with pytest.raises(TableauError, match=f"IMEX{method.name}"):
            _ = broken.additive


@named(HALVES)
def test_a_pair_is_one_object_and_found_by_name(method):
    assert method.additive is method.additive
    assert registry.get(f"imex{method.name}") is registry.get(f"IMEX{method.name}") is method.additive


def test_methods_that_are_no_half_have_no_pair():
    with pytest.raises(
        ValueError, match="unknown method 'IMEXTRBDF2': TRBDF2 is no half of an additive pair"
    ):
        registry.get("IMEXTRBDF2")
    with pytest.raises(ValueError, match="unknown method 'IMEXnothing'"):
        registry.get("IMEXnothing")


PULL = 3
"""The stiff part of the test problem is a pull to the solution, the other part what is left; mild, so that
orders show at steps whose errors are above rounding."""


def split_step(method, t, u, h):
    """One step of the additive pair, written for reading, in extended precision."""
    a, explicit_a = coefficients(method, "a"), coefficients(method, "explicit_a")
    c, error = coefficients(method, "c"), coefficients(method, "error")
    gamma = a[-1, -1]

    def stiff(time, y):
        return -PULL * (y - solution(time))

    def other(time, y):
        return right_hand_side(time, y) - stiff(time, y)

    k, g = stiff(t, u)[None], other(t, u)[None]
    for i in range(1, len(c)):
        time = t + c[i] * h
        base = u + h * (a[i, :i] @ k + explicit_a[i, :i] @ g)
        y = (base + h * gamma * PULL * solution(time)) / (1 + h * gamma * PULL)
        k, g = np.vstack([k, stiff(time, y)]), np.vstack([g, other(time, y)])
    both = k + g
    return Step(u + h * (a[-1] @ both), h * (error @ both), method, h * both)


def slope(errors):
    return float(np.log2(errors[0] / errors[1]))


@named(HALVES)
def test_a_split_step_converges_with_its_order(method):
    errors = []
    for count in (64, 128):
        h, t, u, seen = REAL(2) / count, REAL(0), solution(REAL(0)), []
        for _ in range(count):
            u, t = split_step(method, t, u, h).u, t + h
            seen.append(np.abs(u - solution(t)).max())
        errors.append(np.mean(seen))
    assert slope(errors) == pytest.approx(method.order, abs=0.2)


@named(HALVES)
def test_dense_output_of_a_split_step_has_its_order(method):
    errors = []
    for h in (REAL(1) / 1024, REAL(1) / 2048):
        inside = []
        for t in (REAL(0.5), REAL(1), REAL(2)):
            taken = split_step(method, t, solution(t), h)
            inside += [
                taken.at(solution(t), theta) - solution(t + REAL(theta) * h) for theta in (0.3, 0.5, 0.8)
            ]
        errors.append(np.abs(inside).mean())
    assert slope(errors) == pytest.approx(method.interpolant_order + 1, abs=0.2)
