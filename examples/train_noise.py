"""Parameters of Lotka-Volterra with noise are trained until rabbits and wolves stay near 1.

python examples/train_noise.py --same-noise --plot trained.png
"""

import argparse

import torch

import symde
from symde.layers import diffeq

parser = argparse.ArgumentParser()
parser.add_argument("--iterations", type=int, default=100)
parser.add_argument("--paths", type=int, default=1, help="paths whose mean loss is followed")
parser.add_argument("--same-noise", action="store_true", help="one seed for all iterations")
parser.add_argument("--plot", help="PNG of paths before and after")
options = parser.parse_args()

problem = symde.Problem("""
  param a = 2.2, b = 1, c = 2, d = 0.4
  state rabbits = 1, wolves = 1
  time 0 .. 10
  drabbits = (a*rabbits - b*rabbits*wolves)*dt + 0.1*rabbits*dW
  dwolves = (-c*wolves + d*rabbits*wolves)*dt + 0.1*wolves*dW
""")
torch.manual_seed(1)  # what seeds are drawn from where none is given
p = torch.tensor(problem.p.copy(), requires_grad=True)
optimiser = torch.optim.Adam([p], lr=0.1)
seed = 1 if options.same_noise else None
history = []
for iteration in range(options.iterations + 1):
    u = diffeq(p.expand(options.paths, -1), problem, "SOSRI", saveat=0.1, dt0=0.02, seed=seed)
    loss = ((u - 1) ** 2).sum() / options.paths
    history.append((loss.item(), u.detach()))
    if iteration % 20 == 0:
        print(f"iteration {iteration:3}: loss {loss.item():9.3f}, p = {p.detach().numpy().round(3)}")
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
losses = [value for value, _ in history]
assert sum(losses[-5:]) / 5 < 0.05 * losses[0]

if options.plot:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
    for ax, at in zip(axes, (0, len(history) // 5, -1), strict=True):
        ax.plot(torch.linspace(0, 10, 101), history[at][1][0])
        ax.set(title=f"iteration {range(len(history))[at]}", xlabel="t", ylim=(0, None))
    axes[2].legend(problem.system.state_names, loc="lower right")
    figure.savefig(options.plot)
