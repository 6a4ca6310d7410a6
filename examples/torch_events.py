"""What a ball loses at an impact, learned from when it was heard: gradients through the times of events.

python examples/torch_events.py [--iterations N]

Twenty balls are dropped from different heights. Of each only the times of its impacts are known: the loss has
no states in it, so that its gradient comes through the times of the events alone.
"""

import argparse

import torch

import symde
from symde.engine.batched import integrate
from symde.layers.module import module_of
from symde.layers.module_events import events_of

parser = argparse.ArgumentParser()
parser.add_argument("--iterations", type=int, default=30)
iterations = parser.parse_args().iterations
# falls through air, and loses speed at impacts
problem = symde.Problem("""
  param g = 9.81 [m/s^2], drag = 0.05 [1/m], e = 0.8
  state height = 1 [m], speed = 0 [m/s]
  time 0 .. 2
  height' = speed
  speed' = -g - drag*speed*abs(speed)
  bounce: when height <= 0: speed = -e*speed
""")
rhs, events = module_of(problem.system), events_of(problem.system)
heights = torch.linspace(1.0, 2.0, 20, dtype=torch.float64)
start = torch.stack([heights, torch.zeros_like(heights)])


def impacts(drag, e):
    """The times of the first three impacts of every ball, shape (20, 3)."""
    p = torch.stack([torch.tensor(9.81, dtype=torch.float64), drag, e]).reshape(-1, 1)
    found = integrate(rhs, start, p, 0.0, 3.0, rtol=1e-6, events=events)
    return torch.stack([found.events.times(k)[:3] for k in range(len(heights))])


true = torch.tensor([0.05, 0.8], dtype=torch.float64)
heard = impacts(*true)
guess = torch.tensor([0.0, 0.6], dtype=torch.float64, requires_grad=True)
how = dict(max_iter=iterations, tolerance_grad=1e-10, line_search_fn="strong_wolfe")
optimiser = torch.optim.LBFGS([guess], **how)


def closure():
    optimiser.zero_grad()
    loss = (impacts(*guess) - heard).square().mean()
    loss.backward()
    return loss


print(f"error of the times {closure().item() ** 0.5:.3f} s before")
optimiser.step(closure)
print(f"and {closure().item() ** 0.5:.1e} s after")
print(f"drag {guess[0].item():.4f}, restitution {guess[1].item():.4f}")
