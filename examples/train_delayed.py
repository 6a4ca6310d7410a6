"""Lotka-Volterra with a delay is trained until the rabbits stay at 1; the delay may be trained too.

python examples/train_delayed.py --delay --plot delayed.png
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np

import symde

parser = argparse.ArgumentParser()
parser.add_argument("--iterations", type=int, default=100)
parser.add_argument("--delay", action="store_true", help="train the delay as well")
parser.add_argument("--plot", help="PNG of the rabbits before and after")
options = parser.parse_args()

problem = symde.Problem("""
  param a = 2.2, b = 1, d = 2, g = 0.4, tau = 0.1
  state rabbits = 1, wolves = 1
  history rabbits = 1
  time 0 .. 10
  drabbits = (a - b*wolves)*rabbits(t - tau)
  dwolves = (d*rabbits - g)*wolves
""")
names = ["a", "b", "d", "g"] + ["tau"] * options.delay


def loss(u):
    residual = np.zeros_like(u)
    residual[:, 0] = u[:, 0] - 1
    return (residual**2).sum(), 2 * residual


p = np.array([problem.p[problem.system.parameter_names.index(name)] for name in names])
mean, square = np.zeros_like(p), np.zeros_like(p)
for k in range(options.iterations + 1):  # Adam (Kingma, Ba 2015) with rate 0.1
    now = symde.remake(problem, p=dict(zip(names, p, strict=True)))
    value, grad = symde.value_and_grad(loss, now, wrt=names, saveat=0.1)
    if k % 20 == 0:
        print(f"iteration {k:3}: loss {value:10.4f}, " + ", ".join(map("{} = {:.3f}".format, names, p)))
    g = np.array([grad[name] for name in names])
    mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
    rate = 0.1 * np.sqrt(1 - 0.999 ** (k + 1)) / (1 - 0.9 ** (k + 1))
    # the delay stays above 0
    p = np.maximum(p - rate * mean / (np.sqrt(square) + 1e-8), 1e-3)

if options.plot:
    figure, ax = plt.subplots()
    for one, label in ((problem, "before"), (now, "after")):
        solution = symde.solve(one)
        ax.plot(solution.t, solution["rabbits"], label=label)
    ax.set(xlabel="t", ylabel="rabbits")
    ax.legend()
    figure.savefig(options.plot)
