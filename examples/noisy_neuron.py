"""How often a neuron with noise fires: paths of a leaky neuron beside the formula of Siegert (1951)."""

import math

import numpy as np

import symde

model = symde.ode_def("""
model Neuron
  param drive = 1, noise = 0.3, dead = 0.2
  state v = 0
  discrete spikes = 0, on = 1
  time 0 .. 50
  dv = on*(drive - v)*dt + on*noise*dW
  fire: when v >= 1: v = 0, on = 0, spikes += 1
  awake: when on < 1 after dead: on = 1
end
""")
problem = symde.Problem(model)


def rate(drive, noise=0.3, dead=0.2):
    z = np.linspace(-drive / noise, (1 - drive) / noise, 20_001)
    values = np.exp(z**2) * [math.erfc(-one) for one in z]
    return 1 / (dead + math.sqrt(math.pi) * np.trapezoid(values, z))


drives = np.array([0.6, 0.8, 1.0, 1.5, 2.0])
members = np.repeat(drives, 400)
paths = symde.ensemble(problem, p={"drive": members}, dt0=0.05, seed=1, saveat=[10.0, 50.0])
spikes = np.diff(paths["spikes"])[:, 0].reshape(len(drives), -1) / 40
for drive, counts in zip(drives, spikes, strict=True):
    error = counts.std() / counts.size**0.5
    print(f"drive {drive}: {counts.mean():.4f} ± {error:.4f} a unit of time, exactly {rate(drive):.4f}")
