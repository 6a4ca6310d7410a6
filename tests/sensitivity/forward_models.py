"""Models whose derivatives are tested, and what their derivatives are."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm

import symde

SPRING = """
model Spring "a mass on a spring: linear, positions and momenta"
  param k = 2, m = 1.5
  state q = 1, p = 0.5
  time 0 .. 3
  dq = p/m
  dp = -k*q
end
"""

SEASONS = """
model Seasons "predator and prey whose growth follows the year"
  param a = 1.5, b = 1, d = 3, g = 1, s = 0.3, w = 2
  state x = 1, y = 1
  time 0 .. 5
  dx = a*(1 + s*sin(w*t))*x - b*x*y
  dy = -d*y + g*x*y
end
"""

HIRES = """
model Hires "Schäfer (1975) with all rate constants as parameters"
  param k1 = 1.71, k2 = 0.43, k3 = 8.32, k4 = 0.0007, k5 = 8.75, k6 = 10.03, k7 = 0.035, k8 = 1.12
  param k9 = 1.745, k10 = 280, k11 = 0.69, k12 = 1.81
  state y1 = 1, y2 = 0, y3 = 0, y4 = 0, y5 = 0, y6 = 0, y7 = 0, y8 = 0.0057
  time 0 .. 321.8122
  dy1 = -k1*y1 + k2*y2 + k3*y3 + k4
  dy2 = k1*y1 - k5*y2
  dy3 = -k6*y3 + k2*y4 + k7*y5
  dy4 = k3*y2 + k1*y3 - k8*y4
  dy5 = -k9*y5 + k2*y6 + k2*y7
  dy6 = -k10*y6*y8 + k11*y4 + k1*y5 - k2*y6 + k11*y7
  dy7 = k10*y6*y8 - k12*y7
  dy8 = -k10*y6*y8 + k12*y7
end
"""


def competition(n: int = 10) -> str:
    """Generalised Lotka-Volterra of n species: n growth rates and n*n coefficients, weakly coupled."""
    wiggle = np.cos(1.0 + 2.4 * np.arange(n * (n + 1)))
    rates = [f"r{i} = {0.5 + 0.2 * wiggle[i]:.6f}" for i in range(n)]
    couplings = [
        f"a{i}_{j} = {(-0.8 if i == j else 0.0) + 0.1 * wiggle[n + i * n + j]:.6f}"
        for i in range(n)
        for j in range(n)
    ]
    parameters = "\n".join(f"  param {one}" for one in (*rates, *couplings))
    states = ", ".join(f"x{i} = {0.4 + 0.05 * i}" for i in range(n))
    equations = "\n".join(
        f"  dx{i} = x{i}*(r{i} + " + " + ".join(f"a{i}_{j}*x{j}" for j in range(n)) + ")" for i in range(n)
    )
    return f"model Competition\n{parameters}\n  state {states}\n  time 0 .. 4\n{equations}\nend\n"


def spring_derivatives(problem: symde.Problem) -> tuple[np.ndarray, np.ndarray]:
    """du/d(k, m) and du/du0 of the spring at its end, by exponentials of block matrices.

    Source: C. Van Loan, Computing integrals involving the matrix exponential, IEEE Transactions on Automatic
    Control 23 (1978): the upper right block of exp([[A, dA], [0, A]] t) is the derivative of exp(A t).
    """
    (k, m), (t0, t1) = problem.p, problem.tspan
    a = np.array([[0.0, 1 / m], [-k, 0.0]])
    changes = np.array([[0.0, 0.0], [-1.0, 0.0]]), np.array([[0.0, -1 / m**2], [0.0, 0.0]])
    columns = []
    for change in changes:
        block = np.block([[a, change], [np.zeros((2, 2)), a]])
        columns.append(expm(block * (t1 - t0))[:2, 2:] @ problem.u0)
    return np.array(columns).T, expm(a * (t1 - t0))


def central_difference(problem: symde.Problem, j: int, times: list[float], share: float) -> np.ndarray:
    """du/dp_j by central differences of solves at rtol 1e-13, extrapolated once, shape (n_times, n)."""

    def difference(step: float) -> np.ndarray:
        ends = []
        for sign in (1.0, -1.0):
            p = np.array(problem.p)
            p[j] += sign * step
            moved = symde.remake(problem, p=p)
            ends.append(symde.solve(moved, "Radau", rtol=1e-13, atol=1e-20, saveat=times).u)
        return (ends[0] - ends[1]) / (2 * step)

    step = share * abs(problem.p[j])
    return (4 * difference(step) - difference(2 * step)) / 3


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest error of a column over the largest entry of its state's row and column."""
    scale = np.abs(expected).max(axis=0)
    return float((np.abs(found - expected) / np.where(scale > 0, scale, 1.0)).max())
