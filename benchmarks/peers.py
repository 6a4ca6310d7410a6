"""The other side: solvers of other libraries on the very same compiled right-hand side."""

from __future__ import annotations

import numpy as np

from symde import native

_WRAPPER = """
define void @rhs(double %t, ptr %u, ptr %du, ptr %p) {{
  %in = alloca [8 x ptr]
  %out = alloca [1 x ptr]
  %in1 = getelementptr ptr, ptr %in, i64 1
  store ptr %u, ptr %in
  store ptr %p, ptr %in1
  store ptr %du, ptr %out
  %kernel = inttoptr i64 {address} to ptr
  %code = call i32 %kernel(double %t, ptr %in, ptr %out)
  ret void
}}
"""


def lsoda_address(system) -> int:
    """Address of f(t, u, du, p) as numbalsoda calls it: the kernel symde itself uses, so only the solvers
    differ."""
    return native.load_ir(_WRAPPER.format(address=system.kernels.address("rhs"))).address("rhs")


def numbalsoda(problem, floor, name: str):
    """A numbalsoda solver (`lsoda` or `dop853`) of a problem, or None where it is not installed."""
    try:
        import numbalsoda as library
    except ImportError:
        return None
    function, address = getattr(library, name), lsoda_address(problem.system)
    u0, p, times = problem.u0.copy(), problem.p.copy(), np.array(problem.tspan)
    if not len(p):
        p = np.zeros(1)

    def solve(rtol: float) -> np.ndarray:
        u, success = function(address, u0, times, p, rtol=rtol, atol=rtol * floor)
        if not success:
            raise RuntimeError(f"{name} failed")
        return u[-1]

    return solve


def scipy(problem, floor, name: str):
    """A SciPy solver of a problem through `solve_ivp`."""
    import ctypes

    from scipy.integrate import solve_ivp

    kernel = ctypes.CFUNCTYPE(None, ctypes.c_double, *[ctypes.c_void_p] * 3)(lsoda_address(problem.system))
    p, du = problem.p.copy(), np.empty(len(problem.u0))
    p_address, du_address = p.ctypes.data, du.ctypes.data

    def rhs(t, u):
        kernel(t, u.ctypes.data, du_address, p_address)
        return du.copy()

    def solve(rtol: float) -> np.ndarray:
        result = solve_ivp(
            rhs,
            problem.tspan,
            problem.u0,
            method=name,
            rtol=rtol,
            atol=rtol * floor,
            t_eval=problem.tspan[1:],
        )
        if not result.success:
            raise RuntimeError(result.message)
        return result.y[:, -1]

    return solve


def symde(problem, floor, name: str | None):
    """symde itself, through the public call."""
    from symde import solve as symde_solve

    end = [problem.tspan[1]]

    def solve(rtol: float) -> np.ndarray:
        return symde_solve(problem, name, rtol=rtol, atol=rtol * floor, saveat=end).u[-1]

    return solve


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
    import ctypes
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
