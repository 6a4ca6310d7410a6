"""torch's automatic casts, kept the same for a step that is done again."""

from __future__ import annotations

import contextlib

import torch


class Casting:
    """The automatic casts of a device as they are now.

    Weights cast in one step are not kept for the next: what is cast without gradients would be taken where
    they are wanted, and of what is cast with them a backward pass leaves nothing for the next.

    Args:
        device: Type of the device.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._enabled = torch.is_autocast_enabled(device)
        self._dtype = torch.get_autocast_dtype(device) if self._enabled else None

    def __call__(self) -> contextlib.AbstractContextManager[object]:
        """The same casts again."""
        if not self._enabled and not torch.is_autocast_enabled(self._device):
            return contextlib.nullcontext()
        return torch.autocast(self._device, self._dtype, self._enabled, cache_enabled=False)
