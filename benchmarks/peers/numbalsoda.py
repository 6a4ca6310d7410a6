"""numbalsoda: LSODA and DOP853 in C++ and Fortran, called with an address."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.kernels import rhs_address


def solver(problem, floor, name: str):
    """`lsoda` or `dop853`."""
    try:
        import numbalsoda as library
    except ImportError:
        return None
    function, address = getattr(library, name), rhs_address(problem.system)
    u0, times = problem.u0.copy(), np.array(problem.tspan)
    p = problem.p.copy() if len(problem.p) else np.zeros(1)

    def solve(rtol: float) -> np.ndarray:
        u, success = function(address, u0, times, p, rtol=rtol, atol=rtol * floor, mxstep=10**7)
        if not success:
            raise RuntimeError(f"{name} failed")
        return u[-1]

    return solve
