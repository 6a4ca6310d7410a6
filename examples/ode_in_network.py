"""Digits are read by a network with predators and prey inside, whose food is limited.

python examples/ode_in_network.py                 784 -> 32 -> eight pairs, 32 parameters -> 10
python examples/ode_in_network.py --convolutions  two convolutions -> 144 pairs, 288 initial values -> 10
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn

import symde
from symde.layers import DiffEqLayer

parser = argparse.ArgumentParser()
parser.add_argument("--convolutions", action="store_true")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--images", type=int, default=1797)
parser.add_argument("--plot", help="PNG of new digits and what is read")
options = parser.parse_args()


def pairs(count, own):
    """Predators and prey, with the same parameters or each with its own."""
    text = "".join(f"param a{k} = 1, b{k} = 1, c{k} = 1, d{k} = 1\n" for k in range(count if own else 1))
    for x, y, k in ((f"x{i}", f"y{i}", i if own else 0) for i in range(count)):
        text += f"state {x} = 1, {y} = 1\n"
        text += f"{x}' = a{k}*{x}*(2 - {x}) - b{k}*{x}*{y}\n{y}' = -c{k}*{y} + d{k}*{x}*{y}\n"
    return symde.Problem(text + "time 0 .. 2")


torch.manual_seed(1)
digits, labels = (torch.as_tensor(one[: options.images]) for one in load_digits(return_X_y=True))
images = nn.functional.interpolate(digits.float().reshape(-1, 1, 8, 8) / 16, (28, 28), mode="bilinear")
how = dict(rtol=1e-4, atol=1e-4, sensealg="discrete", saveat=[2.0])
if options.convolutions:
    first = [nn.Conv2d(1, 16, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 8, 2), nn.ReLU(), nn.MaxPool2d(2)]
    layer, last = DiffEqLayer(pairs(144, own=False), u0="incoming", **how), nn.Linear(288, 10)
else:
    first, last = [nn.Flatten(), nn.Linear(784, 32), nn.ReLU()], nn.Linear(16, 10)
    layer = DiffEqLayer(pairs(8, own=True), p="incoming", **how)
network = nn.Sequential(*first, nn.Flatten(), layer, nn.Flatten(), last)
training, testing = torch.randperm(len(images)).tensor_split([len(images) * 4 // 5])
optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
for epoch in range(1, options.epochs + 1):
    for batch in training[torch.randperm(len(training))].split(64):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        read = network(images[testing]).argmax(1)
    print(f"epoch {epoch}: {(read == labels[testing]).float().mean():.1%} of new digits are read")
if options.plot:
    import matplotlib.pyplot as plt

    for k, ax in enumerate(plt.subplots(3, 8, figsize=(10, 4), layout="constrained")[1].flat):
        ax.imshow(images[testing[k], 0], cmap="gray_r"), ax.axis("off"), ax.set_title(f"read: {read[k]}")
    plt.savefig(options.plot)
