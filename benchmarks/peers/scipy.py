"""SciPy's solve_ivp; every evaluation goes through Python."""

from __future__ import annotations

import ctypes

import numpy as np

from benchmarks.peers.kernels import rhs_address


def solver(problem, floor, name: str):
    """Any method of solve_ivp."""
    from scipy.integrate import solve_ivp

    kernel = ctypes.CFUNCTYPE(None, ctypes.c_double, *[ctypes.c_void_p] * 3)(rhs_address(problem.system))
    p, du = problem.p.copy(), np.empty(len(problem.u0))
    p_address, du_address = p.ctypes.data, du.ctypes.data

    def rhs(t, u):
        u = np.ascontiguousarray(u)  # Radau and BDF hand over columns
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

    solve.kept = p  # only its address is in the closure
    return solve
