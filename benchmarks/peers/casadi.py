"""CasADi: SUNDIALS CVODES with exact sparse Jacobians, on equations that CasADi's virtual machine evaluates.

Its compiled mode needs a C compiler on the user's machine and is not used.
"""

from __future__ import annotations

import functools

import numpy as np

from benchmarks.peers.expressions import compiled_by


def solver(problem, floor, name: str):
    """One integrator for each tolerance, which it takes when it is made."""
    try:
        import casadi
    except ImportError:
        return None

    def select(conditions, values, default=None):
        chosen = 0.0 if default is None or default != default else default
        for condition, value in zip(reversed(conditions), reversed(values), strict=True):
            chosen = value if condition is True else casadi.if_else(condition, value, chosen)
        return chosen

    slopes = compiled_by(problem, [{"select": select, "less_equal": lambda a, b: a <= b}, casadi])
    t, u = casadi.SX.sym("t"), casadi.SX.sym("u", len(problem.u0))
    try:
        ode = casadi.vertcat(*slopes(t, casadi.vertsplit(u)))
    except (TypeError, RuntimeError, NotImplementedError, NameError):
        return None  # conditions that lambdify does not write for it
    t0, t1 = map(float, problem.tspan)

    @functools.cache
    def integrator(rtol: float):
        options = {
            "reltol": rtol,
            "abstol": rtol * floor,
            "max_num_steps": 10**6,
            "show_eval_warnings": False,
        }
        return casadi.integrator("solve", "cvodes", {"x": u, "t": t, "ode": ode}, t0, t1, options)

    def solve(rtol: float) -> np.ndarray:
        return np.asarray(integrator(rtol)(x0=problem.u0)["xf"]).ravel()

    return solve
