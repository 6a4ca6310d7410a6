"""SUNDIALS CVODE in C: BDF with the analytic Jacobian, dense or banded.

The library is the one in the wheel of scikit-sundae, called directly, with symde's kernels behind small
compiled adapters: nothing goes through Python but the call of a whole solve. The adapters know how that build
lays out its vectors and matrices (indices of 32 bits, data behind them).
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_double, c_int, c_long, c_void_p
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from symde import native

_IR = """
@positions = internal constant [{nnz} x i64] [{positions}]
@entries = internal global [{nnz} x double] zeroinitializer

define i32 @f(double %t, ptr %y, ptr %ydot, ptr %user) {{
  %yc = load ptr, ptr %y
  %ua = getelementptr i8, ptr %yc, i64 8
  %u = load ptr, ptr %ua
  %dc = load ptr, ptr %ydot
  %da = getelementptr i8, ptr %dc, i64 8
  %du = load ptr, ptr %da
  %in = alloca [8 x ptr]
  %out = alloca [1 x ptr]
  %in1 = getelementptr ptr, ptr %in, i64 1
  store ptr %u, ptr %in
  %p = inttoptr i64 {p} to ptr
  store ptr %p, ptr %in1
  store ptr %du, ptr %out
  %kernel = inttoptr i64 {rhs} to ptr
  %code = call i32 %kernel(double %t, ptr %in, ptr %out)
  ret i32 0
}}

define i32 @jac(double %t, ptr %y, ptr %fy, ptr %J, ptr %user, ptr %t1, ptr %t2, ptr %t3) {{
entry:
  %yc = load ptr, ptr %y
  %ua = getelementptr i8, ptr %yc, i64 8
  %u = load ptr, ptr %ua
  %Jc = load ptr, ptr %J
  %Ja = getelementptr i8, ptr %Jc, i64 {offset}
  %data = load ptr, ptr %Ja
  %in = alloca [8 x ptr]
  %out = alloca [1 x ptr]
  %in1 = getelementptr ptr, ptr %in, i64 1
  store ptr %u, ptr %in
  %p = inttoptr i64 {p} to ptr
  store ptr %p, ptr %in1
  store ptr @entries, ptr %out
  %kernel = inttoptr i64 {jacobian} to ptr
  %code = call i32 %kernel(double %t, ptr %in, ptr %out)
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %pa = getelementptr i64, ptr @positions, i64 %i
  %place = load i64, ptr %pa
  %ea = getelementptr double, ptr @entries, i64 %i
  %entry_ = load double, ptr %ea
  %target = getelementptr double, ptr %data, i64 %place
  store double %entry_, ptr %target
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, {nnz}
  br i1 %more, label %loop, label %end
end:
  ret i32 0
}}
"""

BDF, NORMAL = 2, 1


def _libraries():
    """The shared libraries of the wheel by their plain names, None where it is not installed."""
    spec = find_spec("sksundae")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parents[1] / "scikit_sundae.libs"
    import sksundae.cvode  # noqa: F401  (loads what the libraries need)

    names = (
        "core",
        "nvecserial",
        "cvode",
        "sunmatrixdense",
        "sunmatrixband",
        "sunlinsoldense",
        "sunlinsolband",
    )
    found = {}
    for name in names:
        paths = sorted(folder.glob(f"libsundials_{name}-*"))
        if not paths:
            return None
        found[name] = ctypes.CDLL(str(paths[0]))
    return found


def _bandwidths(indptr, indices) -> tuple[int, int]:
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    offsets = np.asarray(indices) - rows
    return max(0, -int(offsets.min())), max(0, int(offsets.max()))


def solver(problem, floor, name: str):
    """`dense` or `band`; None for a band that is no band."""
    libraries = _libraries()
    if libraries is None:
        return None
    kernels = problem.system.kernels
    n, (indptr, indices) = kernels.n, kernels.pattern
    rows, columns = np.repeat(np.arange(n), np.diff(indptr)), np.asarray(indices)
    lower, upper = _bandwidths(indptr, indices)
    if name == "band":
        if lower + upper + 1 > n // 2:
            return None
        stored = min(n - 1, upper + lower)
        positions, offset = columns * (stored + lower + 1) + rows - columns + stored, 24
    else:
        positions, offset = columns * n + rows, 8
    p = problem.p.copy() if len(problem.p) else np.zeros(1)
    text = _IR.format(
        nnz=len(indices),
        positions=", ".join(f"i64 {x}" for x in positions),
        p=p.ctypes.data,
        rhs=kernels.address("rhs"),
        jacobian=kernels.address("jacobian"),
        offset=offset,
    )
    adapters = native.load_ir(text)
    core, vectors, cvode = libraries["core"], libraries["nvecserial"], libraries["cvode"]
    context = c_void_p()
    core.SUNContext_Create(0, byref(context))
    core.SUNContext_ClearErrHandlers(context)
    for function in (
        vectors.N_VMake_Serial,
        cvode.CVodeCreate,
        libraries["sunmatrixdense"].SUNDenseMatrix,
        libraries["sunmatrixband"].SUNBandMatrix,
        libraries["sunlinsoldense"].SUNLinSol_Dense,
        libraries["sunlinsolband"].SUNLinSol_Band,
    ):
        function.restype = c_void_p
    start, u = problem.u0.copy(), problem.u0.copy()
    y = c_void_p(vectors.N_VMake_Serial(c_int(n), c_void_p(u.ctypes.data), context))
    memory = c_void_p(cvode.CVodeCreate(c_int(BDF), context))
    t0, t1 = map(float, problem.tspan)
    cvode.CVodeInit(memory, c_void_p(adapters.address("f")), c_double(t0), y)
    if name == "band":
        matrix = c_void_p(
            libraries["sunmatrixband"].SUNBandMatrix(c_int(n), c_int(upper), c_int(lower), context)
        )
        linear = c_void_p(libraries["sunlinsolband"].SUNLinSol_Band(y, matrix, context))
    else:
        matrix = c_void_p(libraries["sunmatrixdense"].SUNDenseMatrix(c_int(n), c_int(n), context))
        linear = c_void_p(libraries["sunlinsoldense"].SUNLinSol_Dense(y, matrix, context))
    cvode.CVodeSStolerances(memory, c_double(1e-4), c_double(1e-4))
    cvode.CVodeSetLinearSolver(memory, linear, matrix)
    cvode.CVodeSetJacFn(memory, c_void_p(adapters.address("jac")))
    cvode.CVodeSetMaxNumSteps(memory, c_long(10**7))
    reached = c_double()

    def solve(rtol: float) -> np.ndarray:
        u[:] = start
        cvode.CVodeReInit(memory, c_double(t0), y)
        cvode.CVodeSStolerances(memory, c_double(rtol), c_double(rtol * floor))
        cvode.CVodeSetStopTime(memory, c_double(t1))
        code = cvode.CVode(memory, c_double(t1), y, byref(reached), c_int(NORMAL))
        if code < 0:
            raise RuntimeError(f"CVODE returned {code}")
        return u.copy()

    solve.kept = p, adapters, libraries
    return solve
