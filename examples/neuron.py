"""Neurons that fire: the potential is reset when it reaches a threshold, Izhikevich (2003).

python examples/neuron.py [PNG]
"""

import sys

import numpy as np
from matplotlib import pyplot

import symde

model = symde.ode_def("""
model Neuron
  param a = 0.02, b = 0.2, c = -65, d = 8, current = 10
  state v = -65, u = b*(-65)
  discrete I = 0, spikes = 0
  time 0 .. 300
  v' = 0.04v^2 + 5v + 140 - u + I
  u' = a*(b*v - u)
  on: at t = 20: I = current
  fire: when rising v == 30: v = c, u += d, spikes += 1
end
""")
kinds = {"regular": {}, "chattering": {"c": -50, "d": 2}, "fast": {"a": 0.1, "d": 2}}
figure, axes = pyplot.subplots(len(kinds), sharex=True, figsize=(7, 5), layout="constrained")
for ax, (kind, p) in zip(axes, kinds.items(), strict=True):
    solution = symde.solve(symde.Problem(model, p=p))
    fired = np.array([event.t for event in solution.events if event.name == "fire"])
    gaps = np.diff(fired)
    print(f"{kind:<12}{len(fired):3} spikes, {gaps.min():.3f} to {gaps.max():.3f} ms apart")
    solution.plot("v", ax=ax)
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=150)
