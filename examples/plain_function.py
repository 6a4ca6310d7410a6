"""A plain Python function as right-hand side: traced where possible, and then compiled like any model."""

import numpy as np

import symde


def lorenz(u, p, t):
    x, y, z = u
    sigma, rho, beta = p
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


problem = symde.Problem(lorenz, u0=[1.0, 0.0, 0.0], tspan=(0.0, 10.0), p=[10.0, 28.0, 8 / 3])
solution = symde.solve(problem, rtol=1e-9, saveat=0.1)
print(solution)
print(f"x(10) = {solution.u[-1, 0]:.6f}")
