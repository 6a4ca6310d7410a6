"""One stiff problem by several methods: the work each takes, and the error it leaves.

python examples/methods.py [NAME ...]
"""

import sys
from pathlib import Path

import symde

problem = symde.Problem(symde.load(Path(__file__).with_name("hires.symde")))
reference = symde.solve(problem, "Rodas5P", rtol=1e-12, atol=1e-15).u[-1]
names = sys.argv[1:] or ["Tsit5", "ROCK4", "Rosenbrock23", "TRBDF2", "KenCarp4", "Rodas5P", "QNDF", "FBDF"]

columns = ("accepted", "rejected", "evaluations", "jacobians", "factorisations", "solves")
print("".join(f"{title:>15}" for title in ("method", *columns, "error")))
for name in (*names, None):  # None: symde chooses
    solution = symde.solve(problem, name, rtol=1e-6)
    counts = solution.stats.as_dict()
    error = abs(solution.u[-1] - reference).max()
    cells = [name or "default", *(counts[one] for one in columns), f"{error:.0e}"]
    print("".join(f"{cell:>15}" for cell in cells))
