"""Splitting and Nystrom methods meet the conditions of the orders they claim, and no more; figures that do
not
are refused."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from symde.engine.methods import registry
from symde.engine.methods.hermite import FirstOrder, SecondOrder
from symde.engine.methods.nystromtrees import divisor, order_of, trees
from symde.engine.methods.proofs import TableauError
from symde.engine.methods.splitting import vanishing, words

from .systems import GAUSS, NYSTROM, SPLITTING


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def defects(method, length):
    found = words(method.exact["b"], method.exact["a"], length)[length]
    expected = np.full(found.shape, Fraction(1, math.factorial(length)), dtype=object)
    return np.array(found - expected, dtype=float)


# digits of the published coefficients: McAte3 and 4 are printed with 16 and 18, the others with 25 or more
@named(SPLITTING)
def test_words_have_the_coefficients_of_the_exponential(method):
    digits = {"McAte3": 1e-15, "McAte4": 1e-16}.get(method.name, 1e-23)
    for length in range(1, method.order + 1):
        missing = defects(method, length)
        if method.nystrom and length == 4:
            missing = missing - missing[0, 0, 0, 1] * vanishing()
        assert np.abs(missing).max() < digits
    assert np.abs(defects(method, method.order + 1)).max() > 1e-7


def test_a_method_for_second_order_equations_is_of_lower_order_for_others():
    assert np.abs(defects(registry.get("McAte4"), 4)).max() == pytest.approx(5.3e-3, rel=0.01)


@named(SPLITTING)
def test_flows_last_one_step(method):
    assert float(sum(method.exact["a"])) == pytest.approx(1, abs=1e-15)
    assert float(sum(method.exact["b"])) == pytest.approx(1, abs=1e-15)


@named(SPLITTING)
def test_symmetry_is_as_claimed(method):
    # found from the numbers here, claimed in the method's file
    flows = [x for pair in zip(method.b, method.a, strict=True) for x in pair if x]
    assert method.symmetric == (len(flows) % 2 == 1 and np.allclose(flows, flows[::-1], atol=1e-15))
    with pytest.raises(TableauError, match="symmetric"):
        dataclasses.replace(method, symmetric=not method.symmetric)


@named(SPLITTING)
def test_every_flow_counts(method):
    for key in ("a", "b"):
        for place in np.flatnonzero(getattr(method, key)):
            wrong = getattr(method, key).copy()
            wrong[place] *= 1 + 1e-5
            with pytest.raises(TableauError, match=method.name):
                dataclasses.replace(method, **{key: wrong})


def test_special_nystrom_trees_are_counted_as_they_should():
    # Hairer, Norsett & Wanner I, II.14, table 14.3, last row: conditions of y' of each order
    assert [len(trees(order)) for order in range(1, 9)] == [1, 1, 2, 3, 6, 10, 20, 36]
    assert all(order_of(tree) == order for order in range(1, 9) for tree in trees(order))


# y'' = y from y = y' = 1 has one tree of each order, a chain, and all derivatives 1
def test_divisors_are_those_of_known_trees():
    chain = (0, ())
    for order in (1, 3, 5):
        assert divisor(chain) == math.factorial(order - 1) and order_of(chain) == order
        chain = (0, (chain,))


def stage_sums(method, highest):
    """Each tree with its product of stage sums, in exact arithmetic."""
    a, c = method.exact["a"], method.exact["c"]
    known: dict = {}
    for order in range(1, highest + 1):
        for tree in trees(order):
            leaves, branches = tree
            value = [one**leaves for one in c]
            for branch in branches:
                sums = [sum(x * y for x, y in zip(row, known[branch], strict=True) if x) for row in a]
                value = [x * y for x, y in zip(value, sums, strict=True)]
            known[tree] = value
    return known


def missing(weights, sums, highest, position):
    """The largest defect of each order."""
    worst = [0.0] * (highest + 1)
    for tree, value in sums.items():
        order = order_of(tree)
        target = Fraction(1, order * divisor(tree) * (order + 1 if position else 1))
        defect = sum(b * x for b, x in zip(weights, value, strict=True)) - target
        worst[order] = max(worst[order], abs(float(defect)))
    return worst[1:]


# DPRKN8 is rational; DPRKN6 has sqrt(8581) with 60 digits, DPRKN12 the fractions of the paper
@pytest.mark.parametrize("name", ["DPRKN6", "DPRKN8"])
def test_nystrom_pairs_meet_their_conditions_to_all_digits(name):
    method = registry.get(name)
    numbers = method.exact
    sums = stage_sums(method, method.order + 1)
    highest = method.order + 1
    for key, error in (("b", "error"), ("b_velocity", "error_velocity")):
        position = key == "b"
        lower = [x - y for x, y in zip(numbers[key], numbers[error], strict=True)]
        for weights, order in ((numbers[key], method.order), (lower, method.embedded_order)):
            worst = missing(weights, sums, highest, position)
            assert max(worst[: order - position]) < 1e-50
            assert worst[order - position] > 1e-7 or position


def test_dprkn12_is_of_order_12_and_no_more():
    from symde.engine.methods.nystromtrees import nystrom_conditions

    method = registry.get("DPRKN12")
    found = nystrom_conditions(13, method.a, method.c)
    target = 1 / (found.divisors * found.orders)
    wrong = np.abs(found.vectors @ method.b_velocity - target)
    # its weights reach 0.3 and its a_ij 100, so rounding is seen at 1e-14
    assert wrong[found.orders <= 12].max() < 1e-13
    assert wrong[found.orders == 13].max() > 1e-9


@named(NYSTROM)
def test_every_weight_of_a_nystrom_pair_counts(method):
    keys = ["a", "b", "b_velocity", "c", "error", "error_velocity"]
    keys += [] if method.interpolant is None else ["interpolant", "interpolant_velocity"]
    for key in keys:
        values = getattr(method, key)
        places = list(zip(*np.nonzero(values), strict=True))
        # each takes a proof of up to 0.1 s
        for place in places[:: max(1, len(places) // 4)]:
            wrong = values.copy()
            wrong[place] *= 1 + 1e-5
            with pytest.raises(TableauError, match=method.name):
                dataclasses.replace(method, **{key: wrong})


@named(GAUSS)
def test_every_weight_of_a_collocation_method_counts(method):
    for key in ("a", "b", "c"):
        for place in zip(*np.nonzero(getattr(method, key)), strict=True):
            wrong = getattr(method, key).copy()
            wrong[place] *= 1 + 1e-5
            with pytest.raises(TableauError, match=method.name):
                dataclasses.replace(method, **{key: wrong})


@named(GAUSS)
def test_extrapolation_is_exact_for_polynomials(method):
    for power in range(method.stages):
        expected = (1 + method.c) ** power
        np.testing.assert_allclose(method.extrapolation() @ method.c**power, expected, rtol=1e-13)


@pytest.mark.parametrize("order", [3, 4, 5, 6, 7])
def test_passes_of_first_derivatives_reproduce_polynomials(order):
    last = FirstOrder.of_order(order).passes[-1]
    nodes = np.array([0, 1, *map(float, last.nodes)])
    for power in range(1, order + 1):
        data = np.array([1, *(power * nodes ** (power - 1))])
        expected = np.arange(1, len(last.weights) + 1) == power
        np.testing.assert_allclose(
            last.weights @ data, expected, atol=1e-15 * np.abs(last.weights).max() * 20
        )


@pytest.mark.parametrize("order", [3, 5, 7, 9])
def test_passes_of_second_derivatives_reproduce_polynomials(order):
    last = SecondOrder.of_order(order).passes[-1]
    nodes = np.array([0, 1, *map(float, last.nodes)])
    for power in range(2, len(last.weights) + 1):
        second = power * (power - 1) * nodes ** (power - 2)
        data = np.array([1, 0, power, *second])
        expected = np.arange(1, len(last.weights) + 1) == power
        np.testing.assert_allclose(
            last.weights @ data, expected, atol=1e-14 * np.abs(last.weights).max() * 90
        )
