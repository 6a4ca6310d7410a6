"""A ball that bounces: the times of its impacts, and where they accumulate.

python examples/bouncing_ball.py [PNG]
"""

import sys

import numpy as np

import symde

model = symde.ode_def("""
model Ball
  param g = 9.81 [m/s^2], e = 0.8
  state x = 1 [m], v = 0 [m/s]
  time 0 .. 3
  x' = v
  v' = -g
  bounce: when x <= 0: v = -e*v
end
""")
problem = symde.Problem(model)
solution = symde.solve(problem, rtol=1e-10, atol=1e-12)
flight, speed, first = 2 * 0.8 / 9.81, np.sqrt(2 * 9.81), np.sqrt(2 / 9.81)
for k, event in enumerate(solution.events):
    exact = first + flight * speed * (1 - 0.8**k) / 0.2
    print(f"{event.name} at t = {event.t:.12f}, off by {abs(event.t - exact):.0e}")

end = symde.solve(symde.remake(problem, tspan=(0, 10)), throw=False)
print(end.message)
if len(sys.argv) > 1:
    solution.plot(title="height and speed").figure.savefig(sys.argv[1], dpi=150)
