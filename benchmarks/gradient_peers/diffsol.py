"""pydiffsol: solvers in Rust with forward sensitivities and discrete adjoints, through LLVM."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.diffsol import text
from benchmarks.peers.expressions import with_parameters


def solver(case, name: str):
    """`forward` or `adjoint`, with BDF, or Tsit45 where the problem is not stiff."""
    try:
        import pydiffsol as library
    except ImportError:
        return None
    problem = case.problem
    matrix = library.faer_sparse if len(problem.u0) >= 50 else library.nalgebra_dense
    symbols, parameters, _, right = with_parameters(problem)
    try:
        ode = library.Ode(text(problem, symbols, right, parameters), matrix_type=matrix)
    except (NotImplementedError, RuntimeError, ValueError):
        return None  # what its language cannot say
    ode.ode_solver = library.OdeSolverType.from_str("bdf" if case.stiff else "tsit45")
    ode.t0 = float(problem.tspan[0])
    p, times = problem.p.copy(), case.times.copy()

    def forward(rtol: float) -> np.ndarray:
        ode.rtol, ode.atol = rtol, rtol * case.floor
        ode.sens_rtol, ode.sens_atol = rtol, rtol * case.floor
        found = ode.solve_fwd_sens(p, times)
        weights = np.asarray(found.ys) / case.scale[:, None] ** 2
        return np.array([np.vdot(weights, column) for column in found.sens])

    def adjoint(rtol: float) -> np.ndarray:
        ode.rtol, ode.atol = rtol, rtol * case.floor
        ode.sens_rtol, ode.sens_atol = rtol, rtol
        found, checkpoint = ode.solve_adjoint_fwd(p, times)
        weights = np.asarray(found.ys) / case.scale[:, None] ** 2
        return np.asarray(ode.solve_adjoint_bkwd(found, checkpoint, weights)).ravel()

    return forward if name == "forward" else adjoint
