"""Parameters of Lotka-Volterra are trained until nothing moves; one word picks how to differentiate.

python examples/train_lotka_volterra.py --sensealg fd --plot trained.png --animation trained.gif
"""

import argparse

import matplotlib.pyplot as plt
import torch
from matplotlib.animation import FuncAnimation, PillowWriter

import symde
from symde.layers import diffeq_adjoint, diffeq_fd, diffeq_rd

LAYERS = {"rd": diffeq_rd, "fd": diffeq_fd, "adjoint": diffeq_adjoint}

parser = argparse.ArgumentParser()
parser.add_argument("--sensealg", choices=LAYERS, default="rd")
parser.add_argument("--iterations", type=int, default=100)
parser.add_argument("--plot", help="PNG of the populations before, during and after")
parser.add_argument("--animation", help="GIF of the populations in training")
options = parser.parse_args()

problem = symde.Problem("""
  param a = 2.2, b = 1, c = 2, d = 0.4
  state rabbits = 1, wolves = 1
  time 0 .. 10
  drabbits = a*rabbits - b*rabbits*wolves
  dwolves = -c*wolves + d*rabbits*wolves
""")
p = torch.tensor(problem.p.copy(), requires_grad=True)
optimiser = torch.optim.Adam([p], lr=0.1)
history = []
for iteration in range(options.iterations + 1):
    u = LAYERS[options.sensealg](p, problem, "Tsit5", saveat=0.1)
    loss = ((u - 1) ** 2).sum()
    history.append(u.detach())
    if iteration % 20 == 0:
        print(f"iteration {iteration:3}: loss {loss.item():10.4f}, p = {p.detach().numpy().round(3)}")
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def draw(ax, iteration):
    ax.clear()
    ax.plot(torch.linspace(0, 10, 101), history[iteration])
    ax.legend(problem.system.state_names, loc=1)
    ax.set(title=f"iteration {iteration}", xlabel="t", ylim=(0, max(2, history[iteration].max())))


if options.plot:
    figure, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
    for k, ax in enumerate(axes):
        draw(ax, (0, options.iterations // 5, options.iterations)[k])
    figure.savefig(options.plot)
if options.animation:
    figure, ax = plt.subplots()
    FuncAnimation(figure, lambda k: draw(ax, k), len(history)).save(options.animation, PillowWriter(15))
