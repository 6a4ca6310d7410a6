"""Parameters of Lotka-Volterra are trained until nothing moves; one word picks how to differentiate.

python examples/train_lotka_volterra.py --sensealg fd --plot trained.png
"""

import argparse

import torch

import symde
from symde.layers import diffeq_adjoint, diffeq_fd, diffeq_rd

LAYERS = {"rd": diffeq_rd, "fd": diffeq_fd, "adjoint": diffeq_adjoint}

parser = argparse.ArgumentParser()
parser.add_argument("--sensealg", choices=LAYERS, default="rd")
parser.add_argument("--iterations", type=int, default=100)
parser.add_argument("--plot", help="picture of the populations before, during and after")
options = parser.parse_args()

problem = symde.Problem("""
model LotkaVolterra
  param a = 2.2, b = 1, c = 2, d = 0.4
  state rabbits = 1, wolves = 1
  time 0 .. 10
  drabbits = a*rabbits - b*rabbits*wolves
  dwolves = -c*wolves + d*rabbits*wolves
end
""")
p = torch.tensor(problem.p.copy(), requires_grad=True)
optimiser = torch.optim.Adam([p], lr=0.1)
history = []
for iteration in range(options.iterations + 1):
    u = LAYERS[options.sensealg](p, problem, "Tsit5", saveat=0.1)
    loss = ((u - 1) ** 2).sum()
    history.append(u.detach())
    if iteration % 20 == 0:
        print(f"iteration {iteration:3}: loss {loss.item():10.4f}, p = {[round(x, 3) for x in p.tolist()]}")
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()

if options.plot:
    import matplotlib.pyplot as plt

    shown = {0: "before", len(history) // 5: f"iteration {len(history) // 5}", len(history) - 1: "after"}
    figure, axes = plt.subplots(1, len(shown), figsize=(11, 3), layout="constrained")
    for ax, (iteration, title) in zip(axes, shown.items(), strict=True):
        ax.plot(torch.linspace(0, 10, 101), history[iteration], label=problem.system.state_names)
        ax.set(title=title, xlabel="t", ylim=(0, None))
    axes[-1].set_ylim(0, 2)
    axes[0].legend()
    figure.savefig(options.plot)
