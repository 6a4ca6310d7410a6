"""heyoka: Taylor's method on its own compiled equations, from the model's sympy view; not compiling it."""

from __future__ import annotations

import functools

import numpy as np


def solver(problem, floor, name: str):
    """One integrator for each tolerance, as heyoka compiles for one."""
    try:
        import heyoka
        import sympy
    except ImportError:
        return None
    model = problem.model
    t = sympy.Symbol("t", real=True)
    equations = model.equations
    names = [str(state) for state in model.states]
    variables = heyoka.make_vars(*[f"x{i}" for i in range(len(names))])
    variables = [variables] if len(names) == 1 else list(variables)
    substitutes = {sympy.Symbol(f"x{i}"): v for i, v in enumerate(variables)}
    renamed = {state: sympy.Symbol(f"x{i}") for i, state in enumerate(model.states)}
    values = dict(zip(model.parameters, problem.p.tolist(), strict=True))
    system = []
    for variable, state in zip(variables, model.states, strict=True):
        right = equations[state] if isinstance(equations, dict) else equations[names.index(str(state))].rhs
        right = sympy.sympify(right, strict=True).subs(values).subs(renamed)
        system.append((variable, heyoka.from_sympy(right, {**substitutes, t: heyoka.time})))

    @functools.cache
    def integrator(rtol: float):
        return heyoka.taylor_adaptive(system, problem.u0.copy(), tol=rtol, compact_mode=len(names) > 20)

    t0, t1 = map(float, problem.tspan)

    def solve(rtol: float) -> np.ndarray:
        ta = integrator(rtol)
        ta.time = t0
        ta.state[:] = problem.u0
        ta.propagate_until(t1)
        return ta.state.copy()

    return solve
