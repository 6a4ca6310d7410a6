"""Model texts that between them use everything a printer meets."""

from __future__ import annotations

import numpy as np

# The announcement of DiffEqFlux.jl (2019); rates of Robertson (1966).
ROBER = """
@ode_def Rober begin
  dy₁ = -k₁*y₁+k₃*y₂*y₃
  dy₂ =  k₁*y₁-k₂*y₂^2-k₃*y₂*y₃
  dy₃ =  k₂*y₂^2
end k₁ k₂ k₃
"""

EVERYTHING = """
model Everything "every function and every kind of declaration; made up"
  param a = 0.7 [1/s] in (0, 2) "a rate"
  param b = 2*a + c, c = 1.25
  param d
  const big = 3e7
  state x = a*b [mol] "first"
  state y = 1, z = sqrt(c) + t0, w = -0.5
  time 0 .. 10*a

  bump(s, m) = exp(-(s - m)^2/(2*c^2))

  flux = a*x - b*y/(c + x^2)
  gate = ifelse(x < y and not (z > 2 or w == 0), flux, -flux)
  both = min(x, y, z) + max(x*y, w)

  dx = -flux + bump(t, 3)*gate - x^3 + y^-2 + z^7 - abs(w)^0.5
  dy = erf(x - y) + gamma(1.5 + z^2) - sign(w)*mod(x + t, 0.75) + floor(3*y) - ceil(z) + heaviside(t - 1)
  dz = (x if t < 1 else y if t < 2 else z) + log(x) + log10(x + 1) + log2(y) + tanh(w)*sinh(z)/cosh(z)
  dw = both + atan2(y, x) - asin(x/9)*acos(y/9)*atan(z) + sin(t)*cos(t) - tan(w/3) + d^z - x^(1/3) + w/big
end
"""

NAMES = """
model class "names that mean something elsewhere"
  param lambda = 1, double = 2, int = 3, gamma = 4, E = 5
  param α = 6, α_1 = 7, β₁ = 8, Δx = 9, é = 10, ж = 11
  state I = 1, y₁ = 2, y1 = 3, u = 4, p = 5, np = 6, return = 7, v1 = 8, cos = 9, J = 10, out = 11, x = 1
  x'(0) = 0.5
  import = lambda*I
  dI = -lambda*I*cos + sin(double*I)
  dy₁ = int*y1 - gamma
  dy1 = y₁*E + import
  du = p
  dp = -u*α + α_1
  dnp = np*β₁ + Δx
  return' = é - ж*return
  v1' = v1*np - t
  cos' = sin(cos)
  J' = 1/J
  out' = J - out
  x'' = -x - lambda*x'
end
"""

BARE = """
model bare
  state x = 1
  x' = 0
end
"""


def points(n: int, m: int, count: int = 5) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """(t, u, p) in ranges in which every function of the models above is finite."""
    random = np.random.default_rng(11)
    return [
        (random.uniform(0, 3), random.uniform(0.2, 1.8, n), random.uniform(0.2, 1.8, m)) for _ in range(count)
    ]


def chain_text(n: int) -> str:
    """A ring of n states with three reactions each: 5n nonzeros or so."""
    lines = [f"model ring{n}", "param " + ", ".join(f"k{i} = {1 + i / n}" for i in range(n))]
    lines.append("state " + ", ".join(f"x{i} = {i / n}" for i in range(n)))
    for i in range(n):
        a, b, c = i, (i + 1) % n, (i + 7) % n
        lines.append(f"x{i}' = -k{a}*x{a}*x{b} + k{b}*x{b}^2/(1 + x{c}) - k{c}*exp(-x{a})*x{c}")
    return "\n".join([*lines, "end"])
