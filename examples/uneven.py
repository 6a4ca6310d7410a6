"""A spiral is learnt from unevenly spaced data, and solved from initial states that it was not trained on.

python examples/uneven.py [PNG [GIF]]
"""

import sys

import torch

import symde
from symde.layers import diffeq

truth = symde.Problem(symde.ode_def("x' = -0.1*x^3 - 2*y^3\ny' = 2*x^3 - 0.1*y^3"), [2, 0], (0, 1.5))
model = symde.ode_def("extern net(a, b) -> 2\n(x', y') = net(x^3, y^3)")
network = symde.Network([symde.Dense(2, 50, "tanh"), symde.Dense(50, 2)], seed=2)
problem = symde.Problem(model.bind(net=network), [2, 0], (0, 1.5))
random = torch.Generator().manual_seed(1)
times = torch.sort(1.5 * torch.rand(20, generator=random, dtype=torch.float64)).values
starts = 3.2 * torch.rand(8, 2, generator=random, dtype=torch.float64) - 1.6
unseen = torch.tensor([[1.2, 1.0], [-1.4, -0.3]], dtype=torch.float64)
drawn = torch.linspace(0, 1.5, 200, dtype=torch.float64)
with torch.no_grad():
    data = diffeq(None, truth, u0=starts, saveat=times, rtol=1e-9, atol=1e-9)
    true = diffeq(None, truth, u0=unseen, saveat=drawn, rtol=1e-9, atol=1e-9)

p = torch.tensor(network.vector(), requires_grad=True)
iterations, films = 30 if len(sys.argv) < 2 else 600, []
optimiser = torch.optim.Adam([p], lr=0.05)
slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations)
for iteration in range(1, iterations + 1):
    u = diffeq(p, problem, "Tsit5", u0=starts, saveat=times, sensealg="discrete", rtol=1e-5, atol=1e-5)
    loss = ((u - data) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step(), slower.step()
    if iteration % (iterations // 30) == 0:
        films.append(diffeq(p.detach(), problem, u0=torch.cat([starts, unseen]), saveat=drawn))
    if iteration % (iterations // 3) == 0:
        error = ((films[-1][8:] - true) ** 2).mean().item()
        print(f"iteration {iteration}: mean square {loss.item():.2g}, from new initial states {error:.2g}")
if len(sys.argv) > 1:
    import matplotlib.pyplot as plt
    from matplotlib.animation import FuncAnimation, PillowWriter

    figure, ax = plt.subplots()

    def draw(k):
        ax.clear(), ax.axis("equal")
        for member in range(10):
            ax.plot(*films[k][member].T, "C0" if member < 8 else "C1")
        ax.plot(*data.reshape(-1, 2).T, "C0o"), ax.plot(*true[:, ::10].reshape(-1, 2).T, "C1x")
        ax.set_title("learnt from the points; new initial states, with crosses for what is true")

    draw(len(films) - 1), figure.savefig(sys.argv[1], dpi=120)
    if len(sys.argv) > 2:
        FuncAnimation(figure, draw, len(films)).save(sys.argv[2], PillowWriter(8))
