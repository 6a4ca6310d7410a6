"""A residual network is Euler's method with step 1, exactly: no bit of a value differs, and
gradients differ by the order in which torch adds.

python examples/residual.py [PNG]
"""

import sys

import torch
from torch import nn

from symde.layers import NeuralODE

torch.manual_seed(3)
block = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)).double()
depth = 10
inputs = torch.randn(64, 2, dtype=torch.float64)


def residual(x):
    """Ten layers x + block(x) that share their weights."""
    layers = [x]
    for _ in range(depth):
        layers.append(layers[-1] + block(layers[-1]))
    return torch.stack(layers, 1)


euler = NeuralODE(block, (0.0, depth), "Euler", dt0=1.0, saveat=1.0, backend="torch")


def gradients(solve):
    """Values, and gradients of their squares by weights and inputs."""
    x = inputs.clone().requires_grad_()
    u = solve(x)
    return [u.detach(), *torch.autograd.grad((u**2).sum(), [x, *block.parameters()])]


network, solve = gradients(residual), gradients(euler)
print("same bits" if torch.equal(network[0], solve[0]) else "values differ")
for one, other, name in zip(network[1:], solve[1:], ("inputs", *dict(block.named_parameters())), strict=True):
    print(f"gradient by {name}: within {((one - other).abs().max() / one.abs().max()).item():.0e}")
if len(sys.argv) > 1:
    import matplotlib.pyplot as plt

    for k in range(12):
        plt.plot(*solve[0][k].T, "C0-", *network[0][k].T, "C1.")
    plt.title("layers (dots) and Euler's method (lines)"), plt.savefig(sys.argv[1], dpi=120)
