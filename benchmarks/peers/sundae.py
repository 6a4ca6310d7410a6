"""scikit-sundae as its users call it: CVODE that calls Python for every evaluation and every Jacobian.

What it calls are symde's compiled kernels through ctypes; most of the time goes into the calls themselves.
`benchmarks/peers/cvode.py` shows the same solver without them.
"""

from __future__ import annotations

import ctypes

import numpy as np

from benchmarks.peers.kernels import rhs_address


def solver(problem, floor, name: str):
    """CVODE's BDF with the dense Jacobian by differences: jacfn from Python costs more than it saves here."""
    try:
        from sksundae.cvode import CVODE
    except ImportError:
        return None
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_double, *[ctypes.c_void_p] * 3)(rhs_address(problem.system))
    p = problem.p.copy() if len(problem.p) else np.zeros(1)
    address = p.ctypes.data

    def rhs(t, u, slope):
        kernel(t, u.ctypes.data, slope.ctypes.data, address)

    span = np.array(problem.tspan)

    def solve(rtol: float) -> np.ndarray:
        found = CVODE(rhs, method=name, rtol=rtol, atol=rtol * floor, max_num_steps=10**6).solve(
            span, problem.u0
        )
        if not found.success:
            raise RuntimeError(found.message)
        return found.y[-1]

    solve.kept = p  # only its address is in the closure
    return solve
