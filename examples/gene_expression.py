"""A gene that is on or off: one network as equations, as single paths, and as the distribution of many."""

import sys

import numpy as np

import symde
from symde.jumps import solve_jumps

model = symde.ode_def(
    """
    model Gene "transcription in bursts"
      param on = 0.05, off = 0.1, k = 2, decay = 0.1, translation = 1, loss = 0.05
      state G = 0, A = 1, M = 0, P = 0
      time 0 .. 200
      (on, off), G <--> A
      k, A --> A + M
      decay, M --> 0
      translation, M --> M + P
      loss, P --> 0
    end
    """
)
print("conserved:", *symde.conservation_laws(model))
mean = symde.solve(symde.Problem(model))
problem = symde.Problem(model, kind="jump")
paths = [solve_jumps(problem, seed=1, trajectory=i, saveat=[200]) for i in range(2000)]
proteins = np.array([path["P"][0] for path in paths])
print(f"equations: {mean['P'][-1]:.1f} proteins")
print(f"paths:     {proteins.mean():.1f} +- {proteins.std():.1f}")
# all reactions are of first order, so that the mean of the paths is the solution of the equations
assert abs(proteins.mean() - mean["P"][-1]) < 4 * proteins.std() / len(paths) ** 0.5

if len(sys.argv) > 1:
    axes = mean.plot("P", lw=3, color="black", label="equations")
    for i in range(5):
        solve_jumps(problem, seed=1, trajectory=i).plot("P", ax=axes, lw=0.8, label=f"path {i}")
    axes.legend()
    axes.figure.savefig(sys.argv[1])
