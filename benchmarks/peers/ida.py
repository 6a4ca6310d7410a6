"""SUNDIALS IDA in C: BDF for F(t, y, y') = 0 with the analytic Jacobian, dense.

The library is the one in the wheel of scikit-sundae, called directly, with symde's kernels behind small
compiled adapters, as in `benchmarks/peers/cvode.py`: nothing goes through Python but the call of a whole
solve. It starts from consistent values and slopes, so that none of its time goes into finding them.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_double, c_int, c_long, c_void_p
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from symde import native
from symde.codegen.call import call
from symde.codegen.system import ModelKernels

_IR = """
@places = internal constant [{nnz} x i64] [{places}]
@rows = internal constant [{nnz} x i64] [{rows}]
@columns = internal constant [{nnz} x i64] [{columns}]
@mass = internal constant [{nnz} x double] [{mass}]
@entries = internal global [{nnz} x double] zeroinitializer

define internal ptr @data(ptr %vector) {{
  %content = load ptr, ptr %vector
  %at = getelementptr i8, ptr %content, i64 8
  %data = load ptr, ptr %at
  ret ptr %data
}}

define internal void @call(i64 %kernel, double %t, ptr %u, ptr %result) {{
  %in = alloca [8 x ptr]
  %out = alloca [1 x ptr]
  %in1 = getelementptr ptr, ptr %in, i64 1
  store ptr %u, ptr %in
  %p = inttoptr i64 {p} to ptr
  store ptr %p, ptr %in1
  store ptr %result, ptr %out
  %address = inttoptr i64 %kernel to ptr
  %code = call i32 %address(double %t, ptr %in, ptr %out)
  ret void
}}

define i32 @residual(double %t, ptr %yy, ptr %yp, ptr %rr, ptr %user) {{
entry:
  %u = call ptr @data(ptr %yy)
  %slope = call ptr @data(ptr %yp)
  %r = call ptr @data(ptr %rr)
  call void @call(i64 {rhs}, double %t, ptr %u, ptr %r)
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
  %ma = getelementptr double, ptr @mass, i64 %k
  %m = load double, ptr %ma
  %ca = getelementptr i64, ptr @columns, i64 %k
  %column = load i64, ptr %ca
  %sa = getelementptr double, ptr %slope, i64 %column
  %s = load double, ptr %sa
  %ra = getelementptr i64, ptr @rows, i64 %k
  %row = load i64, ptr %ra
  %ta = getelementptr double, ptr %r, i64 %row
  %old = load double, ptr %ta
  %product = fmul double %m, %s
  %new = fsub double %old, %product
  store double %new, ptr %ta
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, {nnz}
  br i1 %more, label %loop, label %end
end:
  ret i32 0
}}

define i32 @jacobian(
  double %t, double %c, ptr %yy, ptr %yp, ptr %rr, ptr %J, ptr %user, ptr %a, ptr %b, ptr %d
) {{
entry:
  %u = call ptr @data(ptr %yy)
  %matrix = call ptr @data(ptr %J)
  call void @call(i64 {jacobian}, double %t, ptr %u, ptr @entries)
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
  %ea = getelementptr double, ptr @entries, i64 %k
  %e = load double, ptr %ea
  %ma = getelementptr double, ptr @mass, i64 %k
  %m = load double, ptr %ma
  %product = fmul double %c, %m
  %value = fsub double %e, %product
  %pa = getelementptr i64, ptr @places, i64 %k
  %place = load i64, ptr %pa
  %ta = getelementptr double, ptr %matrix, i64 %place
  store double %value, ptr %ta
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, {nnz}
  br i1 %more, label %loop, label %end
end:
  ret i32 0
}}
"""

LIBRARIES = ("core", "nvecserial", "ida", "sunmatrixdense", "sunlinsoldense")
NORMAL = 1


def libraries():
    """The shared libraries of the wheel by their plain names, None where it is not installed."""
    spec = find_spec("sksundae")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parents[1] / "scikit_sundae.libs"
    import sksundae.ida  # noqa: F401  (loads what the libraries need)

    paths = [sorted(folder.glob(f"libsundials_{name}-*")) for name in LIBRARIES]
    if not all(paths):
        return None
    return {name: ctypes.CDLL(str(found[0])) for name, found in zip(LIBRARIES, paths, strict=True)}


class Implicit:
    """M u' = f of a model as it was written, before anything is derived from it.

    Attributes:
        kernels: Its compiled functions.
        p: Parameters.
        y, slope: Consistent values and slopes at the start.
        rows, columns, mass: Entries of M.
    """

    def __init__(self, definition, p, y, t0):
        from symde.lowering import ModelSystem

        self.kernels = ModelKernels(definition)
        self.p = p.copy() if len(p) else np.zeros(1)
        self.y, self.slope = y, ModelSystem(definition).derivative(t0, y, p)
        indptr, indices = self.kernels.pattern
        self.rows, self.columns = np.repeat(np.arange(len(y)), np.diff(indptr)), np.asarray(indices)
        _, (self.mass,) = call(self.kernels.address("mass"), 0.0, [[], self.p], [len(self.columns)])


def solver(one: Implicit, tspan, floor):
    """A solver of equal_error.py; None where the library is not installed."""
    found = libraries()
    if found is None:
        return None
    n, listed = len(one.y), ", ".join
    text = _IR.format(
        nnz=len(one.columns),
        places=listed(f"i64 {x}" for x in one.columns * n + one.rows),
        rows=listed(f"i64 {x}" for x in one.rows),
        columns=listed(f"i64 {x}" for x in one.columns),
        mass=listed(f"double {x:.17e}" for x in one.mass),
        p=one.p.ctypes.data,
        rhs=one.kernels.address("rhs"),
        jacobian=one.kernels.address("jacobian"),
    )
    adapters = native.load_ir(text)
    core, vectors, ida = found["core"], found["nvecserial"], found["ida"]
    context = c_void_p()
    core.SUNContext_Create(0, byref(context))
    core.SUNContext_ClearErrHandlers(context)
    made = (vectors.N_VMake_Serial, ida.IDACreate, found["sunmatrixdense"].SUNDenseMatrix)
    for function in (*made, found["sunlinsoldense"].SUNLinSol_Dense):
        function.restype = c_void_p
    y, slope = one.y.copy(), one.slope.copy()
    yy, yp = (
        c_void_p(vectors.N_VMake_Serial(c_int(n), c_void_p(vector.ctypes.data), context))
        for vector in (y, slope)
    )
    memory = c_void_p(ida.IDACreate(context))
    t0, t1 = map(float, tspan)
    ida.IDAInit(memory, c_void_p(adapters.address("residual")), c_double(t0), yy, yp)
    ida.IDASStolerances(memory, c_double(1e-4), c_double(1e-4))
    matrix = c_void_p(found["sunmatrixdense"].SUNDenseMatrix(c_int(n), c_int(n), context))
    linear = c_void_p(found["sunlinsoldense"].SUNLinSol_Dense(yy, matrix, context))
    ida.IDASetLinearSolver(memory, linear, matrix)
    ida.IDASetJacFn(memory, c_void_p(adapters.address("jacobian")))
    ida.IDASetMaxNumSteps(memory, c_long(10**7))
    reached = c_double()

    def solve(rtol: float) -> np.ndarray:
        y[:], slope[:] = one.y, one.slope
        ida.IDAReInit(memory, c_double(t0), yy, yp)
        ida.IDASStolerances(memory, c_double(rtol), c_double(rtol * floor))
        ida.IDASetStopTime(memory, c_double(t1))
        code = ida.IDASolve(memory, c_double(t1), byref(reached), yy, yp, c_int(NORMAL))
        if code < 0:
            raise RuntimeError(f"IDA returned {code}")
        return y.copy()

    solve.kept = one, adapters, found
    return solve


def called_back(one: Implicit, tspan, floor):
    """The same as users of scikit-sundae call it: every evaluation is one of Python, here of compiled
    kernels through ctypes."""
    try:
        from sksundae.ida import IDA
    except ImportError:
        return None
    kernel = ctypes.CFUNCTYPE(ctypes.c_int, c_double, c_void_p, c_void_p)(one.kernels.address("rhs"))
    inputs, outputs = np.zeros(8, np.int64), np.zeros(1, np.int64)
    inputs[1] = one.p.ctypes.data
    matrix = np.zeros((len(one.y), len(one.y)))
    matrix[one.rows, one.columns] = one.mass

    def residual(t, y, slope, r):
        inputs[0], outputs[0] = y.ctypes.data, r.ctypes.data
        kernel(t, inputs.ctypes.data, outputs.ctypes.data)
        r -= matrix @ slope

    def solve(rtol: float) -> np.ndarray:
        ida = IDA(residual, rtol=rtol, atol=rtol * floor, max_num_steps=10**6)
        found = ida.solve(np.array(tspan, dtype=float), one.y, one.slope)
        if not found.success:
            raise RuntimeError(found.message)
        return found.y[-1]

    return solve
