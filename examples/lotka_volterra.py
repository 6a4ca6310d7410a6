"""Rabbits and wolves: a model, its parameters changed, its solutions drawn."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

import symde

model = symde.load(Path(__file__).with_name("lotka.symde"))
problem = symde.Problem(model)
figure, (over_time, phases) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")

solution = symde.solve(problem, rtol=1e-8)
solution.plot(ax=over_time)
drift = abs(solution["invariant"] - solution["invariant"][0]).max()
print(f"the invariant changes by {drift:.1e}")

for rabbits in (1.0, 1.5, 2.0, 2.5):
    orbit = symde.solve(symde.remake(problem, u0={"rabbits": rabbits, "wolves": 1.5}), rtol=1e-8)
    orbit.plot(vars=[("rabbits", "wolves")], ax=phases, label=f"from {rabbits} rabbits")
phases.legend()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1])
