"""When and how much to give: times and sizes of four doses, found by gradients that pass through the events.

python examples/dose_times.py [PNG]
"""

import sys

import numpy as np
from scipy.optimize import minimize

import symde

model = symde.ode_def("""
model Dosing "a drug in the gut, then in the blood, which is to stay near a target"
  param ka = 1.5 [1/h], ke = 0.2 [1/h], target = 2 [mg/l], volume = 20 [l]
  param t1 = 0.5, t2 = 6, t3 = 12, t4 = 18
  param d1 = 40, d2 = 40, d3 = 40, d4 = 40
  state gut = 0, blood = 0, missed = 0
  time 0 .. 24
  level = blood/volume
  gut' = -ka*gut
  blood' = ka*gut - ke*blood
  missed' = (level - target)^2
  first: at t = t1: gut += d1
  second: at t = t2: gut += d2
  third: at t = t3: gut += d3
  fourth: at t = t4: gut += d4
end
""")
problem = symde.Problem(model)
names = ["t1", "t2", "t3", "t4", "d1", "d2", "d3", "d4"]


def objective(x):
    """What the level misses of its target, and the derivatives by times and doses."""
    changed = symde.remake(problem, p=dict(zip(names, x, strict=True)))
    value, grad = symde.value_and_grad(
        lambda end: (end.sum(), np.ones_like(end)), changed, of="missed", wrt=names, rtol=1e-8
    )
    return value, grad.vector()


start = np.array([0.5, 6, 12, 18, 40, 40, 40, 40])
bounds = [(0.0, 23.0)] * 4 + [(0.0, 100.0)] * 4
best = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
print(f"missed {objective(start)[0]:.2f} before, {best.fun:.2f} after {best.nfev} gradients")
print("doses " + ", ".join(f"{d:.0f} mg at {t:.1f} h" for t, d in zip(best.x[:4], best.x[4:], strict=True)))
if len(sys.argv) > 1:
    solution = symde.solve(symde.remake(problem, p=dict(zip(names, best.x, strict=True))))
    solution.plot("level").figure.savefig(sys.argv[1], dpi=120)
