"""A universal differential equation: growth and death of Lotka-Volterra are known, a network learns from data
how the species act on each other.

python examples/universal.py [PNG]
"""

import sys

import numpy as np
from scipy.optimize import least_squares

import symde

model = symde.ode_def("extern eaten(x, y) -> 2\n(f, g) = eaten(x, y)\nx' = 1.3*x - f\ny' = g - 1.8*y")
truth = symde.ode_def("x' = 1.3*x - 0.9*x*y\ny' = 0.8*x*y - 1.8*y")
times, span, start = np.linspace(0, 3, 31), (0, 3), [0.44, 4.63]
data = symde.solve(symde.Problem(truth, start, span), saveat=times, rtol=1e-10, atol=1e-12).u
network = symde.Network([symde.Dense(2, 8, "tanh"), symde.Dense(8, 2)], seed=2)
problem = symde.Problem(model.bind(eaten=network), start, span)


def residuals(weights):
    return (symde.solve(symde.remake(problem, p=weights), "Tsit5", saveat=times).u - data).ravel()


def derivatives(weights):
    found = symde.sensitivities(symde.remake(problem, p=weights), "Tsit5", wrt="eaten", saveat=times)
    return found.dp.reshape(data.size, -1)


fit = least_squares(residuals, network.vector(), derivatives, max_nfev=300 if len(sys.argv) > 1 else 60)
learnt = network.with_vector(fit.x)(data)
true = data[:, :1] * data[:, 1:] * [0.9, 0.8]
print(f"what is eaten, up to {true.max():.2f}, is found within {np.abs(learnt - true).max():.3f}")
if len(sys.argv) > 1:
    import matplotlib.pyplot as plt

    plt.plot(times, true, "-", times, learnt, "k--")
    plt.legend(["lost by x", "won by y", "learnt"]), plt.xlabel("t"), plt.savefig(sys.argv[1], dpi=120)
