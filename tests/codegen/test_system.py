"""A model's kernels and its start: compiled values are the equations', defaults follow what they read."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from symde.codegen.call import call
from symde.codegen.kernel import INPUTS
from symde.codegen.starts import evaluate_initial, evaluate_parameters, evaluate_tspan, model_start
from symde.codegen.system import ModelKernels
from symde.language.syntax import Power

from .models import Call, add, definition, div, mul, n, robertson, v

U, P = np.array([0.9, 1e-5, 0.1]), np.array([0.04, 3e7, 1e4])
K1, K2, K3 = P
# By hand from Robertson's equations.
F = [-K1 * U[0] + K3 * U[1] * U[2], K1 * U[0] - K2 * U[1] ** 2 - K3 * U[1] * U[2], K2 * U[1] ** 2]
JACOBIAN = np.array(
    [[-K1, K3 * U[2], K3 * U[1]], [K1, -2 * K2 * U[1] - K3 * U[2], -K3 * U[1]], [0.0, 2 * K2 * U[1], 0.0]]
)


def inputs(**vectors) -> list[np.ndarray]:
    return [np.asarray(vectors.get(name, ()), dtype=float) for name in INPUTS]


def dense(pattern, entries) -> np.ndarray:
    indptr, indices = pattern
    matrix = np.zeros((len(indptr) - 1,) * 2)
    matrix[np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), indices] = entries
    return matrix


def test_right_hand_side_and_jacobian_are_robertson_s():
    kernels = ModelKernels(robertson())
    assert (kernels.n, kernels.m) == (3, 3)
    code, (f,) = call(kernels.address("rhs"), 0.0, inputs(u=U, p=P), [3])
    assert code == 0
    np.testing.assert_allclose(f, F, rtol=1e-14)
    nnz = len(kernels.pattern[1])
    assert nnz == 7
    code, (f, entries, gradient) = call(kernels.address("rhs_jacobian"), 0.0, inputs(u=U, p=P), [3, nnz, 3])
    assert code == 0
    np.testing.assert_allclose(f, F, rtol=1e-14)
    np.testing.assert_allclose(dense(kernels.pattern, entries), JACOBIAN, rtol=1e-14)
    assert gradient.tolist() == [0.0, 0.0, 0.0]


def test_the_jacobian_times_a_direction_is_their_product():
    direction = [0.3, -1.5, 2.0]
    address = ModelKernels(robertson()).address("jacobian_vector")
    _, (product,) = call(address, 0.0, inputs(u=U, p=P, direction=direction), [3])
    np.testing.assert_allclose(product, JACOBIAN @ direction, rtol=1e-13)


def test_observables_come_in_their_order():
    _, (found,) = call(ModelKernels(robertson()).address("observables"), 0.0, inputs(u=U, p=P), [2])
    np.testing.assert_allclose(found, [U.sum(), K1 * U[0]], rtol=1e-15)


def test_the_factorisation_solves_the_model_s_own_system():
    kernels = ModelKernels(robertson())
    indptr, indices = kernels.pattern
    entries = JACOBIAN[np.repeat(np.arange(3), np.diff(indptr)), indices]
    shift, rhs = [50.0], [1.0, 2.0, 3.0]
    _, (lu,) = call(kernels.address("lu_factor"), 0.0, [entries, shift], [kernels.lu_length])
    expected = np.linalg.solve(50.0 * np.eye(3) - JACOBIAN, rhs)
    for name in ("lu_solve", "lu_substitute"):
        code, (x,) = call(kernels.address(name), 0.0, [entries, shift, lu, rhs], [3])
        assert code == 0
        np.testing.assert_allclose(x, expected, rtol=1e-12)
    code, (x,) = call(kernels.address("lu_solve_transposed"), 0.0, [entries, shift, lu, rhs], [3])
    np.testing.assert_allclose(x, np.linalg.solve(50.0 * np.eye(3) - JACOBIAN.T, rhs), rtol=1e-12)
    _, (r,) = call(kernels.address("lu_residual"), 0.0, [entries, shift, expected, rhs], [3])
    np.testing.assert_allclose(r, 0.0, atol=1e-12)


def test_time_derivatives_reach_the_gradient():
    kernels = ModelKernels(definition({"x": mul(v("x"), Call("sin", (v("t"),)))}))
    _, (_, _, gradient) = call(kernels.address("rhs_jacobian"), 0.5, inputs(u=[2.0]), [1, 1, 1])
    assert gradient[0] == pytest.approx(2.0 * np.cos(0.5), rel=1e-15)


def test_a_model_too_dense_for_generated_code_has_none():
    names = [f"x{i}" for i in range(40)]
    total = mul(*map(v, names))
    kernels = ModelKernels(definition(dict.fromkeys(names, total)))
    assert kernels.lu_length == 0
    assert kernels.address("rhs_jacobian")
    with pytest.raises(KeyError, match="lu_factor"):
        kernels.address("lu_factor")


def test_threads_that_ask_at_once_get_the_same_addresses():
    kernels = ModelKernels(robertson())
    names = ["rhs", "lu_solve", "rhs_jacobian", "jacobian_vector", "lu_residual"]
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(kernels.address, name) for name in names * 8]
        lengths = [pool.submit(lambda: (kernels.lu_length, len(kernels.pattern[1]))) for _ in range(16)]
        found = [job.result(timeout=60) for job in jobs]
    assert found == [kernels.address(name) for name in names] * 8
    assert {job.result() for job in lengths} == {(kernels.lu_length, 7)}


def test_unknown_kernels_are_refused():
    with pytest.raises(KeyError, match="nonsense"):
        ModelKernels(robertson()).address("nonsense")


def test_kernels_carry_names_for_printed_source():
    kernel = ModelKernels(robertson()).model_graph.kernel("rhs_jacobian")
    assert [vector.name for vector in kernel.inputs] == list(INPUTS)
    assert kernel.inputs[0].labels == ("y1", "y2", "y3")
    assert kernel.outputs[1].labels[-1] == "d(dy3)/dy2"


class TestStart:
    model = definition(
        {"x": v("x"), "y": v("y"), "z": v("z")},
        {"a": mul(n(2), v("b")), "b": add(v("c"), n(1)), "c": n(3), "d": None},
        constants={"half": 0.5},
        initial={"x": n(1.5), "y": mul(v("a"), v("half")), "z": Power(v("t0"), n(2))},
        tspan=(n(0), div(v("d"), n(2))),
    )

    def test_defaults_follow_the_parameters_they_read(self):
        assert evaluate_parameters(self.model, {"d": 8}).tolist() == [8.0, 4.0, 3.0, 8.0]
        assert evaluate_parameters(self.model, {"d": 8, "c": 0}).tolist() == [2.0, 1.0, 0.0, 8.0]

    def test_a_default_that_is_set_no_longer_follows(self):
        assert evaluate_parameters(self.model, {"d": 8, "c": 0, "b": 7}).tolist() == [14.0, 7.0, 0.0, 8.0]

    def test_a_parameter_without_value_is_named(self):
        with pytest.raises(KeyError, match="d"):
            evaluate_parameters(self.model, {})

    def test_an_unknown_name_is_named(self):
        with pytest.raises(KeyError, match="q"):
            evaluate_parameters(self.model, {"d": 8, "q": 1})

    def test_initial_values_read_parameters_and_start_time(self):
        p = evaluate_parameters(self.model, {"d": 8})
        assert evaluate_initial(self.model, p, 3.0).tolist() == [1.5, 4.0, 9.0]
        assert evaluate_initial(self.model, p, 3.0, {"y": 0.25}).tolist() == [1.5, 0.25, 9.0]

    def test_a_state_without_initial_value_is_named(self):
        model = definition({"x": v("x"), "y": v("x")}, initial={"x": n(1)})
        assert evaluate_initial(model, np.empty(0), 0.0, {"y": 2}).tolist() == [1.0, 2.0]
        with pytest.raises(KeyError, match="y"):
            evaluate_initial(model, np.empty(0), 0.0)

    def test_the_time_span_reads_parameters(self):
        assert evaluate_tspan(self.model, evaluate_parameters(self.model, {"d": 8})) == (0.0, 4.0)
        assert evaluate_tspan(definition({"x": v("x")}), np.empty(0)) is None

    def test_results_are_the_caller_s_own(self):
        model = robertson()
        evaluate_parameters(model, {})[0] = 99.0
        assert evaluate_parameters(model, {})[0] == 0.04

    def test_the_start_is_made_once_for_a_model(self):
        model = robertson()
        assert model_start(model) is model_start(model)


def test_compiling_imports_neither_computer_algebra_nor_other_compilers():
    program = (
        "import sys\nfrom symde.codegen.system import ModelKernels\n"
        "print(sorted({'sympy', 'numba', 'scipy', 'lark'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
