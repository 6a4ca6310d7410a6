"""The kernels symde itself uses, in the shapes other solvers call: so only the solvers differ."""

from __future__ import annotations

import ctypes

import numpy as np

from symde import native

_CALL = """
  %in = alloca [8 x ptr]
  %out = alloca [3 x ptr]
  %in1 = getelementptr ptr, ptr %in, i64 1
  store ptr %u, ptr %in
  store ptr %p, ptr %in1
  store ptr %du, ptr %out
  %kernel = inttoptr i64 {address} to ptr
  %code = call i32 %kernel(double %t, ptr %in, ptr %out)
"""

_RHS = "define void @rhs(double %t, ptr %u, ptr %du, ptr %p) {{" + _CALL + "  ret void\n}}\n"


def rhs_address(system) -> int:
    """Address of void f(t, u, du, p)."""
    return native.load_ir(_RHS.format(address=system.kernels.address("rhs"))).address("rhs")


_REPEAT = """
define void @repeat(double %t, ptr %in, ptr %out, i64 %n) {{
entry:
  %kernel = inttoptr i64 {address} to ptr
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %code = call i32 %kernel(double %t, ptr %in, ptr %out)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""


def bare_evaluation(problem, calls: int = 20_000) -> float:
    """Seconds of one call of the compiled right-hand side from compiled code."""
    import time

    address = native.load_ir(_REPEAT.format(address=problem.system.kernels.address("rhs"))).address("repeat")
    repeat = ctypes.CFUNCTYPE(None, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        address
    )
    u, p, f = problem.u0.copy(), np.append(problem.p, 0.0), np.empty(len(problem.u0))
    tables = np.array([u.ctypes.data, p.ctypes.data] + [0] * 6), np.array([f.ctypes.data])
    best = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        repeat(problem.tspan[0], tables[0].ctypes.data, tables[1].ctypes.data, calls)
        best = min(best, (time.perf_counter() - started) / calls)
    return best
