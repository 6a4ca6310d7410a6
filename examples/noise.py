"""Predators and prey in a world with noise: single paths, and the spread of a thousand."""

import sys

import numpy as np

import symde

model = symde.ode_def(
    """
    model Noisy "Lotka and Volterra, growth and death with noise"
      param a = 1.5, b = 1, c = 3, d = 1, s = 0.15
      state x = 1, y = 1
      time 0 .. 10
      dom x >= 0, y >= 0
      dx = (a*x - b*x*y)*dt + s*x*dW
      dy = (-c*y + d*x*y)*dt + s*y*dW
    end
    """
)
problem = symde.Problem(model)
result = symde.ensemble(problem, n=1000, dt0=0.005, seed=1)
print(f"{result.method[0].name}:", end=" ")
print(f"prey at the end {result.u[:, -1, 0].mean():.2f} +- {result.u[:, -1, 0].std():.2f}")
quiet = symde.solve(symde.Problem(model, p={"s": 0}), dt0=0.005, seed=1, saveat=result.t)
print(f"without noise   {quiet['x'][-1]:.2f}")
assert np.isfinite(result.u).all() and result.u.min() >= 0

if len(sys.argv) > 1:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 3.5), layout="constrained")
    low, high = np.quantile(result.u[:, :, 0], (0.1, 0.9), axis=0)
    axes.fill_between(result.t, low, high, alpha=0.3, label="8 of 10 paths")
    for seed in (1, 2, 3):
        symde.solve(problem, dt0=0.005, seed=seed).plot("x", ax=axes, lw=0.8, label=f"path {seed}")
    axes.plot(quiet.t, quiet["x"], color="black", lw=2, label="without noise")
    figure.legend(loc="outside upper center", ncols=5)
    figure.savefig(sys.argv[1])
