"""The price of a European call where the stock jumps: paths of Merton's model beside his series."""

import math

import numpy as np

import symde

model = symde.ode_def("""
model Merton
  param r = 0.05, sigma = 0.2, lam = 1, m = -0.1, s = 0.15
  k = exp(m + s^2/2) - 1
  state S = 100
  dS = (r - lam*k)*S*dt + sigma*S*dW
  jump lam: S = S*exp(normal(m, s))
end
""")
r, sigma, lam, m, s = 0.05, 0.2, 1, -0.1, 0.15


def black_scholes(spot, strike, rate, sigma):
    d = (math.log(spot / strike) + rate + sigma**2 / 2) / sigma
    first, second = (0.5 * math.erfc(-x / math.sqrt(2)) for x in (d, d - sigma))
    return spot * first - strike * math.exp(-rate) * second


def series(strike):
    """Over the number of jumps in a year (Merton 1976, equation 19)."""
    jumps, k = range(60), math.exp(m + s**2 / 2)
    weights = [math.exp(-lam * k) * (lam * k) ** n / math.factorial(n) for n in jumps]
    rates = [r - lam * (k - 1) + n * math.log(k) for n in jumps]
    sigmas = [math.hypot(sigma, s * n**0.5) for n in jumps]
    return sum(weights[n] * black_scholes(100, strike, rates[n], sigmas[n]) for n in jumps)


end = symde.ensemble(symde.Problem(model, tspan=(0, 1)), n=100_000, dt0=0.1, seed=1, saveat=[1.0]).u[:, 0, 0]
for strike in (80, 100, 120):
    payoff = math.exp(-r) * np.maximum(end - strike, 0)
    print(f"{strike}: paths {payoff.mean():.3f} ± {payoff.std() / 1e5**0.5:.3f}, series {series(strike):.3f}")
