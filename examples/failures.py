"""Failures that teach: where a solve ended, in which equation, and what to try."""

import symde

try:
    symde.ode_def("x' = alpah*x\nparam alpha = 2\nstate x = 1\n")
except symde.ModelError as error:
    print(error, "\n")

blow_up = symde.Problem("state y = 1\ny' = y^2\n", tspan=(0, 2))
try:
    symde.solve(blow_up)
except symde.SolveError as error:
    print(error)
    print(f"the part up to t = {error.solution.t[-1]:.6f} is kept")
