"""The generated factorisation solves what numpy solves, and says so where it does not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from symde.codegen.call import call
from symde.codegen.llvm import ir_module
from symde.codegen.lu import StaticLU, plan_lu
from symde.codegen.lu_kernels import lu_kernels
from symde.codegen.matching import cheapest_matching
from symde.native import Library, load_ir


class Solver:
    """The compiled kernels of a plan, called from Python."""

    def __init__(self, plan: StaticLU) -> None:
        self.plan = plan
        self.library: Library = load_ir(ir_module(lu_kernels(plan)))

    def factor(self, jacobian, shift):
        code, (lu,) = call(self.library.address("lu_factor"), 0.0, [jacobian, [shift]], [self.plan.length])
        assert code == 0
        return lu

    def solve(self, name, jacobian, shift, lu, rhs):
        code, (x,) = call(self.library.address(name), 0.0, [jacobian, [shift], lu, rhs], [self.plan.n])
        return code, x

    def residual(self, jacobian, shift, x, rhs):
        return call(self.library.address("lu_residual"), 0.0, [jacobian, [shift], x, rhs], [self.plan.n])[1][
            0
        ]


def pattern_of(mask: np.ndarray) -> tuple[list[int], list[int]]:
    indptr = [0, *np.cumsum(mask.sum(axis=1)).tolist()]
    return indptr, np.nonzero(mask)[1].tolist()


def matrix(plan: StaticLU, jacobian: np.ndarray, shift: float) -> np.ndarray:
    rows = np.repeat(np.arange(plan.n), np.diff(plan.indptr))
    w = np.diag(np.where(plan.shifted, shift, 0.0))
    w[rows, list(plan.indices)] -= jacobian
    return w


def random_pattern(rng: np.random.Generator, n: int, per_row: float) -> np.ndarray:
    return rng.random((n, n)) < per_row / n


@pytest.mark.parametrize("n, per_row", [(1, 1), (2, 1), (3, 3), (8, 3), (20, 4), (60, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_random_matrices_are_solved(n, per_row, seed):
    rng = np.random.default_rng([seed, n])
    indptr, indices = pattern_of(random_pattern(rng, n, per_row))
    plan = plan_lu(indptr, indices)
    solver = Solver(plan)
    jacobian, rhs = rng.standard_normal(len(indices)), rng.standard_normal(n)
    shift = 3.0 * per_row  # dominates: this is a test of the arithmetic, not of the order of pivots
    w = matrix(plan, jacobian, shift)
    lu = solver.factor(jacobian, shift)
    for name, reference in [("lu_solve", w), ("lu_substitute", w), ("lu_solve_transposed", w.T)]:
        code, x = solver.solve(name, jacobian, shift, lu, rhs)
        assert code == 0
        np.testing.assert_allclose(x, np.linalg.solve(reference, rhs), rtol=1e-12, atol=1e-14)
    given = rng.standard_normal(n)
    found = solver.residual(jacobian, shift, given, rhs)
    np.testing.assert_allclose(found, rhs - w @ given, rtol=0, atol=1e-13 * shift)


def test_factors_multiply_to_the_permuted_matrix():
    rng = np.random.default_rng(5)
    indptr, indices = pattern_of(random_pattern(rng, 12, 3))
    plan = plan_lu(indptr, indices)
    jacobian = rng.standard_normal(len(indices))
    lu = Solver(plan).factor(jacobian, 8.0)
    lower, upper = np.eye(12), np.diag(1.0 / lu[list(plan.diagonal)])
    for k in range(12):
        for m, slot in plan.lower[k].items():
            lower[k, m] = lu[slot]
        for m, slot in plan.upper[k].items():
            upper[k, m] = lu[slot]
    permuted = matrix(plan, jacobian, 8.0)[np.ix_(plan.rows, plan.columns)]
    np.testing.assert_allclose(lower @ upper, permuted, atol=1e-13)


def test_the_count_is_the_number_of_multiply_subtracts_of_a_dense_matrix():
    n = 6
    plan = plan_lu(*pattern_of(np.ones((n, n), dtype=bool)))
    assert plan.operations == sum(k * k for k in range(n))
    assert plan.length == n * n


def test_an_arrow_does_not_fill_in():
    # Eliminating the full row and column first would fill the whole matrix.
    n = 50
    mask = np.eye(n, dtype=bool)
    mask[0, :] = mask[:, 0] = True
    plan = plan_lu(*pattern_of(mask))
    assert plan.length == 3 * n - 2
    assert plan.operations == n - 1


def test_a_band_costs_its_width_only():
    n = 200
    mask = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1
    assert plan_lu(*pattern_of(mask)).operations == n - 1


def test_a_tiny_pivot_is_found_out():
    # W = [[1e-20, -1], [-1, 1e-20 + 1e-20]]: without exchange of rows the second equation is lost.
    plan = plan_lu([0, 1, 2], [1, 0])
    solver = Solver(plan)
    jacobian, shift, rhs = [1.0, 1.0], 1e-20, [1.0, 2.0]
    code, x = solver.solve("lu_solve", jacobian, shift, solver.factor(jacobian, shift), rhs)
    assert code == 1
    assert not np.allclose(matrix(plan, np.array(jacobian), shift) @ x, rhs)


@pytest.mark.parametrize("name", ["lu_solve", "lu_solve_transposed"])
@pytest.mark.parametrize("bad", [0.0, np.inf, np.nan])
def test_what_is_not_finite_is_refused(name, bad):
    plan = plan_lu([0, 2, 4], [0, 1, 0, 1])
    solver = Solver(plan)
    jacobian = [1.0, bad, bad, 1.0]
    shift = 1.0 if bad == 0.0 else 3.0  # a singular matrix where the bad value is 0
    assert solver.solve(name, jacobian, shift, solver.factor(jacobian, shift), [1.0, 1.0])[0] == 1


@pytest.mark.parametrize("name", ["lu_solve", "lu_solve_transposed"])
def test_a_wrong_factorisation_is_refused(name):
    rng = np.random.default_rng(2)
    plan = plan_lu(*pattern_of(random_pattern(rng, 10, 3)))
    solver = Solver(plan)
    jacobian, rhs = rng.standard_normal(len(plan.indices)), rng.standard_normal(10)
    lu = solver.factor(jacobian, 9.0)
    assert solver.solve(name, jacobian, 9.0, lu, rhs)[0] == 0
    for slot in plan.diagonal:
        wrong = lu.copy()
        wrong[slot] *= 1 + 1e-6
        assert solver.solve(name, jacobian, 9.0, wrong, rhs)[0] == 1


def test_an_exact_zero_is_accepted():
    plan = plan_lu([0, 1, 2], [0, 1])
    solver = Solver(plan)
    code, x = solver.solve("lu_solve", [-1.0, -1.0], 1.0, solver.factor([-1.0, -1.0], 1.0), [0.0, 0.0])
    assert code == 0
    assert x.tolist() == [0.0, 0.0]


def test_rows_without_shift_and_diagonal_are_matched():
    # Rows 2 and 3 are algebraic, 0 = u0 - u3 and 0 = u2 + u1: their diagonals are empty.
    indptr, indices = [0, 2, 4, 6, 8], [0, 2, 1, 3, 0, 3, 1, 2]
    plan = plan_lu(indptr, indices, shifted=[True, True, False, False])
    solver = Solver(plan)
    rng = np.random.default_rng(4)
    jacobian, rhs = rng.standard_normal(8), rng.standard_normal(4)
    w = matrix(plan, jacobian, 2.0)
    lu = solver.factor(jacobian, 2.0)
    for name, reference in [("lu_solve", w), ("lu_solve_transposed", w.T)]:
        code, x = solver.solve(name, jacobian, 2.0, lu, rhs)
        assert code == 0
        np.testing.assert_allclose(x, np.linalg.solve(reference, rhs), rtol=1e-11)


def test_sampled_values_keep_vanishing_entries_from_being_pivots():
    # A permutation matrix plus entries that are there by structure and zero by value.
    n = 6
    order = np.random.default_rng(8).permutation(n)
    values = np.zeros((n, n))
    values[np.arange(n), order] = -1.0 - np.arange(n)
    indptr, indices = pattern_of(np.ones((n, n), dtype=bool))
    plan = plan_lu(indptr, indices, shifted=[False] * n, sample=values.ravel())
    assert dict(zip(plan.rows, plan.columns, strict=True)) == dict(enumerate(order.tolist()))
    solver = Solver(plan)
    code, x = solver.solve(
        "lu_solve", values.ravel(), 0.0, solver.factor(values.ravel(), 0.0), np.arange(1.0, n + 1)
    )
    assert code == 0
    np.testing.assert_allclose(x, np.linalg.solve(-values, np.arange(1.0, n + 1)))


def test_a_structurally_singular_matrix_has_no_plan():
    # Two rows that read the same single column.
    assert plan_lu([0, 1, 2], [0, 0], shifted=[False, False]) is None


def test_a_pivot_with_an_entry_of_its_own_goes_before_a_bare_shift():
    # x' = v, v' = -x - v: the pivot shift + 1 first, else a small shift divides everything.
    plan = plan_lu([0, 1, 3], [1, 0, 1])
    assert plan.columns == (1, 0)


def test_too_much_work_has_no_plan():
    assert plan_lu(*pattern_of(np.ones((40, 40), dtype=bool))) is None
    assert plan_lu(*pattern_of(np.ones((10, 10), dtype=bool)), limit=284) is None
    assert plan_lu(*pattern_of(np.ones((10, 10), dtype=bool)), limit=285).operations == 285


def test_a_large_random_pattern_is_given_up_early():
    rng = np.random.default_rng(0)
    n = 3000
    indices = [sorted(rng.choice(n, 5, replace=False).tolist()) for _ in range(n)]
    assert plan_lu(list(range(0, 5 * n + 1, 5)), [j for row in indices for j in row]) is None


def test_the_matching_is_the_cheapest_of_all():
    rng = np.random.default_rng(11)
    for _ in range(50):
        n = 5
        costs = [
            {j: float(c) for j, c in enumerate(rng.integers(0, 9, n)) if rng.random() < 0.7} for _ in range(n)
        ]
        totals = [
            sum(costs[row][column] for column, row in enumerate(rows))
            for rows in itertools.permutations(range(n))
            if all(column in costs[row] for column, row in enumerate(rows))
        ]
        found = cheapest_matching(costs)
        if not totals:
            assert found is None
        else:
            assert sorted(found) == list(range(n))
            assert sum(costs[row][column] for column, row in enumerate(found)) == min(totals)
