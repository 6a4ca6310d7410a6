"""Every printed target computes what the graph means."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

import symde
from symde.codegen.call import call
from symde.codegen.starts import evaluate_initial, evaluate_parameters, evaluate_tspan
from symde.native import load_ir
from tests.export.models import BARE, EVERYTHING, NAMES, ROBER, points
from tests.export.reference import QUANTITIES, Reference, agree
from tests.export.tools import called, compiled_c, imported

TEXTS = {"rober": ROBER, "everything": EVERYTHING, "names": NAMES, "bare": BARE}


@pytest.fixture(scope="module", params=TEXTS)
def reference(request) -> Reference:
    return Reference(symde.ode_def(TEXTS[request.param]))


def test_numpy_source_computes_the_model(reference, tmp_path):
    module = imported(symde.export(reference.model, target="numpy"), tmp_path)
    for t, u, p in points(reference.n, reference.m):
        for quantity in QUANTITIES:
            agree(getattr(module, quantity)(t, u, p), reference.of(quantity, t, u, p))


def test_numpy_source_takes_many_points_at_once(reference, tmp_path):
    module = imported(symde.export(reference.model, target="numpy"), tmp_path)
    several = points(reference.n, reference.m)
    t, u, p = (np.array(part) for part in zip(*several, strict=True))
    for quantity in QUANTITIES:
        function = getattr(module, quantity)
        together = function(t, u.T, p.T)
        for k, point in enumerate(several):
            # An array's power and a number's power may differ by a rounding.
            np.testing.assert_allclose(together[..., k], function(*point), rtol=1e-13, atol=1e-14)


def test_c_source_compiles_without_warnings_and_computes_the_model(reference, tmp_path):
    library = compiled_c(symde.export(reference.model, target="c"), tmp_path)
    prefix = reference.definition.name
    for t, u, p in points(reference.n, reference.m):
        for quantity in QUANTITIES:
            expected = reference.of(quantity, t, u, p)
            name = f"{prefix}_{quantity}" + ("_dense" if "jacobian" in quantity else "")
            value = called(getattr(library, name), t, u, p, length=expected[0].size)
            agree(value.reshape(expected[0].shape), expected)


def test_sparse_values_and_pattern_in_c_give_the_dense_jacobians(reference, tmp_path):
    library = compiled_c(symde.export(reference.model, target="c"), tmp_path)
    t, u, p = points(reference.n, reference.m)[0]
    for quantity, columns in (("jacobian", reference.n), ("parameter_jacobian", reference.m)):
        prefix = f"{reference.definition.name}_{quantity}"
        rows = list((ctypes.c_int * (reference.n + 1)).in_dll(library, f"{prefix}_row_pointers"))
        places = list((ctypes.c_int * max(rows[-1], 1)).in_dll(library, f"{prefix}_columns"))
        values = called(getattr(library, prefix), t, u, p, length=rows[-1])
        dense = np.zeros((reference.n, columns))
        for i in range(reference.n):
            dense[i, places[rows[i] : rows[i + 1]]] = values[rows[i] : rows[i + 1]]
        length = reference.n * columns
        printed = called(getattr(library, f"{prefix}_dense"), t, u, p, length=length)
        np.testing.assert_array_equal(printed.reshape(dense.shape), dense)


def test_numba_source_computes_the_model(reference, tmp_path):
    module = imported(symde.export(reference.model, target="numba"), tmp_path)
    for t, u, p in points(reference.n, reference.m):
        for quantity in QUANTITIES:
            expected = reference.of(quantity, t, u, p)
            out = np.full(expected[0].shape, np.nan)
            getattr(module, quantity)(t, u, p, out)
            agree(out, expected)


def test_sparse_values_and_pattern_in_numba_give_the_dense_jacobians(reference, tmp_path):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    module = imported(symde.export(reference.model, target="numba"), tmp_path)
    t, u, p = points(reference.n, reference.m)[0]
    for quantity, columns in (("jacobian", reference.n), ("parameter_jacobian", reference.m)):
        pattern = getattr(module, f"{quantity.upper()}_ROW_POINTERS")
        places = getattr(module, f"{quantity.upper()}_COLUMNS")
        values = np.empty(len(places))
        getattr(module, f"{quantity}_values")(t, u, p, values)
        dense = np.empty((reference.n, columns))
        getattr(module, quantity)(t, u, p, dense)
        sparse = scipy_sparse.csr_array((values, places, pattern), shape=dense.shape)
        np.testing.assert_array_equal(sparse.toarray(), dense)


def test_llvm_source_computes_the_model(reference):
    library = load_ir(symde.export(reference.model, target="llvm"))
    for t, u, p in points(reference.n, reference.m):
        for quantity in QUANTITIES:
            expected = reference.of(quantity, t, u, p)
            if "jacobian" not in quantity:
                code, (out,) = call(library.address(quantity), t, [u, p], [expected[0].size])
            else:
                entries = getattr(reference.graph, quantity)
                code, (values,) = call(library.address(quantity), t, [u, p], [len(entries.nodes)])
                out = np.zeros(expected[0].shape)
                out[np.repeat(np.arange(reference.n), np.diff(entries.indptr)), list(entries.indices)] = (
                    values
                )
            assert code == 0
            agree(out, expected)


@pytest.fixture
def start(reference) -> tuple[np.ndarray, np.ndarray, tuple[float, float] | None]:
    """Parameters with those missing given as 0.9, initial state at t0 = 0.25, time span."""
    p = evaluate_parameters(reference.definition, reference.given)
    given = {name: 0.0 for name in Reference.missing(reference.definition.states, "initial")}
    return p, evaluate_initial(reference.definition, p, 0.25, given), evaluate_tspan(reference.definition, p)


@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_python_source_gives_defaults_initial_state_and_time_span(reference, start, target, tmp_path):
    module = imported(symde.export(reference.model, target=target), tmp_path)
    p, u0, tspan = start
    # The names of these models that lack a default or an initial value are the same in Python or ASCII.
    translate = str.maketrans("₁₂₃", "123")
    given = {name.translate(translate): value for name, value in reference.given.items()}
    missing = Reference.missing(reference.definition.states, "initial")
    np.testing.assert_allclose(module.parameters(**given), p, rtol=1e-15)
    initial = module.initial_state(p, 0.25, **{name.translate(translate): 0.0 for name in missing})
    np.testing.assert_allclose(initial, u0, rtol=1e-15)
    assert hasattr(module, "time_span") == (tspan is not None)
    if tspan is not None:
        assert module.time_span(p) == pytest.approx(tspan, rel=1e-15)
    assert module.STATES == reference.model.state_names
    assert module.PARAMETERS == reference.model.parameter_names
    assert module.OBSERVABLES == reference.model.observable_names


def test_c_source_gives_defaults_initial_state_and_time_span(reference, start, tmp_path):
    library = compiled_c(symde.export(reference.model, target="c"), tmp_path)
    prefix = reference.definition.name
    p, u0, tspan = start
    printed = called(getattr(library, f"{prefix}_default_parameters"), length=reference.m)
    missing = [name in reference.given for name in reference.model.parameter_names]
    np.testing.assert_allclose(printed, np.where(missing, np.nan, p), rtol=1e-15)
    lacking = Reference.missing(reference.definition.states, "initial")
    known = [name not in lacking for name in reference.model.state_names]
    initial = called(getattr(library, f"{prefix}_initial_state"), 0.25, p, length=reference.n)
    np.testing.assert_allclose(initial, np.where(known, u0, np.nan), rtol=1e-15)
    if tspan is not None:
        span = called(getattr(library, f"{prefix}_time_span"), p, length=2)
        assert tuple(span) == pytest.approx(tspan, rel=1e-15)


def test_llvm_source_gives_defaults_and_initial_state(reference, start):
    library = load_ir(symde.export(reference.model, target="llvm"))
    p, u0, _ = start
    _, (printed,) = call(library.address("default_parameters"), 0.0, [[], []], [reference.m])
    known = [name not in reference.given for name in reference.model.parameter_names]
    np.testing.assert_allclose(printed, np.where(known, p, np.nan), rtol=1e-15)
    _, (initial,) = call(library.address("initial_state"), 0.25, [[], p], [reference.n])
    lacking = Reference.missing(reference.definition.states, "initial")
    given = [name not in lacking for name in reference.model.state_names]
    np.testing.assert_allclose(initial, np.where(given, u0, np.nan), rtol=1e-15)


def test_defaults_follow_the_parameters_they_use(tmp_path):
    model = symde.ode_def(EVERYTHING)
    module = imported(symde.export(model, target="numpy"), tmp_path)
    # b = 2*a + c with the default c = 1.25
    assert module.parameters(a=10.0, d=1.0).tolist() == [10.0, 21.25, 1.25, 1.0]
    assert module.parameters(a=10.0, b=3.0, d=1.0).tolist() == [10.0, 3.0, 1.25, 1.0]
    with pytest.raises(TypeError, match="d"):
        module.parameters(a=10.0)
