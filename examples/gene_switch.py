"""A gene that switches at random, and a protein that follows an equation between: jumps beside equations."""

import numpy as np

import symde

model = symde.ode_def("""
model Switch
  param kon = 0.02, feedback = 0.4, koff = 0.3, b = 10, d = 0.5
  state g = 0, x = 0
  time 0 .. 400
  dx = b*g - d*x
  jump (kon + feedback*x^2/(25 + x^2))*(1 - g): g = 1
  jump koff*g: g = 0
end
""")
problem = symde.Problem(model)
path = symde.solve(problem, seed=1)
print(path)
print("the first jumps:", ", ".join(f"{one.name} at {one.t:.3f}" for one in path.events[:3]))

# the share of time that the gene is on, and the protein, over many paths
paths = symde.ensemble(problem, n=2000, seed=2, saveat=[400.0], workers=2)
on, x = paths.u[:, 0].T
print(f"on {on.mean():.3f}, protein {x.mean():.2f} with a standard deviation of {x.std():.2f}")
# in the long run the mean of x is b/d times that of g
assert abs(x.mean() - 20 * on.mean()) < 4 * x.std() / 2000**0.5

# where the switch is fast the protein follows the mean equation
fast = symde.remake(problem, p={"kon": 20, "feedback": 0, "koff": 30})
smooth = symde.solve(symde.Problem("x' = 10*0.4 - 0.5*x\nx(0) = 0", tspan=(0, 10)))
rough = symde.solve(symde.remake(fast, tspan=(0, 10)), seed=3)
print(f"fast switch: {rough['x'][-1]:.2f}, mean equation: {smooth['x'][-1]:.2f}")
assert abs(rough["x"][-1] - smooth["x"][-1]) < 1.5
assert np.all(np.diff(rough.t) >= 0)
