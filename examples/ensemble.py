"""What uncertain rates mean for predators and prey: bands of a thousand members, in a moment.

python examples/ensemble.py [PNG]
"""

import sys

import symde

model = symde.ode_def("""
model Predation
  param a = 1.5, b = 1, c = 3, d = 1
  state x = 1 [kt], y = 1 [kt]
  time 0 .. 10
  x' = a*x - b*x*y
  y' = -c*y + d*x*y
end
""")


def draw(index, rng):
    """Rates of growth and of predation, known within about five per cent."""
    return {"a": 1.5 * rng.lognormal(0, 0.05), "d": rng.lognormal(0, 0.05)}


ensemble = symde.ensemble(symde.Problem(model), n=1000, p=draw, seed=1, saveat=0.05)
low, middle, high = ensemble.quantile([0.05, 0.5, 0.95], "x")
for t in (2, 5, 10):
    k = int((ensemble.t == t).argmax())
    print(f"t = {t:2}: prey {middle[k]:.2f}, nine of ten between {low[k]:.2f} and {high[k]:.2f}")

if len(sys.argv) > 1:
    axes = ensemble.plot(members=3, title="a thousand members: median, half and nine tenths")
    axes.figure.savefig(sys.argv[1], dpi=110)
