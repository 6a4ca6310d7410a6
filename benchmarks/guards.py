"""Roots behind guards: how often solves of Torricelli's law fail, and what Taylor methods take for it.

python -m benchmarks.guards
"""

from __future__ import annotations

from collections import Counter

import numpy as np

import symde

LAW = "param k = 1\nx' = -k*(x > 0 ? sqrt(x) : 0); x(0) = 1; time 0 .. 5"
METHODS = "Radau", "Rodas5P", "QNDF", "Tsit5", "VCABM"


def outcomes(method: str) -> Counter[str]:
    """Return codes over initial values, spans and tolerances."""
    problem, found = symde.Problem(LAW), Counter[str]()
    for x0 in np.geomspace(0.01, 100, 21):
        for share in (1.3, 3, 20):
            for rtol in (1e-4, 1e-6, 1e-9):
                span = 0, 2 * share * np.sqrt(x0)  # the vessel is empty at 2 sqrt(x0)
                solved = symde.remake(problem, u0={"x": x0}, tspan=span)
                found[str(symde.solve(solved, method, rtol=rtol, throw=False).retcode)] += 1
    return found


def main() -> None:
    """Print a line for each method."""
    for method in METHODS:
        print(method, dict(outcomes(method)))
    problem = symde.remake(symde.Problem(LAW), p={"k": 2.0}, tspan=(0, 2))
    solution = symde.solve(problem, "Taylor", rtol=1e-6)
    print("Taylor", solution.stats.accepted, "steps, error", f"{abs(solution['x'][-1]):.0e}")


if __name__ == "__main__":
    main()
