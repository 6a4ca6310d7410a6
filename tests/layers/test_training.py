"""The seed's training: parameters of Lotka-Volterra for which both populations stay at 1."""

from __future__ import annotations

import pytest
import torch

from symde.layers import diffeq_adjoint, diffeq_fd, diffeq_rd
from tests.layers.models import LOTKA_PROBLEM, double


def trained(layer, tolerance):
    """Losses (100,) and gradients (100, 4) of 100 iterations of Adam."""
    p = double(2.2, 1.0, 2.0, 0.4).requires_grad_()
    optimiser = torch.optim.Adam([p], lr=0.1)
    losses, gradients = [], []
    for _ in range(100):
        optimiser.zero_grad()
        u = layer(p, LOTKA_PROBLEM, "Tsit5", saveat=0.1, rtol=tolerance, atol=tolerance)
        loss = ((u - 1) ** 2).sum()
        loss.backward()
        losses.append(loss.detach())
        gradients.append(p.grad.clone())
        optimiser.step()
    assert u.shape == (101, 2)
    return torch.stack(losses), torch.stack(gradients)


@pytest.fixture(scope="module")
def exact():
    """The run whose gradients have errors below 1e-10."""
    return trained(diffeq_fd, 1e-12)


@pytest.mark.parametrize("layer", [diffeq_rd, diffeq_fd, diffeq_adjoint], ids=["rd", "fd", "adjoint"])
def test_the_three_gradients_are_equal_along_the_whole_run(layer, exact):
    losses, gradients = trained(layer, 1e-8)
    error = (gradients - exact[1]).norm(dim=1) / exact[1].norm(dim=1)
    assert error.max() <= 1e-6
    assert abs(losses[-1] - exact[0][-1]) <= 1e-2 * exact[0][-1]
    assert losses[-1] < 0.1 < 100 < losses[0]  # 0.06 is what the constant solution is away by


@pytest.mark.parametrize("layer", [diffeq_rd, diffeq_fd, diffeq_adjoint], ids=["rd", "fd", "adjoint"])
def test_a_run_at_ordinary_tolerances_ends_as_the_exact_one(layer, exact):
    losses, _ = trained(layer, 1e-6)
    assert abs(losses[-1] - exact[0][-1]) <= 1e-2 * exact[0][-1]
