"""Every printed target computes the problems of the library."""

from __future__ import annotations

import numpy as np
import pytest

from symde.codegen.call import call
from symde.codegen.starts import evaluate_parameters
from symde.export import export
from symde.native import load_ir
from tests.export.reference import QUANTITIES, Reference, agree
from tests.export.tools import called, compiled_c, imported
from tests.problems import get, names

CASES = {get(name).model.name: get(name) for name in names()}


@pytest.fixture(scope="module", params=CASES)
def reference(request) -> Reference:
    return Reference(CASES[request.param].model)


@pytest.fixture(scope="module")
def point(reference) -> tuple[float, np.ndarray, np.ndarray]:
    u = np.random.default_rng(5).uniform(0.2, 1.8, reference.n)
    return 0.75, u, evaluate_parameters(reference.definition, {})


def test_numpy(reference, point, tmp_path):
    module = imported(export(reference.model, "numpy"), tmp_path)
    for quantity in QUANTITIES:
        agree(getattr(module, quantity)(*point), reference.of(quantity, *point))


def test_c(reference, point, tmp_path):
    library = compiled_c(export(reference.model, "c"), tmp_path)
    for quantity in QUANTITIES:
        expected = reference.of(quantity, *point)
        name = f"{reference.definition.name}_{quantity}" + ("_dense" if "jacobian" in quantity else "")
        value = called(getattr(library, name), *point, length=expected[0].size)
        agree(value.reshape(expected[0].shape), expected)


def test_llvm(reference, point):
    library = load_ir(export(reference.model, "llvm"))
    t, *vectors = point
    for quantity in ("rhs", "time_gradient", "observables"):
        expected = reference.of(quantity, *point)
        code, (value,) = call(library.address(quantity), t, vectors, [expected[0].size])
        assert code == 0
        agree(value, expected)


def test_numba(reference, point, tmp_path):
    text = export(reference.model, "numba")
    module = imported(text, tmp_path)
    # numba takes a second to compile every 20 equations with their derivatives: of larger models the
    # right-hand side runs as plain Python, which is the same text.
    small = reference.n <= 4
    for quantity in QUANTITIES if small else ("rhs", "time_gradient", "observables"):
        expected = reference.of(quantity, *point)
        function = getattr(module, quantity)
        value = np.full(expected[0].shape, np.nan)
        (function if small else function.py_func)(*point, value)
        agree(value, expected)
