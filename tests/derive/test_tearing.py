"""Loops of algebraic equations: what their equations give is taken out, and the solution stays what it is."""

from __future__ import annotations

import numpy as np
import pytest

import symde
from symde.derive.reduction import solvable

BRANCHES = """
model Branches
  param V = 10, f = 50, Is = 1e-14, UT = 0.026, G = 1e-9, C = 1e-4, R = 1000, Rs = 1
  state vc = 0
  state i1 = 0, i2 = 0, i3 = 0, i4 = 0, v1 = 0, v2 = 0, i = 0
  time 0 .. 0.02
  diode(v) = Is*(exp(v/UT) - 1) + G*v
  0 = i1 - diode(v1 - vc)
  0 = i2 - diode(v2 - vc)
  0 = i3 - diode(-v1)
  0 = i4 - diode(-v2)
  0 = i - i1 + i3
  0 = -i - i2 + i4
  0 = V*sin(2*pi*f*t) - (v1 - v2) - Rs*i
  C*vc' = i1 + i2 - vc/R
end
"""
NODES = """
model Nodes
  param V = 10, f = 50, Is = 1e-14, UT = 0.026, G = 1e-9, C = 1e-4, R = 1000, Rs = 1
  state vc = 0, v1 = 0, v2 = 0
  time 0 .. 0.02
  diode(v) = Is*(exp(v/UT) - 1) + G*v
  i = diode(v1 - vc) - diode(-v1)
  0 = -i - diode(v2 - vc) + diode(-v2)
  0 = V*sin(2*pi*f*t) - (v1 - v2) - Rs*i
  C*vc' = diode(v1 - vc) + diode(v2 - vc) - vc/R
end
"""


def test_branch_currents_of_a_circuit_are_taken_out():
    definition = solvable(symde.ode_def(BRANCHES).definition)
    assert definition.state_names == ("vc", "v1", "v2")
    assert {"i1", "i2", "i3", "i4", "i"} <= set(definition.observable_names)


@pytest.mark.parametrize("method", ["Rodas5P", "QNDF", "Radau"])
def test_what_is_left_is_what_one_would_have_written(method):
    options = {"rtol": 1e-7, "atol": 1e-8}
    torn = symde.solve(symde.Problem(symde.ode_def(BRANCHES)), method, **options)
    plain = symde.solve(symde.Problem(symde.ode_def(NODES)), method, **options)
    np.testing.assert_allclose(torn.u[-1], plain.u[-1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(torn["i"][-1], plain["i"][-1], atol=1e-6)
    residual = torn["i"] + torn["i2"] - torn["i4"]
    assert np.abs(residual).max() < 1e-6


def test_nothing_is_divided_by_parameters_and_nonlinear_equations_keep_their_variables():
    # a stands behind a parameter, b in a square: both stay; c = a + b goes
    text = "param k = 2\nstate x = 1, a = 1, b = 1, c = 2\ntime 0 .. 1\nx' = -x\n"
    text += "0 = k*a + b - x - c\n0 = b^2 + a - c\n0 = c - a - b"
    definition = solvable(symde.ode_def(text).definition)
    assert definition.state_names == ("x", "a", "b")


def test_random_linear_loops_have_the_solution_of_their_matrix():
    random = np.random.default_rng(5)
    for _ in range(20):
        n = int(random.integers(3, 8))
        matrix = np.where(random.random((n, n)) < 0.5, random.integers(-3, 4, (n, n)), 0.0)
        matrix += np.diag(np.where(np.diag(matrix) == 0, 5.0, 0.0))
        if abs(np.linalg.det(matrix)) < 1e-6:
            continue
        rows = [" + ".join(f"({a:g})*z{j}" for j, a in enumerate(row) if a) for row in matrix]
        states = ", ".join(f"z{j} = 0" for j in range(n))
        text = f"state x = 1, {states}\ntime 0 .. 1\nx' = -x\n"
        text += "\n".join(f"0 = {row} - {i + 1}*x" for i, row in enumerate(rows))
        solution = symde.solve(symde.Problem(symde.ode_def(text)), rtol=1e-8, atol=1e-10)
        expected = np.linalg.solve(matrix, np.arange(1, n + 1)) * solution["x"][-1]
        np.testing.assert_allclose([solution[f"z{j}"][-1] for j in range(n)], expected, rtol=1e-9, atol=1e-9)


def ring(n):
    """Each unknown stands with 1 in its own equation, so that the matrix is dominated by its diagonal."""
    matrix = np.eye(n) - 0.3 * (np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1))
    rows = [f"0 = z{i} - 0.3*z{(i - 1) % n} - 0.3*z{(i + 1) % n} - {1 + i % 3}*x" for i in range(n)]
    return "", rows, matrix, 1.0 + np.arange(n) % 3


def ladder(n):
    """Currents z1, z3, ... along resistances, and voltages z0, z2, ... of conductances to the ground."""
    matrix, right = np.eye(2 * n), np.zeros(2 * n)
    right[0], rows = 1.0, []
    for i in range(0, 2 * n, 2):
        matrix[i, i + 1], matrix[i + 1, i] = 1e4, -1e-3
        rows += [f"0 = z{i} + R*z{i + 1} - {f'z{i - 2}' if i else 'x'}", f"0 = z{i + 1} - G*z{i}"]
        if i:
            matrix[i, i - 2] = -1.0
        if i + 2 < 2 * n:
            matrix[i + 1, i + 3] = -1.0
            rows[-1] += f" - z{i + 3}"
    return "param R = 1e4, G = 1e-3\n", rows, matrix, right


@pytest.mark.parametrize("loop", [ring(40), ladder(15)])
def test_errors_do_not_grow_along_long_loops(loop):
    # one or two torn variables would be enough, but errors of theirs grow by 3^40 and 10^15 along the loop
    parameters, rows, matrix, right = loop
    states = ", ".join(f"z{j} = 0" for j in range(len(rows)))
    text = f"{parameters}state x = 1, {states}\ntime 0 .. 1\nx' = -x\n" + "\n".join(rows)
    problem = symde.Problem(symde.ode_def(text))
    assert len(problem.system.state_names) < 1 + len(rows) * 2 / 3
    solution = symde.solve(problem, "Rodas5P", rtol=1e-8, atol=1e-10, saveat=[1.0])
    expected = np.linalg.solve(matrix, right) * solution["x"][-1]
    found = [solution[f"z{j}"][-1] for j in range(len(rows))]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
