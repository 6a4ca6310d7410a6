"""Generated complex kernels solve (alpha + i beta) x - J x = b as numpy does."""

from __future__ import annotations

import numpy as np
import pytest

from symde.codegen.call import call
from symde.codegen.complex_lu import complex_lu_kernels
from symde.codegen.llvm import ir_module
from symde.codegen.lu import plan_lu
from symde.native import load_ir


def solved(jacobian, shift, right):
    """The solution by the kernels of a plan for the matrix's own pattern."""
    n = len(jacobian)
    rows = [np.flatnonzero(row) for row in jacobian]
    indptr = np.cumsum([0, *map(len, rows)]).tolist()
    plan = plan_lu(indptr, np.concatenate(rows).astype(int).tolist())
    assert plan is not None
    kernels = complex_lu_kernels(plan)
    library = load_ir(ir_module(kernels))
    entries = jacobian[jacobian != 0]
    _, (lu,) = call(
        library.address("lu_complex_factor"), 0.0, [entries, [shift.real, shift.imag]], [2 * plan.length]
    )
    _, (x, y) = call(library.address("lu_complex_solve"), 0.0, [lu, right.real, right.imag], [n, n])
    return x + 1j * y


@pytest.mark.parametrize("n, density", [(1, 1.0), (2, 1.0), (5, 1.0), (12, 0.25), (30, 0.1)])
def test_solutions_are_those_of_partial_pivoting(n, density):
    generator = np.random.default_rng(n)
    jacobian = generator.normal(size=(n, n)) * (generator.random((n, n)) < density)
    np.fill_diagonal(jacobian, -1 - generator.random(n))
    right = generator.normal(size=n) + 1j * generator.normal(size=n)
    shift = 3.0 + 4.0j
    expected = np.linalg.solve(shift * np.eye(n) - jacobian, right)
    # condition numbers are below 1e3
    np.testing.assert_allclose(solved(jacobian, shift, right), expected, rtol=1e-11)


def test_a_pivot_whose_real_part_vanishes_is_none_to_fear():
    jacobian = np.array([[2.0, 1.0], [1.0, 2.0]])
    right = np.array([1.0 + 2.0j, -1.0j])
    expected = np.linalg.solve((2.0 + 1.0j) * np.eye(2) - jacobian, right)
    np.testing.assert_allclose(solved(jacobian, 2.0 + 1.0j, right), expected, rtol=1e-14)
