"""How often the host waits for a device, whose work it could have prepared meanwhile."""

from __future__ import annotations

import pytest
import torch

from symde.engine.batched import integrate
from symde.layers import NeuralSDE, diffeq
from tests.batched.batches import crowd, rhs_of
from tests.devices.same import network
from tests.noise.test_torch_paths import ADDITIVE, DIAGONAL, problem_of


def per_attempt(device, saveat, method):
    """Waits of an attempt, those of the beginning and the end left out."""
    u0, p = (one.to(device.home) for one in crowd("lotka", 50))
    times = None if saveat is None else torch.linspace(0, 10, saveat, dtype=torch.float64, device=device.home)
    counts = []
    for most in (8, 40):
        with device.waits() as waits:
            integrate(rhs_of("lotka"), u0, p, 0.0, 10.0, times, method, rtol=1e-8, max_steps=most)
        counts.append(len(waits))
    return (counts[1] - counts[0]) / 32


@pytest.mark.parametrize("saveat", [None, 101], ids=["end", "saves"])
@pytest.mark.parametrize("method", ["Tsit5", "Vern7", "Rodas5P"])
def test_the_host_waits_twice_in_eight_attempts_at_most(device, saveat, method):
    assert per_attempt(device, saveat, method) <= (1 if saveat is None else 2) / 8


@pytest.mark.parametrize(
    ("text", "method"), [(DIAGONAL, "EulerMaruyama"), (DIAGONAL, "SRIW1"), (ADDITIVE, "SOSRA")]
)
def test_no_step_of_a_path_waits(device, text, method):
    problem, counts = problem_of(text), []
    p = torch.tensor(problem.p, device=device.home).expand(3, -1)
    for size in (0.1, 0.01):
        with device.waits() as waits:
            diffeq(p, problem, method, dt0=size, seed=1)
        counts.append(len(waits))
    assert counts[0] == counts[1]


def test_no_step_of_a_gradient_of_a_neural_sde_waits(device):
    counts = []
    for size in (0.1, 0.01):
        layer = NeuralSDE(
            network((2, 6, 2), device.home), network((2, 2), device.home), (0, 1), dt0=size, seed=1
        )
        u0 = torch.ones(4, 2, dtype=torch.float64, device=device.home)
        with device.waits() as waits:
            layer(u0).square().mean().backward()
        counts.append(len(waits))
    assert counts[0] == counts[1]
