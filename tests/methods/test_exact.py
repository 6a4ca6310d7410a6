"""Coefficients keep the digits they were published with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from symde.engine.methods import registry
from symde.engine.methods.exact import dense_from_differences, exact_row, square_root
from symde.engine.methods.method import Method

from .trees import density, stage_weights, trees

METHODS = [method for method in registry.methods() if method.family != "radau"]  # see test_radau.py


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.name)


def precise(values: Any) -> np.ndarray:
    """Fractions as numbers of mpmath, in an object array."""
    return np.vectorize(lambda q: mpmath.mpf(q.numerator) / q.denominator, otypes=[object])(
        np.array(values, dtype=object)
    )


@named(METHODS)
def test_arrays_are_the_exact_numbers_rounded(method):
    for key, values in method.exact.items():
        if values is None:
            assert getattr(method, key) is None
            continue
        rounded = np.vectorize(float, otypes=[float])(np.array(values, dtype=object))
        np.testing.assert_array_equal(
            getattr(method, key).ravel() if rounded.size == 0 else getattr(method, key),
            rounded.ravel() if rounded.size == 0 else rounded,
        )


# BS3, DP5 and RK4 are rational; 40 digits are printed of Vern7 and 44 kept of Tsit5
@pytest.mark.parametrize(
    "name, digits", [("Euler", 70), ("RK4", 70), ("BS3", 70), ("DP5", 70), ("Tsit5", 40), ("Vern7", 70)]
)
def test_solutions_meet_their_conditions_to_all_published_digits(name, digits):
    method = registry.get(name)
    with mpmath.workdps(80):
        a, b = precise(method.exact["a"]), precise(method.exact["b"])
        weights = [b] if method.error is None else [b, b - precise(method.exact["error"])]
        orders = [method.order, method.embedded_order]
        for one, order in zip(weights, orders, strict=False):
            for vertices in range(1, order + 1):
                for tree in trees(vertices):
                    defect = one @ stage_weights(tree, a, a) - mpmath.mpf(1) / density(tree)
                    assert abs(defect) < mpmath.mpf(10) ** -digits


def test_the_interpolant_of_vern7_meets_its_conditions_to_all_published_digits():
    method = registry.get("Vern7")
    every = len(method.b) + len(method.extra_c)
    with mpmath.workdps(50):
        a = np.array([[mpmath.mpf(0)] * every] * every, dtype=object)
        a[: method.stages, : method.stages] = precise(method.exact["a"])
        a[method.stages :] = precise(method.exact["extra_a"])
        B = precise(method.exact["interpolant"])
        for vertices in range(1, method.interpolant_order + 1):
            target = [mpmath.mpf(m + 1 == vertices) for m in range(B.shape[1])]
            for tree in trees(vertices):
                defects = stage_weights(tree, a, a) @ B - np.array(target, dtype=object) / density(tree)
                # 40 digits of coefficients up to 1.2e3
                assert max(map(abs, defects)) < 1e-35


def test_rows_of_text_are_read_without_rounding():
    assert exact_row("1/3 -0.1 2e-3", 4) == (Fraction(1, 3), Fraction(-1, 10), Fraction(1, 500), 0)


def test_square_roots_have_the_digits_asked_for():
    assert abs(square_root(2, 50) ** 2 - 2) < Fraction(1, 10**49)


def test_differences_become_powers():
    # (1 - x) u0 + x (u1 + (1 - x) (D1 + x D2)) - u0 = x (u1 - u0 + D1) + x^2 (D2 - D1) - x^3 D2
    (row,) = dense_from_differences("5", ("7", "11"))
    assert row == (5 + 7, 11 - 7, -11)


@named(METHODS)
def test_every_method_shows_the_common_face(method):
    assert isinstance(method, Method)
    assert registry.get(method) is method


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match="expected a name such as 'Rodas5P' or a method object, found int"):
        registry.get(5)  # type: ignore[arg-type]


# R(iy) of orders 1, 2 and 4k+1, 4k+2 leaves the unit disc at once; Hairer & Wanner II, IV.2 and exercise 3
@pytest.mark.parametrize("name, length", [("Euler", 0.0), ("BS3", 3**0.5), ("RK4", 8**0.5)])
def test_known_intervals_of_the_imaginary_axis(name, length):
    assert registry.get(name).imaginary_stability == pytest.approx(length, abs=1e-12)
