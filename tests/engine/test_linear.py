"""Linear systems: what a static order cannot solve is refined or pivoted, in the same solve, to the same
answer."""

import ctypes

import numpy as np
import pytest

import symde
from symde.engine.cpu.layout import Status
from symde.engine.cpu.session import Session
from symde.engine.cpu.slots import packed
from symde.engine.methods import registry

STIFF = """model Stiff
  state x = 1, y = 0.5, z = 0
  time 0 .. 10
  x' = -100*x + 30*y*z
  y' = 100*x - 30*y*z - 3e3*y^2
  z' = 3e3*y^2 - 0.1*z
end"""
KERNEL = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)


class Spoiled:
    """A model's kernels, some of them replaced."""

    def __init__(self, kernels, **replaced):
        self._kernels, self._replaced = kernels, replaced

    def __getattr__(self, name):
        if name == "step_address":
            raise AttributeError(name)
        return getattr(self._kernels, name)

    @property
    def lu_length(self):
        return self._replaced.get("lu_length", self._kernels.lu_length)

    def address(self, name):
        kernel = self._replaced.get(name)
        return ctypes.cast(kernel, ctypes.c_void_p).value if kernel else self._kernels.address(name)


def solve(problem, kernels, name="Rodas5P", linear_solver="auto"):
    session = Session(kernels, [packed(registry.get(name))], linear_solver)
    session.u[:], session.p[:], session.atol[:] = problem.u0, problem.p, 1e-10
    t0, t1 = problem.tspan
    session.begin(
        t0, t1, rtol=1e-7, saveat=None, save_steps=True, dense=False, dt0=None, dtmax=np.inf, max_steps=10**5
    )
    status = session.run()
    return status, session.output.saved()[1][-1], session.counters()


@pytest.fixture
def problem():
    return symde.Problem(symde.ode_def(STIFF))


@pytest.fixture
def answer(problem):
    status, end, counts = solve(problem, problem.system.kernels)
    assert status == Status.DONE and counts.pivotings == 0 and counts.refinements == 0
    return end


@pytest.mark.parametrize("name", ["Rodas5P", "Rodas4", "Rosenbrock23"])
def test_static_dense_and_generated_elimination_agree(problem, name):
    kernels = problem.system.kernels
    ends = [
        solve(problem, kernels, name)[1],
        solve(problem, Spoiled(kernels), name)[1],
        solve(problem, Spoiled(kernels, lu_length=0), name, "dense")[1],
    ]
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-8)
    np.testing.assert_allclose(ends[2], ends[0], rtol=1e-8)


def test_a_factorisation_that_is_wrong_is_pivoted(problem, answer):
    """Factors of ones instead of the right ones: every solve is refused, refinement cannot help."""
    length = problem.system.kernels.lu_length

    @KERNEL
    def ones(t, inputs, outputs):
        out = ctypes.cast(outputs, ctypes.POINTER(ctypes.c_void_p))
        (ctypes.c_double * length).from_address(out[0])[:] = [1.0] * length
        return 0

    status, end, counts = solve(problem, Spoiled(problem.system.kernels, lu_factor=ones))
    assert status == Status.DONE
    assert counts.pivotings == counts.factorisations and counts.refinements == counts.pivotings
    np.testing.assert_allclose(end, answer, rtol=1e-8)


@pytest.mark.parametrize("name", ["QNDF", "FBDF"])
def test_newtons_iteration_is_not_left_to_wrong_factors(problem, answer, name):
    """The first solution by new factors is checked, so that here each factorisation is pivoted."""
    length = problem.system.kernels.lu_length

    @KERNEL
    def ones(t, inputs, outputs):
        out = ctypes.cast(outputs, ctypes.POINTER(ctypes.c_void_p))
        (ctypes.c_double * length).from_address(out[0])[:] = [1.0] * length
        return 0

    status, end, counts = solve(problem, Spoiled(problem.system.kernels, lu_factor=ones), name)
    # every pivoting factorises once more, and counts where it does
    assert status == Status.DONE and counts.pivotings == counts.factorisations
    np.testing.assert_allclose(end, answer, rtol=1e-5)


def test_a_factorisation_that_is_a_little_wrong_is_refined(problem, answer):
    """Factors off by 1e-6: one refinement brings the residual from 1e-6 to 1e-12."""
    kernels = problem.system.kernels
    length, genuine = kernels.lu_length, KERNEL(kernels.address("lu_factor"))

    @KERNEL
    def blurred(t, inputs, outputs):
        code = genuine(t, inputs, outputs)
        out = ctypes.cast(outputs, ctypes.POINTER(ctypes.c_void_p))
        factors = (ctypes.c_double * length).from_address(out[0])
        for k in range(length):
            factors[k] *= 1 + 1e-6
        return code

    status, end, counts = solve(problem, Spoiled(kernels, lu_factor=blurred))
    assert status == Status.DONE and counts.refinements > 0 and counts.pivotings == 0
    np.testing.assert_allclose(end, answer, rtol=1e-8)


def test_a_jacobian_that_is_not_finite_is_named():
    """sqrt has no derivative at 0: a stiff method cannot start there, the default can."""
    problem = symde.Problem(
        symde.ode_def("model Root\n state x = 0, y = 1\n time 0 .. 1\n y' = -y\n x' = 1 - sqrt(x)\nend")
    )
    with pytest.raises(symde.SolveError, match=r"derivative of x' by x is -?inf.*line 5"):
        symde.solve(problem, "Rodas5P")
    assert symde.solve(problem, "Tsit5").success


@pytest.mark.parametrize("n", [1, 2, 5, 24, 60])
def test_dense_elimination_solves_full_systems(n):
    """u' = A u with a full A: the solution is the matrix exponential (scipy's, an independent
    computation)."""
    from scipy.linalg import expm

    generator = np.random.default_rng(n)
    a = generator.normal(size=(n, n)) - 3 * np.sqrt(n) * np.eye(n)
    u0 = generator.normal(size=n)
    problem = symde.Problem(lambda u, p, t: a @ u, u0, (0, 1))
    status, end, _ = solve(problem, Spoiled(problem.system.kernels, lu_length=0), linear_solver="dense")
    assert status == Status.DONE
    np.testing.assert_allclose(end, expm(a) @ u0, rtol=1e-5, atol=1e-8)
