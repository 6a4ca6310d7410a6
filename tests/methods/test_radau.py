"""Radau IIA: collocation conditions to all digits, the transformation, stability, wrong digits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from symde.engine.methods import registry
from symde.engine.methods.proofs import TableauError
from symde.engine.methods.radau_iia import STAGES_3, Collocation

TABLES = registry.get("Radau").tables
DEFECT = Fraction(1, 10**30)
"""Nodes have 40 digits; products of T^-1 and T lose up to six."""


def named(function):
    return pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.stages} stages")(function)


@named
def test_the_weights_integrate_polynomials_of_degree_2s_minus_2(table):
    """B(2s - 1) holds and B(2s) does not: the order is 2s - 1 (Hairer & Wanner II, theorem IV.5.3)."""
    s, exact = table.stages, table.exact
    b, c = exact["a"][-1], exact["c"]
    defects = [
        abs(sum(w * x ** (k - 1) for w, x in zip(b, c, strict=True)) - Fraction(1, k))
        for k in range(1, 2 * s + 1)
    ]
    assert max(defects[:-1]) < DEFECT
    # the error constant of Radau quadrature is of size 16^-s
    assert defects[-1] > Fraction(1, 10 ** (2 * s))


@named
def test_stages_are_a_collocation_polynomial(table):
    s, exact = table.stages, table.exact
    for row, x in zip(exact["a"], exact["c"], strict=True):
        for k in range(1, s + 1):
            found = sum(a * y ** (k - 1) for a, y in zip(row, exact["c"], strict=True))
            assert abs(found - x**k / k) < DEFECT


@named
def test_the_transformation_takes_the_inverse_of_a_to_blocks(table):
    found = table.array("t_inverse") @ np.linalg.inv(table.array("a")) @ table.array("t")
    expected = np.zeros_like(found)
    expected[0, 0] = table.array("gamma")
    for k, (alpha, beta) in enumerate(zip(table.array("alpha"), table.array("beta"), strict=True)):
        expected[1 + 2 * k : 3 + 2 * k, 1 + 2 * k : 3 + 2 * k] = [[alpha, -beta], [beta, alpha]]
    # T^-1 reaches 300, A^-1 100, each with 1e-16
    np.testing.assert_allclose(found, expected, atol=1e-10)


@named
def test_the_method_is_stiffly_accurate_and_l_stable(table):
    assert table.array("c")[-1] == 1
    for y in (0.1, 1, 10, 100, 1e4):
        assert abs(table.stability_function(1j * y)) <= 1 + 1e-12
    assert abs(table.stability_function(-1e10)) < 1e-8


def test_the_three_stage_coefficients_are_the_published_ones():
    """Hairer & Wanner II, table IV.5.6."""
    root = np.sqrt(6)
    expected = [
        [(88 - 7 * root) / 360, (296 - 169 * root) / 1800, (-2 + 3 * root) / 225],
        [(296 + 169 * root) / 1800, (88 + 7 * root) / 360, (-2 - 3 * root) / 225],
        [(16 - root) / 36, (16 + root) / 36, 1 / 9],
    ]
    np.testing.assert_allclose(STAGES_3.array("a"), expected, rtol=1e-14)


@pytest.mark.parametrize("field", ["gamma", "alpha", "beta"])
def test_a_wrong_digit_is_found(field):
    with pytest.raises(TableauError, match="T\\^-1 A\\^-1 T"):
        replace(STAGES_3, **{field: getattr(STAGES_3, field).replace("4", "5", 1)})


def test_a_wrong_node_is_found():
    with pytest.raises(TableauError, match=r"B\(4\)"):
        Collocation(
            STAGES_3.nodes.replace("0.1550510257", "0.1550510258"),
            STAGES_3.gamma,
            STAGES_3.alpha,
            STAGES_3.beta,
        )
