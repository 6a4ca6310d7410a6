"""A planet for a thousand years: whose energy drifts, and whose does not.

python examples/orbit.py [PNG]
"""

import sys

import numpy as np
from matplotlib import pyplot

import symde

model = symde.ode_def("""
model Kepler "an ellipse of eccentricity 0.6; a year is 2π"
  state x = 0.4, y = 0, px = 0, py = 2
  time 0 .. 2000*pi
  hamiltonian H = (px^2 + py^2)/2 - 1/sqrt(x^2 + y^2) for (x, px), (y, py)
end
""")
print(*model.equations, sep="\n")
times = 2 * np.pi * np.geomspace(0.5, 1000, 500)

figure, ax = pyplot.subplots(figsize=(7, 4), layout="constrained")
for method, options in (
    ("VelocityVerlet", {"dt0": 0.01}),  # symplectic: the step is given
    ("KahanLi8", {"dt0": 0.08}),
    ("Vern7", {"rtol": 1e-7}),  # not symplectic: the tolerance is given
    ("Vern9", {"rtol": 1e-7}),
):
    solution = symde.solve(symde.Problem(model), method, saveat=times, **options)
    worst = np.maximum.accumulate(abs(solution["H"] / -0.5 - 1))
    ax.loglog(times / (2 * np.pi), worst, label=method)
    print(f"{method:14} {solution.stats.evaluations:8} evaluations, energy off by {worst[-1]:.0e}")
ax.set(xlim=(1, 1000), ylim=(1e-9, 3e-3), xlabel="years", ylabel="largest error of the energy so far")
ax.legend(loc=(0.02, 0.57))
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=150)
