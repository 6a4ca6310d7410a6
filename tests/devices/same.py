"""A computation here and there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Run = Callable[[torch.device], Sequence[Tensor]]


def require_same(device: Any, run: Run, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    """Compare what a computation gives on the CPU and on a device, on which it must give it."""
    here = run(torch.device("cpu"))
    there = run(device.home)
    for one, other in zip(here, there, strict=True):
        assert other.device.type == device.home.type
        torch.testing.assert_close(other.detach().cpu(), one.detach(), rtol=rtol, atol=atol)


def network(sizes: Sequence[int], device: torch.device, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    """A network with the same weights everywhere."""
    random = torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        linear = nn.Linear(inputs, outputs)
        with torch.no_grad():
            for one in linear.parameters():
                one.copy_(0.5 * torch.randn(one.shape, generator=random))
        layers += [linear, nn.GELU()]
    return nn.Sequential(*layers[:-1]).to(device=device, dtype=dtype)


def gradients(loss: Tensor, *by: Tensor | nn.Module) -> list[Tensor]:
    """Derivatives of a number by tensors and the weights of modules."""
    leaves = [leaf for one in by for leaf in (one.parameters() if isinstance(one, nn.Module) else (one,))]
    return list(torch.autograd.grad(loss, leaves))
