"""A neural network as drift, beside noise in proportion to the states, learns a spiral from mean and spread.

The data are means and standard deviations of many paths of a spiral with noise (C. Rackauckas and others
2019). Every iteration follows new paths; the derivative goes along them.
python examples/neural_sde.py --iterations 600 --plot neural_sde.png
"""

import argparse

import matplotlib.pyplot as plt
import torch
from torch import nn

import symde
from symde.layers import neural_dmsde

parser = argparse.ArgumentParser()
parser.add_argument("--iterations", type=int, default=600)
parser.add_argument("--paths", type=int, default=100)
parser.add_argument("--plot", help="PNG of paths")
options = parser.parse_args()

spiral = symde.Problem("""
  state x = 2, y = 0
  time 0 .. 2
  dx = (-0.3*x - 3*y)*dt + 0.2*x*dW
  dy = (3*x - 0.3*y)*dt + 0.2*y*dW
""")
times = [k / 15 for k in range(31)]
data = symde.ensemble(spiral, n=5000, dt0=1 / 60, seed=1, saveat=times).u
mean, spread = torch.tensor(data.mean(0)).float(), torch.tensor(data.std(0)).float()


torch.manual_seed(0)
drift = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
sde = neural_dmsde(drift, [0.4, 0.4], (0, 2), "EulerMaruyama", dt0=1 / 30, saveat=times)
start = torch.tensor([2.0, 0.0]).expand(options.paths, 2)
optimiser = torch.optim.Adam(sde.parameters(), lr=0.02)
slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.iterations + 1)
for k in range(options.iterations + 1):
    optimiser.zero_grad()
    u = sde(start)
    loss = (u.mean(0) - mean).square().mean() + (u[:, 1:].std(0) - spread[1:]).square().mean()
    loss.backward()
    if k % 50 == 0:
        print(f"iteration {k:4}: loss {loss.item():9.5f}, noise", sde.diffusion.scale.abs().tolist())
    optimiser.step()
    slower.step()

if options.plot:
    with torch.no_grad():
        u = sde(start, seed=1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
    for axis, paths, title in zip(axes, (torch.tensor(data[: len(u)]), u), ("data", "learned"), strict=True):
        axis.plot(paths[:, :, 0].T, paths[:, :, 1].T, color="C0", alpha=0.08)
        axis.plot(*mean.T, color="black")
        axis.plot(*paths.mean(0).T, "--", color="C1")
        axis.set(title=title, xlabel="x", ylabel="y")
    figure.savefig(options.plot)
