"""CasADi: SUNDIALS CVODES with exact sparse Jacobians and CasADi's own adjoint of it, on equations that its
virtual machine evaluates."""

from __future__ import annotations

import functools

import numpy as np

from benchmarks.peers.expressions import with_parameters


def solver(case, name: str):
    """One function for each tolerance, which CasADi takes when it is made."""
    try:
        import casadi
        import sympy
    except ImportError:
        return None
    problem = case.problem
    symbols, parameters, time, right = with_parameters(problem)
    slopes = sympy.lambdify((time, symbols, parameters), right, modules=[casadi], cse=True)
    n, m = len(problem.u0), len(problem.p)
    t, u, p = casadi.SX.sym("t"), casadi.SX.sym("u", n), casadi.SX.sym("p", m)
    ode = casadi.vertcat(*slopes(t, casadi.vertsplit(u), casadi.vertsplit(p)))

    @functools.cache
    def gradient(rtol: float):
        options = {
            "reltol": rtol,
            "abstol": rtol * case.floor,
            "max_num_steps": 10**6,
            "show_eval_warnings": False,
        }
        equations = {"x": u, "p": p, "t": t, "ode": ode}
        t0, times = problem.tspan[0], list(case.times)
        integrator = casadi.integrator("solve", "cvodes", equations, t0, times, options)
        q = casadi.MX.sym("q", m)
        scale = casadi.repmat(casadi.DM(case.scale), 1, len(times))
        scaled = integrator(x0=problem.u0, p=q)["xf"] / scale
        loss = 0.5 * casadi.sumsqr(scaled)
        return casadi.Function("gradient", [q], [casadi.gradient(loss, q)])

    def solve(rtol: float) -> np.ndarray:
        return np.asarray(gradient(rtol)(problem.p)).ravel()

    return solve
