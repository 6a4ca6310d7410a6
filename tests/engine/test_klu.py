"""KLU solves what symde's own solvers solve, leaves nothing behind, and is there only when asked for."""

import ctypes
import ctypes.util
import gc
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import symde
from benchmarks.sparse import Brusselator2D
from symde.engine.cpu import linear_solvers
from symde.engine.cpu.layout import BACKWARD_ERROR, Attempt, Status
from symde.engine.cpu.linear_solvers import klu
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry
from tests.engine.systems import LinearSystem, Pattern, backward_error, needs_klu
from tests.problems import get

pytestmark = needs_klu

PROBLEMS = ("rober_1e5", "hires", "orego", "pollu", "vanderpol_1e3", "e5", "brusselator")
ATOL = {"e5": 1e-24}
"""Its components fall to 1e-22 and below."""


def full(n):
    return Pattern(np.arange(0, n * n + 1, n), np.tile(np.arange(n), n))


@pytest.mark.parametrize(("method", "apart"), [("Rodas5P", 0.02), ("QNDF", 0.1)])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_problems_are_solved_as_by_other_factorisations(problem, method, apart):
    """All solve to rounding; which steps a method takes hangs on that a little, and on orders of QNDF more:
    between dense and sparse up to 5 %, and the error by a factor of two and a half."""
    case, errors, steps = get(problem), {}, {}
    options = {"rtol": 1e-6, "atol": ATOL.get(problem, 1e-9), "saveat": [case.problem.tspan[1]]}
    for name in ("dense", "sparse", "klu"):
        solution = symde.solve(case.problem, method, linear_solver=name, **options)
        errors[name], steps[name] = case.error(solution.u[-1]), solution.stats.steps
    assert errors["klu"] <= 2.5 * max(errors["dense"], errors["sparse"]) + 1e-6
    for other in ("dense", "sparse"):
        assert abs(steps["klu"] - steps[other]) <= apart * steps[other] + 2


def brusselator_end(kernels, solver):
    session = Session(kernels, [packed(registry.get("Rodas5P"))], solver)
    session.u[:], session.atol[:] = kernels.start(), 1e-6
    session.begin(
        0.0, 0.1, rtol=1e-4, saveat=np.array([0.1]), save_steps=False, dense=False, dt0=None, dtmax=0.1,
        max_steps=1000,
    )  # fmt: skip
    assert session.run() == Status.DONE
    return session.output.saved()[1][-1], session.counters()


def test_a_grid_is_solved_as_by_the_sparse_solver():
    """2048 states; the same steps, and ends that differ by rounding times the condition of W, below 1e4."""
    kernels = Brusselator2D(32)
    expected, theirs = brusselator_end(kernels, "sparse")
    end, ours = brusselator_end(kernels, "klu")
    np.testing.assert_allclose(end, expected, rtol=1e-10)
    assert ours.as_dict() == theirs.as_dict()
    assert ours.pivotings == ours.refinements == 0 < ours.factorisations


def test_a_solve_does_not_depend_on_the_one_before():
    """Each begins with pivots of its own, although the session and its factors are kept."""
    problem = get("hires").problem
    other = symde.remake(problem, u0=problem.u0 + 0.5)
    options = {"rtol": 1e-6, "atol": 1e-9, "linear_solver": "klu"}
    first = symde.solve(problem, "Rodas5P", **options).u
    symde.solve(other, "Rodas5P", **options)
    np.testing.assert_array_equal(symde.solve(problem, "Rodas5P", **options).u, first)


def test_threads_have_factors_of_their_own():
    problem = get("pollu").problem

    def end(_):
        return symde.solve(problem, "Rodas5P", rtol=1e-8, linear_solver="klu").u[-1]

    alone = end(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(end, range(40)):
            np.testing.assert_array_equal(found, alone)


def test_pivots_that_no_longer_serve_are_found_by_the_backward_error():
    """The diagonal that was the pivot falls to 1e-14 of its row, which computing into the old pattern does
    not see."""
    n, numbers = 20, np.random.default_rng(4)
    system = LinearSystem("klu", full(n))
    jacobian = numbers.uniform(0.5, 1.0, (n, n))
    for diagonal in (-100.0, 1.0 - 1e-14):
        np.fill_diagonal(jacobian, diagonal)
        assert system.factor(jacobian, 1.0) == Attempt.FINE
        b = numbers.normal(size=n)
        code, x = system.solve(b)
        assert code == Attempt.FINE and backward_error(np.eye(n) - jacobian, x, b) <= BACKWARD_ERROR
    assert system.state.pivotings == 1


def resident_bytes():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the memory in use is not told here")
def test_factors_are_freed_with_their_session_and_before_others_take_their_place():
    """1 MB each: of 40 sessions and 40 factorisations anew, together 80 MB, not a quarter stays."""
    n = 300
    pattern, jacobian = full(n), np.random.default_rng(1).normal(size=n * n) / n

    def run(repeats):
        system = LinearSystem("klu", pattern)
        for _ in range(repeats):
            assert system.factor(jacobian, 1.0) == Attempt.FINE
            system.state.pivoted = 0  # as at the start of a run

    run(2)
    before = resident_bytes()
    for _ in range(40):
        run(1)
    run(40)
    assert resident_bytes() - before < 20e6


def test_want_of_memory_is_told():
    """KLU says so by its status, and has freed what it returns."""
    system = LinearSystem("klu", full(3))

    @ctypes.CFUNCTYPE(ctypes.c_void_p, *(ctypes.c_void_p,) * 5)
    def factor(starts, rows, values, symbolic, common):
        klu.Common.from_address(common).status = -2
        return 12345

    system.layout.data.factor = ctypes.cast(factor, ctypes.c_void_p).value
    assert system.factor(np.zeros((3, 3)), 1.0) == Attempt.CALLBACK
    assert system.layout.data.numeric == 0
    with pytest.raises(MemoryError, match="more memory than there is"):
        raise system.layout.take_error()
    assert system.layout.take_error() is None


@pytest.fixture
def fresh_library():
    klu.library.cache_clear()
    yield
    klu.library.cache_clear()


def solve_hires():
    # a problem of its own: a session kept from elsewhere has its library
    return symde.solve(symde.Problem("state x = 1\nx' = -x", tspan=(0, 1)), "Rodas5P", linear_solver="klu")


def test_without_the_library_the_remedy_is_told(monkeypatch, fresh_library):
    monkeypatch.setattr(klu, "find_spec", lambda name: None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(ImportError, match=r"it is not installed: pip install 'symde\[klu\]'.*'sparse'"):
        solve_hires()
    assert symde.solve(get("hires").problem, "Rodas5P").retcode.success


def test_a_library_that_hides_its_functions_is_told(monkeypatch, fresh_library):
    mathematics = ctypes.util.find_library("m")
    monkeypatch.setattr(klu, "_of_package", lambda: mathematics)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(ImportError, match="hides its functions: pip install"):
        solve_hires()


def test_a_library_that_cannot_be_loaded_is_told(monkeypatch, fresh_library, tmp_path):
    (tmp_path / "no_library.so").write_text("nothing")
    monkeypatch.setattr(klu, "_of_package", lambda: str(tmp_path / "no_library.so"))
    with pytest.raises(ImportError, match="cannot load the library KLU .*no_library"):
        solve_hires()


def test_a_library_of_an_unknown_kind_is_refused(monkeypatch, fresh_library):
    monkeypatch.setattr(klu, "new_common", lambda library: klu.Common(btf=1, scale=2))
    with pytest.raises(ImportError, match="not of KLU's versions 1.3 to 2"):
        solve_hires()


def test_it_is_never_the_automatic_choice():
    """Not for a lower triangle either, which it need not factorise at all."""
    n = 60
    columns = [np.arange(i + 1) for i in range(n)]
    lower = Pattern(np.concatenate([[0], np.cumsum(np.arange(n) + 1)]), np.concatenate(columns))
    assert linear_solvers.get("klu").cost(lower) < min(
        linear_solvers.get(name).cost(lower) for name in ("dense", "sparse", "lapack")
    )
    assert linear_solvers.choose(lower).name != "klu"
