"""Paths with noise on a device: the numbers of the CPU, and their gradients."""

from __future__ import annotations

import pytest
import torch

from symde.engine.batched.paths.normal import normals
from symde.layers import NeuralSDE, diffeq
from tests.devices.same import gradients, network, require_same
from tests.noise.test_torch_paths import ADAPTIVE, BETWEEN, BOUNDED, CASES, STIFF, problem_of


def test_the_noise_is_the_same(device):
    def run(home):
        return (normals(2**63 + 5, torch.arange(7, device=home) + 2**40, 2**33, 50),)

    require_same(device, run, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("text", "method"), CASES)
def test_paths_of_a_model(device, text, method):
    problem = problem_of(text)

    def run(home):
        p = torch.tensor(problem.p, device=home, requires_grad=True)
        u0 = torch.tensor(problem.u0, device=home, requires_grad=True)
        how = dict(u0=u0, dt0=0.1, seed=4, saveat=0.25, backend="torch")
        u = diffeq(p.expand(3, -1), problem, method, **how)
        return u, *gradients(u.square().sum(), u0, p)

    # slopes of roots near 0 make rounding larger, and so do iterations that end one earlier
    close = text not in (BOUNDED, BETWEEN, STIFF) and not method.startswith("Implicit")
    require_same(device, run, *((1e-12, 1e-13) if close else (1e-10, 1e-11)))


@pytest.mark.parametrize("sensealg", ["discrete", "tape"])
@pytest.mark.parametrize(("text", "method"), [ADAPTIVE[k] for k in (0, 4, 5, 7)])
def test_steps_that_follow_the_error(device, text, method, sensealg):
    problem = problem_of(text)

    def run(home):
        p = torch.tensor(problem.p, device=home, requires_grad=True)
        u0 = torch.tensor(problem.u0, device=home, requires_grad=True)
        how = dict(u0=u0, rtol=0.1, atol=0.1, seed=4, saveat=0.5, sensealg=sensealg, backend="torch")
        u = diffeq(p.expand(3, -1), problem, method, **how)
        return u, *gradients(u.square().sum(), u0, p)

    # where rounding ends a step one 2^-40th of the span earlier, its noise is another one by 1e-6 of it
    require_same(device, run, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("noise", ["diagonal", "scalar", "general"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_neural_sde(device, noise, dtype):
    class Matrix(torch.nn.Module):
        def __init__(self, home):
            super().__init__()
            self.net = network((2, 6), home, dtype)

        def forward(self, x):
            return self.net(x).reshape(-1, 2, 3)

    def run(home):
        drift = network((2, 6, 2), home, dtype)
        diffusion = Matrix(home) if noise == "general" else network((2, 2), home, dtype)
        layer = NeuralSDE(drift, diffusion, (0, 1), noise=noise, dt0=0.05, saveat=0.5, seed=3)
        u0 = torch.linspace(0, 1, 8, dtype=dtype).reshape(4, 2).to(home).requires_grad_()
        u = layer(u0)
        return u, *gradients(u.square().mean(), u0, layer)

    require_same(device, run, *((1e-11, 1e-12) if dtype == torch.float64 else (1e-4, 1e-5)))
