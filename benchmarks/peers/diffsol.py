"""pydiffsol: solvers in Rust, on equations that its own language compiles through LLVM, which is not timed.

The whole solve is one call into compiled code; the language's derivatives are exact.
"""

from __future__ import annotations

import numpy as np

from benchmarks.peers.expressions import equations


def text(problem, symbols=None, right=None, parameters=()) -> str:
    """The problem in DiffSL, shared subexpressions written once, as its authors recommend.

    Args:
        symbols, right: Symbols of the states and right-hand sides. Default: with the problem's own numbers.
        parameters: Symbols that stay parameters.
    """
    import sympy
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):
        def _print_Pow(self, expr, rational=False):
            base, exponent = expr.as_base_exp()
            inner = self._print(base)
            if exponent == -1:
                return f"(1.0/({inner}))"
            if exponent.is_Integer and 0 < abs(exponent) <= 4:
                product = "(" + "*".join([f"({inner})"] * abs(int(exponent))) + ")"
                return product if exponent > 0 else f"(1.0/{product})"
            return f"pow({inner}, {self._print(exponent)})"

        def _print_Float(self, expr):
            return repr(float(expr))

        def _print_Integer(self, expr):
            return f"{int(expr)}.0"

        def _print_Rational(self, expr):
            return repr(float(expr))

        def _print_Pi(self, expr):
            return repr(np.pi)

        def _print_Piecewise(self, expr):
            (one, condition), (other, _) = expr.args
            if len(expr.args) != 2 or not isinstance(condition, sympy.LessThan):
                raise NotImplementedError("DiffSL knows heaviside only")
            step = f"heaviside({self._print(condition.rhs)} - ({self._print(condition.lhs)}))"
            rest = self._print(other)
            return f"({rest} + ({self._print(one)} - ({rest}))*{step})"

    if right is None:
        symbols, _, right = equations(problem)
    shared, right = sympy.cse(right, symbols=sympy.numbered_symbols("c"))
    show = Printer().doprint
    lines = []
    if parameters:
        values = [f"{p} = {float(x)!r}" for p, x in zip(parameters, problem.p, strict=True)]
        lines.append(f"in_i {{ {', '.join(values)} }}")
    lines += ["u_i {"]
    lines += [f"  {x} = {float(u)!r}," for x, u in zip(symbols, problem.u0, strict=True)] + ["}"]
    lines += [f"{name} {{ {show(part)} }}" for name, part in shared]
    return "\n".join([*lines, "F_i {", *(f"  {show(part)}," for part in right), "}"])


def solver(problem, floor, name: str):
    """`bdf`, `tr_bdf2`, `esdirk34` or `tsit45`; sparse matrices from 50 states on."""
    try:
        import pydiffsol as library
    except ImportError:
        return None
    t0, t1 = map(float, problem.tspan)
    matrix = library.faer_sparse if len(problem.u0) >= 50 else library.nalgebra_dense
    try:
        ode = library.Ode(text(problem), matrix_type=matrix)
    except (NotImplementedError, RuntimeError, ValueError):
        return None  # what its language cannot say
    ode.ode_solver, ode.t0 = library.OdeSolverType.from_str(name), t0
    nothing, end = np.array([]), np.array([t1])

    def solve(rtol: float) -> np.ndarray:
        ode.rtol, ode.atol = rtol, rtol * floor
        return np.asarray(ode.solve_dense(nothing, end).ys)[:, -1]

    return solve
