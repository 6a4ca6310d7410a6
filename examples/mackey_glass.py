"""Mackey and Glass's equation for blood cells (Science 197, 1977): a delay makes chaos of a single equation.

python examples/mackey_glass.py mackey_glass.png
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import symde

problem = symde.Problem("""
model MackeyGlass
  param beta = 0.2, gamma = 0.1, tau = 17
  state x = 1.2
  before = x(t - tau)
  x' = beta*before/(1 + before^10) - gamma*x
  time 0 .. 1000
end
""")
solution = symde.solve(problem, rtol=1e-8)
print(f"{solution.stats.accepted} steps, {solution.stats.evaluations} evaluations")

t = np.linspace(300, 1000, 20_000)
x, before = solution(t, ["x", "before"]).T
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), width_ratios=(2, 1), layout="constrained")
left.plot(t, x, lw=0.8)
left.set(xlabel="t", ylabel="x(t)")
right.plot(x, before, lw=0.4)
right.set(xlabel="x(t)", ylabel="x(t - 17)")
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "mackey_glass.png", dpi=100)
